"""Questions about several of Booking's rows at once: the bookings of a performance, and customers by their ids."""

import pytest
from django.test import Client

from serving.problems import MEDIA_TYPE
from tests.booking.test_api import _front_leaves_no_connection, post  # noqa: F401

pytestmark = [
    pytest.mark.django_db(databases=["booking"], transaction=True),
    pytest.mark.urls("tests.booking.urls"),
    pytest.mark.usefixtures("shop", "redis"),
]


def test_the_bookings_of_a_performance_the_newest_first(client: Client) -> None:
    body = {"performance": "concert-2030", "customer": 123, "payment_method": "tok_visa"}
    placed = [post(client, {**body, "seats": [f"A-{number}"]}, f"key-{number}").json()["id"] for number in (15, 16, 17)]
    found = client.get("/api/bookings?performance=concert-2030").json()
    assert [one["id"] for one in found] == placed[::-1]
    assert found[0]["seats"] == ["A-17"]
    assert [one["id"] for one in client.get("/api/bookings?performance=concert-2030&limit=2").json()] == placed[:0:-1]
    assert client.get("/api/bookings?performance=concert-1999").json() == []


def test_customers_by_their_ids_without_the_unknown(client: Client) -> None:
    assert [one["id"] for one in client.get("/api/customers?ids=1042,7777,123").json()] == [123, 1042]
    assert len(client.get("/api/customers").json()) >= 2


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("bookings", 422),
        ("bookings?performance=Bad Id", 422),
        ("bookings?performance=concert-2030&limit=0", 422),
        ("bookings?performance=concert-2030&limit=101", 422),
        ("customers?ids=", 422),
        ("customers?ids=0", 422),
        ("customers?ids=1,ana", 422),
        ("customers?ids=99999999999999999999", 422),
        ("customers?ids=\u0661", 422),
        (f"customers?ids={','.join(map(str, range(1, 102)))}", 400),
    ],
)
def test_bad_questions(client: Client, path: str, status: int) -> None:
    answer = client.get(f"/api/{path}")
    assert (answer.status_code, answer["Content-Type"]) == (status, MEDIA_TYPE)

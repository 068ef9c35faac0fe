import pytest
from django.test import Client

from payments.commands import handle
from serving.problems import MEDIA_TYPE
from tests.messages import new_id
from tests.payments.test_payments import refund, take

pytestmark = [
    pytest.mark.django_db(databases=["payments"]),
    pytest.mark.urls("tests.payments.urls"),
    pytest.mark.usefixtures("redis"),
]


def test_a_bookings_payment_with_its_refund(client: Client) -> None:
    booking, saga = new_id(), new_id()
    handle([take(booking, saga), take()])
    (payment,) = client.get(f"/api/payments?booking={booking}").json()
    assert (payment["status"], payment["method"], payment["refund"]) == ("COMPLETED", "tok_visa", None)
    handle([refund(booking, saga)])
    (payment,) = client.get(f"/api/payments?booking={booking}").json()
    assert (payment["status"], payment["refund"]["amount"], payment["version"]) == ("REFUNDED", 150_000, 2)


def test_a_booking_without_payment_has_none(client: Client) -> None:
    assert client.get(f"/api/payments?booking={new_id()}").json() == []


@pytest.mark.parametrize("query", ["", "?booking=", "?booking=7", "?booking='--"])
def test_a_bad_booking_id_gets_a_problem_document(client: Client, query: str) -> None:
    answer = client.get(f"/api/payments{query}")
    assert (answer.status_code, answer["Content-Type"]) == (422, MEDIA_TYPE)
    assert answer.json()["errors"][0]["name"] == "booking"


def test_the_payments_of_several_bookings_without_the_unknown(client: Client) -> None:
    bookings = [new_id() for _ in range(3)]
    handle([take(booking, new_id()) for booking in bookings])
    asked = ",".join([*bookings[:2], new_id()])
    assert {one["booking_id"] for one in client.get(f"/api/payments?bookings={asked}").json()} == set(bookings[:2])
    most = ",".join([*bookings, *(new_id() for _ in range(97))])
    assert len(client.get(f"/api/payments?bookings={most}").json()) == 3


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        (
            f"bookings={','.join(new_id() for _ in range(101))}",
            400,
            "at most 100 ids in one request, and these are 101",
        ),
        ("bookings=", 422, "name at least one id"),
        ("bookings=7", 422, "'7' is no id of a booking"),
        (f"bookings={new_id()},", 422, "'' is no id of a booking"),
        (f"booking={new_id()}&bookings={new_id()}", 422, "name one `booking`, or several `bookings`"),
    ],
)
def test_bad_lists_of_bookings(client: Client, query: str, status: int, said: str) -> None:
    answer = client.get(f"/api/payments?{query}")
    assert (answer.status_code, answer["Content-Type"]) == (status, MEDIA_TYPE)
    assert said in answer.json()["detail"]

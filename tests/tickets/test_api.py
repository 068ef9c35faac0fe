import pytest
from django.test import Client

from serving.problems import MEDIA_TYPE
from tests.messages import new_id
from tests.tickets.test_tickets import issue
from tickets.commands import handle

pytestmark = [
    pytest.mark.django_db(databases=["tickets"]),
    pytest.mark.urls("tests.tickets.urls"),
    pytest.mark.usefixtures("redis"),
]


def test_a_bookings_tickets(client: Client) -> None:
    booking = new_id()
    handle([issue("A-15", "A-16", booking=booking)])
    (issuance,) = client.get(f"/api/tickets?booking={booking}").json()
    assert (issuance["status"], issuance["version"]) == ("ISSUED", 1)
    assert sorted(ticket["seat"] for ticket in issuance["tickets"]) == ["A-15", "A-16"]


def test_a_booking_without_tickets_has_none(client: Client) -> None:
    assert client.get(f"/api/tickets?booking={new_id()}").json() == []


@pytest.mark.parametrize("query", ["", "?booking=", "?booking=7"])
def test_a_bad_booking_id_gets_a_problem_document(client: Client, query: str) -> None:
    answer = client.get(f"/api/tickets{query}")
    assert (answer.status_code, answer["Content-Type"]) == (422, MEDIA_TYPE)


def test_the_tickets_of_several_bookings_without_the_unknown(client: Client) -> None:
    first, second, unknown = new_id(), new_id(), new_id()
    handle([issue("A-15", booking=first), issue("A-16", "A-17", booking=second)])
    found = client.get(f"/api/tickets?bookings={first},{second},{unknown}").json()
    assert {one["booking_id"]: len(one["tickets"]) for one in found} == {first: 1, second: 2}


@pytest.mark.parametrize(
    ("query", "status"), [(f"bookings={','.join(new_id() for _ in range(101))}", 400), ("bookings=x", 422)]
)
def test_bad_lists_of_bookings(client: Client, query: str, status: int) -> None:
    answer = client.get(f"/api/tickets?{query}")
    assert (answer.status_code, answer["Content-Type"]) == (status, MEDIA_TYPE)

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

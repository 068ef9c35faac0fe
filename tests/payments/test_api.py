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

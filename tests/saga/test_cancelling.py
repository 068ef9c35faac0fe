"""Cancelling a booking over all four services' databases: at every moment it may be asked for, and asked for badly."""

from typing import Any

import pytest
from django.test import Client

from booking.contract import CancelRequested
from booking.models import Outbox, Saga
from payments.models import Payment, Refund
from seats.models import Seat
from serving.problems import MEDIA_TYPE
from tests.house import House
from tests.messages import command, new_id
from tests.saga.cancelling import all_undone, cancel, requests, state
from tickets.models import Issuance, Ticket

pytestmark = [
    pytest.mark.django_db(databases=["booking", "seats", "payments", "tickets"]),
    pytest.mark.urls("tests.booking.urls"),
]


def test_a_confirmed_booking_is_cancelled_by_a_second_saga(house: House, client: Client) -> None:
    booking = house.book("A-1", "A-2")
    house.run()
    assert state(booking) == ("CONFIRMED", "")
    answer = cancel(client, booking)
    assert (answer.status_code, answer.json()["state"]) == (202, "CONFIRMED")
    house.run()
    assert state(booking) == ("CANCELLED", "cancelled_by_customer")
    assert (booking.amount, booking.currency, booking.cancel_requested_at) == (300_000, "KRW", None)
    assert all_undone()
    assert (Issuance.objects.get().status, Ticket.objects.count()) == ("VOIDED", 2)
    assert (Payment.objects.get().status, Refund.objects.get().amount) == ("REFUNDED", 300_000)
    sagas = Saga.objects.order_by("id").values_list("definition", "state")
    assert list(sagas) == [("BookTickets", "COMPLETED"), ("CancelBooking", "COMPLETED")]
    states = Outbox.objects.filter(kind="event", subject=str(booking.id)).order_by("seq").values_list("data__state")
    assert [one for (one,) in states][-3:] == ["CANCELLING", "CANCELLING", "CANCELLED"]


def test_its_seats_can_be_sold_again(house: House, client: Client) -> None:
    first = house.book("A-1")
    house.run()
    cancel(client, first)
    house.run()
    second = house.book("A-1", customer=1042)
    house.run()
    assert state(second) == ("CONFIRMED", "")
    assert str(Seat.objects.get(status="SOLD").booking_id) == str(second.id)


@pytest.mark.parametrize("waits_for", ["ReserveSeats", "TakePayment"])
def test_before_the_pivot_the_running_saga_turns_back(house: House, client: Client, waits_for: str) -> None:
    booking = house.book("A-1")
    house.run(hold=f"{waits_for}Reply")
    assert cancel(client, booking).status_code == 202
    house.run().release()
    assert state(booking) == ("CANCELLED", "cancel_requested")
    assert all_undone()
    assert Saga.objects.count() == 1


@pytest.mark.parametrize(("hold", "ends"), [("IssueTickets", "cancel_requested"), ("IssueTicketsReply", None)])
def test_at_the_pivot_it_is_fenced(house: House, client: Client, hold: str, ends: str | None) -> None:
    """Not issued yet: never will be. Issued: the booking is confirmed, and then cancelled by its own saga."""
    booking = house.book("A-1")
    house.run(hold=hold)
    cancel(client, booking)
    house.run()
    assert state(booking) == ("CANCELLED", ends or "cancelled_by_customer")
    assert Outbox.objects.filter(type="FenceTickets").count() == 1
    assert all_undone()
    house.release()
    assert all_undone()


def test_after_the_pivot_it_waits_for_the_confirmation(house: House, client: Client) -> None:
    booking = house.book("A-1")
    house.run(hold="ConfirmSeatsReply")
    assert cancel(client, booking).json()["state"] == "CONFIRMING"
    house.run()
    assert state(booking)[0] == "CONFIRMING"
    house.release()
    assert state(booking) == ("CANCELLED", "cancelled_by_customer")
    assert all_undone()


def test_before_the_saga_has_started(house: House, client: Client) -> None:
    booking = house.book("A-1")
    house.run(hold="BookTickets")
    cancel(client, booking)
    house.run()
    assert state(booking)[0] == "PENDING"
    house.release()
    assert state(booking) == ("CANCELLED", "cancel_requested")
    assert all_undone()


def test_an_interruption_does_not_turn_a_cancellation_back(house: House, client: Client) -> None:
    booking = house.book("A-1")
    house.run()
    cancel(client, booking)
    house.run(hold="VoidTickets")
    house.deliver({**command(CancelRequested(booking_id=str(booking.id))), "destination": "booking"})
    assert state(booking)[0] == "CANCELLING"
    house.release()
    assert state(booking)[0] == "CANCELLED"


def test_cancelling_twice(house: House, client: Client) -> None:
    booking = house.book("A-1")
    house.run()
    first, same, other = (cancel(client, booking, key=key) for key in ("k1", "k1", "k2"))
    assert first.json() == same.json() == other.json()
    assert requests() == 1
    house.run()
    again = cancel(client, booking, key="k1")
    assert (again.status_code, again.json()["state"]) == (202, "CANCELLED")  # the answer to a request already granted
    late = cancel(client, booking, key="k3")
    assert (late.status_code, late["Content-Type"], late.json()["title"]) == (409, MEDIA_TYPE, "Cancelled already")
    house.run()
    assert Refund.objects.count() == 1


def test_cancelling_what_is_not_yours(house: House, client: Client) -> None:
    booking = house.book("A-1")
    answer = cancel(client, booking, customer=1042)
    assert (answer.status_code, answer["Content-Type"]) == (403, MEDIA_TYPE)
    assert requests() == 0
    assert cancel(client, booking).status_code == 202


@pytest.mark.parametrize(
    ("body", "status"),
    [({"customer": "123"}, 422), ({"customer": None}, 422), ({"customer": 2**63}, 422), ({"reason": "x"}, 422)],
)
def test_bad_requests(house: House, client: Client, body: dict[str, Any], status: int) -> None:
    answer = cancel(client, house.book("A-1"), **body)
    assert (answer.status_code, answer["Content-Type"], requests()) == (status, MEDIA_TYPE, 0)


def test_unknown_bookings_and_keys(house: House, client: Client) -> None:
    booking = house.book("A-1")
    assert cancel(client, new_id()).status_code == 404
    assert cancel(client, "15").status_code == 422
    assert client.post(f"/api/bookings/{booking.id}/cancel", "{}", content_type="application/json").status_code == 422
    used = cancel(client, booking, key="k1")
    other = house.book("A-2")
    reused = cancel(client, other, key="k1")
    assert (used.status_code, reused.status_code, reused.json()["title"]) == (202, 422, "Idempotency key reused")


def test_the_api_tells_the_saga_the_booking_is_in(house: House, client: Client) -> None:
    booking = house.book("A-1")
    house.run()
    cancel(client, booking)
    house.run(hold="RefundPaymentReply")
    told = client.get(f"/api/bookings/{booking.id}/saga").json()
    assert (told["definition"], told["state"], told["booking_state"]) == ("CancelBooking", "RUNNING", "CANCELLING")
    assert [(step["name"], step["state"]) for step in told["steps"]] == [
        ("VoidTickets", "succeeded"), ("RefundPayment", "sent"), ("ReleaseSeats", "pending"),
    ]  # fmt: skip
    assert [one["definition"] for one in told["sagas"]] == ["BookTickets", "CancelBooking"]


def test_an_earlier_saga_of_a_booking_can_be_looked_at(house: House, client: Client) -> None:
    booking = house.book("A-1")
    house.run()
    cancel(client, booking)
    house.run()
    first, second = client.get(f"/api/bookings/{booking.id}/saga").json()["sagas"]
    told = client.get(f"/api/bookings/{booking.id}/saga", {"saga": first["id"]}).json()
    assert (told["id"], told["definition"], len(told["sagas"])) == (first["id"], "BookTickets", 2)
    assert client.get(f"/api/bookings/{booking.id}/saga").json()["id"] == second["id"]
    assert client.get(f"/api/bookings/{booking.id}/saga", {"saga": new_id()}).status_code == 404

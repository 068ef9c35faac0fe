"""Cancelling a booking over all four services' databases: at every moment it may be asked for, and asked for badly."""

import json
import uuid
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from booking.contract import CancelRequested
from booking.models import Booking, Outbox, Saga
from booking.orchestrator.process import ROUNDS
from booking.watchdog import patrol, services
from messaging.problems import MEDIA_TYPE
from payments.models import Payment, Refund
from seats.models import Hold, Seat
from tests.house import House
from tests.messages import command, new_id
from tickets.models import Issuance, Ticket

pytestmark = [
    pytest.mark.django_db(databases=["booking", "seats", "payments", "tickets"]),
    pytest.mark.urls("tests.booking.urls"),
]


def cancel(client: Client, booking: Booking | str, customer: Any = 123, key: str = "", **more: Any) -> Any:
    return client.post(
        f"/api/bookings/{booking if isinstance(booking, str) else booking.id}/cancel",
        json.dumps({"customer": customer, **more}),
        content_type="application/json",
        headers={"Idempotency-Key": key or str(uuid.uuid4())},
    )


def state(booking: Booking) -> tuple[str, str]:
    booking.refresh_from_db()
    return booking.state, booking.reason


def all_undone() -> bool:
    """No seat taken, no money held, no ticket that opens a door."""
    return (
        not Seat.objects.exclude(status="AVAILABLE").exists()
        and not Hold.objects.exclude(status="RELEASED").exists()
        and not Payment.objects.filter(status="COMPLETED").exists()
        and not Issuance.objects.filter(status="ISSUED").exists()
    )


def requests() -> int:
    return Outbox.objects.filter(type="CancelRequested").count()


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


def test_a_lost_request_is_sent_again_by_the_watchdog(house: House, client: Client) -> None:
    booking = house.book("A-1")
    house.run()
    cancel(client, booking)
    house.run(hold="CancelRequested")
    with connections["booking"].cursor() as cursor:
        cursor.execute("update booking_booking set due_at = clock_timestamp() - interval '1 second'")
    patrol(dict.fromkeys(["booking", *services()], 0))
    house.run()
    assert state(booking)[0] == "CANCELLED"
    house.release()  # the first one was only late
    assert Saga.objects.count() == 2


def test_an_interruption_does_not_turn_a_cancellation_back(house: House, client: Client) -> None:
    booking = house.book("A-1")
    house.run()
    cancel(client, booking)
    house.run(hold="VoidTickets")
    house.deliver({**command(CancelRequested(booking_id=str(booking.id))), "destination": "booking"})
    assert state(booking)[0] == "CANCELLING"
    house.release()
    assert state(booking)[0] == "CANCELLED"


@pytest.mark.parametrize("rounds", [1, ROUNDS - 1])
def test_a_wish_whose_first_command_is_lost_stays_and_is_granted(house: House, client: Client, rounds: int) -> None:
    """Lost twice, VoidTickets is fenced: nobody refused anything, so another saga voids the tickets."""
    booking = house.book("A-1")
    house.run()
    cancel(client, booking, key="k1")
    for number in range(rounds):
        house.run(hold="VoidTickets")
        house.overdue(booking)
        house.run(hold="VoidTickets")
        house.overdue(booking)
        house.run(hold="VoidTickets")
        assert state(booking)[0] == "CANCELLING"
        assert Issuance.objects.get().status == "ISSUED"
        sagas = Saga.objects.order_by("id").values_list("definition", "state")
        assert list(sagas)[1:] == [("CancelBooking", "COMPENSATED")] * (number + 1) + [("CancelBooking", "RUNNING")]
        booking.refresh_from_db()
        assert booking.cancel_requested_at is not None
        assert cancel(client, booking, key="k1").status_code == 202
    house.release()  # also those that are fenced by now
    assert state(booking) == ("CANCELLED", "cancelled_by_customer")
    assert booking.cancel_requested_at is None
    assert all_undone()
    assert Refund.objects.count() == 1


def rounds_without_end(house: House, booking: Booking) -> int:
    """VoidTickets is lost every time, until no saga waits for it any more; how many sagas that took."""
    for _ in range(4 * ROUNDS):
        house.run(hold="VoidTickets")
        if not Saga.objects.filter(booking=booking, state__in=["RUNNING", "FENCING"]).exists():
            break
        house.overdue(booking)
    return Saga.objects.filter(booking=booking, definition="CancelBooking").count()


def test_a_wish_whose_command_is_lost_every_time_is_refused_aloud(house: House, client: Client) -> None:
    booking = house.book("A-1")
    house.run()
    cancel(client, booking, key="k1")
    assert rounds_without_end(house, booking) == ROUNDS
    assert state(booking) == ("CONFIRMED", "no_answer")
    assert booking.cancel_requested_at is None
    assert set(Saga.objects.filter(definition="CancelBooking").values_list("state", flat=True)) == {"COMPENSATED"}
    patrol(dict.fromkeys(["booking", *services()], 0))
    house.run().release()  # nothing of it comes back, not even the lost commands
    assert state(booking) == ("CONFIRMED", "no_answer")
    assert (Issuance.objects.get().status, Payment.objects.get().status) == ("ISSUED", "COMPLETED")
    same = cancel(client, booking, key="k1")
    assert (same.status_code, same.json()["detail"].endswith("refused: no_answer")) == (409, True)
    assert cancel(client, booking, key="k2").status_code == 202  # asked anew, with patience of its own
    assert rounds_without_end(house, booking) == 2 * ROUNDS
    assert cancel(client, booking, key="k3").status_code == 202
    house.run()
    assert state(booking) == ("CANCELLED", "cancelled_by_customer")
    assert all_undone()


def test_a_wish_that_came_after_the_pivot_is_bounded_too(house: House, client: Client) -> None:
    booking = house.book("A-1")
    house.run(hold="ConfirmSeatsReply")
    cancel(client, booking)
    house.release(hold="VoidTickets")
    assert rounds_without_end(house, booking) == ROUNDS
    assert state(booking) == ("CONFIRMED", "no_answer")


def test_a_wish_that_ticket_refuses_is_refused_aloud(house: House, client: Client) -> None:
    booking = house.book("A-1")
    house.run()
    Ticket.objects.all().delete()
    Issuance.objects.all().delete()
    assert cancel(client, booking, key="k1").status_code == 202
    house.run()
    assert state(booking) == ("CONFIRMED", "no_tickets")
    assert booking.cancel_requested_at is None
    assert client.get(f"/api/bookings/{booking.id}").json()["reason"] == "no_tickets"
    same = cancel(client, booking, key="k1")
    assert (same.status_code, same.json()["title"]) == (409, "Cancellation refused")
    assert same.json()["detail"].endswith("refused: no_tickets")
    assert cancel(client, booking, key="k2").status_code == 202
    assert requests() == 2


@pytest.mark.parametrize("lost", ["CancelRequested", "VoidTicketsReply", "FenceVoidTickets", "RefundPayment"])
def test_no_loss_on_the_way_ends_a_wish(house: House, client: Client, lost: str) -> None:
    """Each message of a cancellation is lost once, whichever it is, and VoidTickets every time until then."""
    booking = house.book("A-1")
    house.run()
    cancel(client, booking)
    dropped: list[str] = []

    def drop(envelope: dict[str, Any]) -> bool:
        first = envelope["type"] == lost and lost not in dropped
        too = lost == "FenceVoidTickets" and envelope["type"] == "VoidTickets" and lost not in dropped
        dropped.extend([envelope["type"]] if first else [])
        return first or too

    house.run(hold=drop)
    for _ in range(8):
        if Saga.objects.filter(booking=booking, state__in=["RUNNING", "FENCING"]).exists():
            house.overdue(booking)
        else:
            with connections["booking"].cursor() as cursor:
                cursor.execute("update booking_booking set due_at = clock_timestamp() - interval '1 second'")
            patrol(dict.fromkeys(["booking", *services()], 0))
        house.run(hold=drop)
        if state(booking)[0] == "CANCELLED":
            break
    assert lost in dropped
    assert state(booking) == ("CANCELLED", "cancelled_by_customer")
    assert all_undone()


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

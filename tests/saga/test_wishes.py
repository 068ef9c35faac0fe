"""The wish to cancel a booking stays until it is granted or refused aloud, whichever message is lost."""

from typing import Any

import pytest
from django.db import connections
from django.test import Client

from booking.models import Booking, Saga
from booking.orchestrator.transaction import ROUNDS
from booking.watchdog import patrol, services
from messaging.database import Database
from payments.models import Payment, Refund
from tests.house import House
from tests.saga.cancelling import all_undone, cancel, requests, state
from tickets.models import Issuance, Ticket

pytestmark = [
    pytest.mark.django_db(databases=["booking", "seats", "payments", "tickets"]),
    pytest.mark.urls("tests.booking.urls"),
]


def test_a_lost_request_is_sent_again_by_the_watchdog(house: House, client: Client) -> None:
    booking = house.book("A-1")
    house.run()
    cancel(client, booking)
    house.run(hold="CancelRequested")
    with connections["booking"].cursor() as cursor:
        cursor.execute("update booking_booking set due_at = clock_timestamp() - interval '1 second'")
    patrol(Database("booking"), dict.fromkeys(["booking", *services()], 0))
    house.run()
    assert state(booking)[0] == "CANCELLED"
    house.release()  # the first one was only late
    assert Saga.objects.count() == 2


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
    patrol(Database("booking"), dict.fromkeys(["booking", *services()], 0))
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
            patrol(Database("booking"), dict.fromkeys(["booking", *services()], 0))
        house.run(hold=drop)
        if state(booking)[0] == "CANCELLED":
            break
    assert lost in dropped
    assert state(booking) == ("CANCELLED", "cancelled_by_customer")
    assert all_undone()

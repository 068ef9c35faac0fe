"""A hold runs out while its payment is under way. Seat tells the orchestrator and frees nothing: the seat may be paid by now."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.db.models.functions import Now

from messaging.database import Database
from payments.models import Payment
from seats.models import Hold, Outbox, Seat
from seats.transactions import release, report_expired
from tests.house import House

pytestmark = pytest.mark.django_db(databases=["booking", "seats", "payments", "tickets"])


SEATS = Database("seats")
FIVE_SECONDS = timedelta(seconds=5)


@pytest.fixture(autouse=True)
def _holds_expire_at_once(settings: Any) -> None:
    settings.HOLD_SECONDS = -0.001


def told() -> int:
    return Outbox.objects.filter(type="HoldExpired").count()


def state(booking: Any) -> tuple[str, str]:
    booking.refresh_from_db()
    return booking.state, booking.reason


def sweep_by_itself() -> None:
    """The control: what a timer in the seat service would do."""
    release(SEATS, [str(pk) for pk in Hold.objects.filter(status="HELD").values_list("pk", flat=True)])


def test_during_a_slow_payment_it_compensates(house: House) -> None:
    booking = house.book("A-1")
    house.run(hold="TakePayment")
    assert report_expired(SEATS) == 1
    assert Seat.objects.get(label="A-1").status == "RESERVED"
    house.run(hold="TakePayment")
    assert state(booking) == ("CANCELLED", "hold_expired")
    house.release()  # the slow payment comes at last, and is fenced
    assert not Payment.objects.filter(status="COMPLETED").exists()
    assert Seat.objects.get(label="A-1").status == "AVAILABLE"


def test_a_payment_that_was_taken_is_given_back(house: House) -> None:
    booking = house.book("A-1")
    house.run(hold="TakePaymentReply")
    report_expired(SEATS)
    house.run().release()
    assert state(booking) == ("CANCELLED", "hold_expired")
    assert Payment.objects.get().status == "REFUNDED"


def test_it_is_told_again_ever_less_often_while_nobody_ends_the_hold(house: House) -> None:
    """The first word may have been lost with Redis; that of a stuck saga need not be repeated for ever."""
    house.book("A-1")
    house.run(hold="TakePayment")
    told_after = []
    # Between two steps, so that it does not matter how long they take.
    Hold.objects.update(expires_at=Now() - FIVE_SECONDS / 2)
    for seconds in range(0, 100, 5):
        Hold.objects.update(
            expires_at=F("expires_at") - FIVE_SECONDS, expiry_told_at=F("expiry_told_at") - FIVE_SECONDS
        )
        if report_expired(SEATS):
            told_after.append(seconds)
    assert told_after == [0, 10, 30, 70]


@pytest.mark.parametrize("hold", ["IssueTickets", "IssueTicketsReply", "ConfirmSeats"])
def test_a_paid_seat_is_never_sold_twice(house: House, hold: str) -> None:
    """At the pivot it is asked how that ended; after it the expiry means nothing."""
    first = house.book("A-1")
    house.run(hold=hold)
    report_expired(SEATS)
    second = house.book("A-1", customer=1042)
    house.run(hold=hold).release()
    paid = [str(payment.booking_id) for payment in Payment.objects.filter(status="COMPLETED")]
    sold = [str(seat.booking_id) for seat in Seat.objects.filter(status="SOLD")]
    assert len(sold) <= 1
    assert paid == sold
    settled = {state(first)[0], state(second)[0]}
    assert settled <= {"CONFIRMED", "CANCELLED"}


def test_control_a_sweeper_that_frees_the_seat_itself_sells_a_paid_seat_twice(house: House) -> None:
    first = house.book("A-1")
    house.run(hold="ConfirmSeats")  # paid, and ticketed
    sweep_by_itself()
    second = house.book("A-1", customer=1042)
    house.run()
    paid = Payment.objects.filter(status="COMPLETED").values_list("booking_id", flat=True)
    assert set(paid) == {first.id, second.id}
    assert Seat.objects.get(label="A-1").booking_id == second.id


def test_each_hold_is_told_of_once(house: House) -> None:
    house.book("A-1")
    house.book("A-2")
    house.run(hold="TakePayment")
    assert [report_expired(SEATS), report_expired(SEATS), told()] == [2, 0, 2]


def test_a_batch_is_bounded(house: House) -> None:
    for number in range(1, 4):
        house.book(f"A-{number}")
    house.run(hold="TakePayment")
    assert [report_expired(SEATS, 2), report_expired(SEATS, 2), report_expired(SEATS, 2)] == [2, 1, 0]


def test_holds_that_ended_or_run_on_are_not_told_of(house: House, settings: Any) -> None:
    house.book("A-1", method="tok_declined")
    settings.HOLD_SECONDS = 600
    house.book("A-2")
    house.run(hold="ConfirmSeats")
    assert (report_expired(SEATS), told()) == (0, 0)

"""Seat's side of the sagas: what each command does, and at the bottom which commands there are."""

from functools import partial

from faults import Mechanism
from messaging.inbox.declarations import Batch, Compensation, Event, Forward, Outcome, Retriable
from messaging.inbox.service import participant
from messaging.process.warm_up import NOBODY
from seats import transactions
from seats.contract import ConfirmSeats, Refusal, ReleaseSeats, ReserveSeats
from seats.models import Barrier, DeadLetter, Outbox


def reserve_seats(batch: Batch) -> list[Outcome]:
    guarded = not batch.plan.disabled(Mechanism.CONDITIONAL_SEAT_WRITE)
    return batch.unless_refused(partial(transactions.reserve, guarded=guarded), _reserved)


def release_seats(batch: Batch) -> list[Outcome]:
    """Undoes a reservation: seats that are sold by now stay sold."""
    return batch.bookings_unless_refused(transactions.release, _ended)


def return_seats(batch: Batch) -> list[Outcome]:
    """A step of a cancellation, after the tickets are void: sold seats are free again too."""
    return batch.bookings_unless_refused(transactions.give_back, _ended)


def confirm_seats(batch: Batch) -> list[Outcome]:
    return batch.bookings_unless_refused(transactions.confirm, _ended)


def _reserved(decision: transactions.HoldChange | Refusal) -> Outcome:
    if isinstance(decision, Refusal):
        return Outcome.refused(str(decision))
    result = {"amount": decision.state.amount, "currency": decision.state.currency}
    return Outcome(result=result, events=(_event(decision),))


def _ended(change: transactions.HoldChange | None) -> Outcome:
    return Outcome(events=(_event(change),) if change else ())


def _event(change: transactions.HoldChange) -> Event:
    return Event.of(change.state, change.state.booking_id, change.version)


service = participant(
    "seats",
    outbox=Outbox,
    barrier=Barrier,
    dead_letter=DeadLetter,
    commands=(
        Forward(ReserveSeats, reserve_seats),
        Compensation(ReleaseSeats, release_seats, of=ReserveSeats),
        Retriable(ConfirmSeats, confirm_seats),
        Retriable(ReleaseSeats, return_seats),
    ),
    rehearsal=(
        ReserveSeats(booking_id=NOBODY, performance_id="warm-up", seats=["A-1"]),
        ReleaseSeats(booking_id=NOBODY),
    ),
)

handle, validate, rehearse = service.handle, service.validate, service.rehearse

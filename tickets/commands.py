"""Ticket's side of the sagas: what each command does, and at the bottom which commands there are."""

from messaging.inbox.declarations import Batch, Event, Fence, Forward, Outcome
from messaging.inbox.service import participant
from messaging.process.warm_up import NOBODY
from tickets import transactions
from tickets.contract import FenceTickets, FenceVoidTickets, IssueTickets, Refusal, VoidTickets
from tickets.models import Barrier, DeadLetter, Outbox


def issue_tickets(batch: Batch) -> list[Outcome]:
    return [_issued(change) for change in transactions.issue(batch.db, batch.commands, batch.refusals)]


def void_tickets(batch: Batch) -> list[Outcome]:
    return batch.bookings_unless_refused(transactions.void, _voided)


def _voided(change: transactions.IssuanceChange | Refusal | None) -> Outcome:
    if isinstance(change, Refusal):
        return Outcome.refused(str(change))
    return Outcome(events=(Event.of(change.state, change.state.booking_id, change.version),) if change else ())


def _issued(change: transactions.IssuanceChange) -> Outcome:
    event = Event.of(change.state, change.state.booking_id, change.version)
    if change.state.reason:
        return Outcome.refused(change.state.reason, event)
    return Outcome(result={"tickets": len(change.state.tickets)}, events=(event,))


service = participant(
    "tickets",
    outbox=Outbox,
    barrier=Barrier,
    dead_letter=DeadLetter,
    commands=(
        Forward(IssueTickets, issue_tickets),
        Fence(FenceTickets, of=IssueTickets),
        Forward(VoidTickets, void_tickets),
        Fence(FenceVoidTickets, of=VoidTickets),
    ),
    rehearsal=(IssueTickets(booking_id=NOBODY, performance_id="warm-up", customer_id=0, seats=["A-1"]),),
)

handle, validate, rehearse = service.handle, service.validate, service.rehearse

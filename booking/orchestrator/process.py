"""From a batch of messages to one local transaction: lock, let the engine decide each message, write everything once."""

from collections.abc import Sequence
from typing import Any

from booking import contract
from booking.models import Outbox
from booking.orchestrator import store
from booking.orchestrator.inbound import Inbound, read
from booking.orchestrator.store import BookingRow, LogLine, SagaRow
from booking.saga.book_tickets import BOOK_TICKETS, DEFINITIONS
from booking.saga.engine import advance
from booking.saga.events import Absorb, MoveBooking, Note, Send, Wait
from booking.saga.state import ACTIVE, SagaState
from faults import Plan
from messaging import outbox
from messaging.observe import observe
from messaging.outbox import Message

_EVENTS: dict[str, type[contract.BookingState]] = {
    "CONFIRMED": contract.BookingConfirmed,
    "CANCELLED": contract.BookingCancelled,
    "STUCK": contract.BookingStuck,
}


def process(envelopes: Sequence[dict[str, Any]], plan: Plan) -> None:
    """Take in a batch inside the caller's local transaction, in six statements whatever its size.

    Messages are decided in the order of their arrival; several may be for one saga. Raises on a message that cannot be
    read or concerns nothing we know, before anything is written.
    """
    inbound = [read(envelope) for envelope in envelopes]
    batch = _Batch(inbound)
    for message in inbound:
        batch.decide(message)
    batch.write()
    for message, why in batch.absorbed:
        _tell(plan, message.envelope, why)


class _Batch:
    """The rows a batch has locked, and what is to be written about them."""

    def __init__(self, inbound: Sequence[Inbound]) -> None:
        by_booking = {message.booking_id for message in inbound if message.booking_id}
        by_saga = {message.saga_id for message in inbound if message.saga_id}
        sagas = store.lock_sagas(by_saga, by_booking)
        bookings, self.now = store.lock_bookings(by_booking | {saga.booking_id for saga in sagas})
        self.sagas = {saga.state.id: saga for saga in sagas}
        self.bookings = {booking.id: booking for booking in bookings}
        self.active = {saga.booking_id: saga for saga in sagas if saga.state.status in ACTIVE}
        self.messages: list[Message] = []
        self.log: list[LogLine] = []
        self.absorbed: list[tuple[Inbound, str]] = []

    def decide(self, message: Inbound) -> None:
        saga = self._start(message) if message.starts else self._find(message)
        if saga is None:
            self.absorbed.append((message, "the booking has no saga that this could change"))
            return
        state, actions = advance(DEFINITIONS[saga.definition], saga.state, message.event(self.now))
        if isinstance(actions[0], Absorb):
            self.absorbed.append((message, actions[0].why))
            return
        saga.state, saga.version, saga.changed = state, saga.version + 1, True
        saga.wait, saga.awaiting = None, ""
        for action in actions:
            match action:
                case Send():
                    saga.awaiting = action.service
                    self.messages.append(_command(saga, action, message.envelope))
                case Wait():
                    saga.wait = action.seconds
                    saga.awaiting = DEFINITIONS[saga.definition].steps[state.position].service
                case MoveBooking():
                    self._move(saga, action, message.envelope)
                case Note():
                    self.log.append(_line(saga, action, message.envelope))

    def write(self) -> None:
        store.write_bookings(booking for booking in self.bookings.values() if booking.changed)
        store.write_sagas(saga for saga in self.sagas.values() if saga.changed)
        store.write_log(self.log)
        outbox.append(Outbox, self.messages)

    def _start(self, message: Inbound) -> SagaRow | None:
        """The saga that BookTickets asks for, new; None if it has been started before."""
        booking = self._booking(message)
        if booking.state != "PENDING":
            return None
        context = {
            "booking_id": booking.id,
            "customer_id": booking.customer_id,
            "performance_id": booking.performance_id,
            "seats": booking.seats,
            "payment_method": booking.payment_method,
        }
        saga = SagaRow(SagaState(id=booking.saga_id, context=context), BOOK_TICKETS.name, booking.id)
        self.sagas[saga.state.id] = self.active[booking.id] = saga
        return saga

    def _find(self, message: Inbound) -> SagaRow | None:
        if message.saga_id is None:
            return self.active.get(self._booking(message).id)
        if message.saga_id not in self.sagas:
            raise LookupError(f"there is no saga {message.saga_id}")
        return self.sagas[message.saga_id]

    def _booking(self, message: Inbound) -> BookingRow:
        if message.booking_id not in self.bookings:
            raise LookupError(f"there is no booking {message.booking_id}")
        return self.bookings[message.booking_id]

    def _move(self, saga: SagaRow, move: MoveBooking, envelope: dict[str, Any]) -> None:
        booking = self.bookings[saga.booking_id]
        booking.state, booking.reason = move.state, move.reason
        booking.amount = saga.state.context.get("amount")
        booking.currency = saga.state.context.get("currency", "")
        booking.version, booking.changed = booking.version + 1, True
        self.messages.append(_event(booking, envelope))


def _command(saga: SagaRow, send: Send, cause: dict[str, Any]) -> Message:
    return Message(
        kind="command",
        type=send.type,
        data=dict(send.data),
        destination=send.service,
        subject=saga.booking_id,
        correlation_id=saga.booking_id,
        saga_id=saga.state.id,
        step=send.step,
        action=send.action,
        causation_id=cause["id"],
    )


def _event(booking: BookingRow, cause: dict[str, Any]) -> Message:
    """Built from our own columns; that it has the shape the contract declares is a test's business, not the hot path's."""
    body = _EVENTS.get(booking.state, contract.BookingAdvanced)
    data = {name: getattr(booking, name) for name in body.model_fields}
    return Message(
        kind="event",
        type=body.type(),
        data=data,
        subject=booking.id,
        correlation_id=booking.id,
        saga_id=booking.saga_id,
        causation_id=cause["id"],
        version=booking.version,
    )


def _line(saga: SagaRow, note: Note, cause: dict[str, Any]) -> LogLine:
    return LogLine(
        saga_id=saga.state.id,
        who=f"{cause['source']} {cause['type']}",
        what=note.what,
        step=note.step,
        action=note.action,
        attempt=note.attempt,
        error=note.error,
        state=saga.state.status,
        message_id=cause["id"],
    )


def _tell(plan: Plan, envelope: dict[str, Any], why: str) -> None:
    booking = str(envelope.get("correlationid", ""))
    observe(plan.redis, "booking", "absorbed", f"{envelope['type']}: {why}", booking=booking, message_id=envelope["id"])

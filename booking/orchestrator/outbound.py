"""Writes the output of a transition: commands, the booking's event, a line in the saga's log."""

from typing import Any

from booking import contract
from booking.orchestrator.saga_store import BookingRow, LogLine, SagaRow, UnknownSaga
from booking.saga.events import Note, Send
from messaging.outbox.append import Message

_EVENTS: dict[str, type[contract.BookingState]] = {
    "CONFIRMED": contract.BookingConfirmed,
    "CANCELLED": contract.BookingCancelled,
    "STUCK": contract.BookingStuck,
}


def command(saga: SagaRow, send: Send, cause: dict[str, Any]) -> Message:
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
        schema=send.schema,
        causation_id=cause["id"],
    )


def event(booking: BookingRow, saga_id: str, cause: dict[str, Any]) -> Message:
    """Built from our own columns. A test checks that it matches the contract, so that the hot path need not."""
    body = _EVENTS.get(booking.state, contract.BookingAdvanced)
    data = {name: getattr(booking, name) for name in body.model_fields}
    return Message(
        kind="event",
        type=body.type(),
        data=data,
        subject=booking.id,
        correlation_id=booking.id,
        saga_id=saga_id,
        causation_id=cause["id"],
        version=booking.version,
        schema=body.schema_version,
    )


def decided_nothing(
    saga: SagaRow | UnknownSaga, decision: contract.Decision, cause: dict[str, Any], why: str
) -> LogLine:
    """A person's decision that had no effect: the attempt it was about, and why nothing happened."""
    note = Note("decided too late", decision.step, decision.action, decision.attempt, f"{decision.type()}: {why}")
    return line(saga, note, cause)


def line(saga: SagaRow | UnknownSaga, note: Note, cause: dict[str, Any]) -> LogLine:
    saga_id, status = (saga.id, saga.status) if isinstance(saga, UnknownSaga) else (saga.state.id, saga.state.status)
    return LogLine(
        saga_id=saga_id,
        who=cause["data"].get("who") or f"{cause['source']} {cause['type']}",
        what=note.what,
        step=note.step,
        action=note.action,
        attempt=note.attempt,
        error=note.error,
        state=status,
        message_id=cause["id"],
    )

"""Reads messages from the queue `booking`: the saga or booking concerned, and the engine's event."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from booking.contract import (
    BookTickets,
    CancelRequested,
    Decision,
    EndSaga,
    Reply,
    ResendCommand,
    RetryNow,
    SagaOverdue,
    SkipStep,
)
from booking.saga.definitions import definitions
from booking.saga.events import (
    Decided,
    Event,
    Interrupted,
    Overdue,
    Replied,
    ResentByHand,
    RetriedByHand,
    SkippedByHand,
    Started,
)
from messaging.envelope import FORWARD
from seats.contract import HoldExpired

CANCEL_REQUESTED = "cancel_requested"


@dataclass(frozen=True, slots=True)
class Inbound:
    """A message that has been read. It names its saga, or else its booking (whose active saga is meant).

    `event(at)` gives the engine's event, once the database has returned the time.
    """

    envelope: dict[str, Any]
    event: Callable[[str], Event]
    saga_id: str | None = None
    booking_id: str | None = None
    starts: bool = False
    cancels: bool = False
    decision: Decision | None = None  # a person's decision, and what it is about
    ends: EndSaga | None = None  # the same, if it ends a saga that this version cannot continue


def read(envelope: dict[str, Any]) -> Inbound:
    """Raises ValueError (pydantic's included) or KeyError on a message that makes no sense; then nothing is written."""
    if envelope["kind"] == "reply":
        return _reply(envelope)
    try:
        reader = _READERS[envelope["type"]]
    except KeyError:
        raise ValueError(
            f"booking knows no message '{envelope['type']}', only replies and {sorted(_READERS)}"
        ) from None
    return reader(envelope)


def _reply(envelope: dict[str, Any]) -> Inbound:
    reply = Reply.read(envelope)
    step, action, result = envelope["sagastep"], envelope["sagaaction"], reply.result()

    def event(at: str) -> Event:
        return Replied(at=at, step=step, action=action, status=reply.status, reason=reply.reason, result=result)

    return Inbound(envelope, event, saga_id=str(UUID(envelope["sagaid"])))


def _book_tickets(envelope: dict[str, Any]) -> Inbound:
    command = BookTickets.read(envelope)
    return Inbound(envelope, lambda at: Started(at=at), booking_id=command.booking_id, starts=True)


def _saga_overdue(envelope: dict[str, Any]) -> Inbound:
    late = SagaOverdue.read(envelope)

    def event(at: str) -> Event:
        return Overdue(at=at, step=late.step, action=late.action, attempt=late.attempt)

    return Inbound(envelope, event, saga_id=late.saga_id)


def _hold_expired(envelope: dict[str, Any]) -> Inbound:
    command = HoldExpired.read(envelope)
    return Inbound(envelope, lambda at: Interrupted(at=at, reason="hold_expired"), booking_id=command.booking_id)


def _cancel_requested(envelope: dict[str, Any]) -> Inbound:
    command = CancelRequested.read(envelope)

    def event(at: str) -> Event:
        return Interrupted(at=at, reason=CANCEL_REQUESTED)

    return Inbound(envelope, event, booking_id=command.booking_id, cancels=True)


def _retry_now(envelope: dict[str, Any]) -> Inbound:
    command = RetryNow.read(envelope)
    return _decision(envelope, command, lambda at: RetriedByHand(at=at, why=command.why, **_seen(command)))


def _resend_command(envelope: dict[str, Any]) -> Inbound:
    command = ResendCommand.read(envelope)
    return _decision(envelope, command, lambda at: ResentByHand(at=at, why=command.why, **_seen(command)))


def _skip_step(envelope: dict[str, Any]) -> Inbound:
    command = SkipStep.read(envelope)
    return _decision(envelope, command, lambda at: SkippedByHand(at=at, reason=command.reason, **_seen(command)))


def _end_saga(envelope: dict[str, Any]) -> Inbound:
    command = EndSaga.read(envelope)
    decided = _decision(envelope, command, lambda at: Decided(at=at, **_seen(command)))
    return replace(decided, ends=command)


def _decision(envelope: dict[str, Any], command: Decision, event: Callable[[str], Event]) -> Inbound:
    return Inbound(envelope, event, saga_id=command.saga_id, booking_id=command.booking_id, decision=command)


def _seen(command: Decision) -> dict[str, Any]:
    return {"step": command.step, "action": command.action, "attempt": command.attempt}


_READERS: dict[str, Callable[[dict[str, Any]], Inbound]] = {
    BookTickets.type(): _book_tickets,
    SagaOverdue.type(): _saga_overdue,
    HoldExpired.type(): _hold_expired,
    CancelRequested.type(): _cancel_requested,
    RetryNow.type(): _retry_now,
    ResendCommand.type(): _resend_command,
    SkipStep.type(): _skip_step,
    EndSaga.type(): _end_saga,
}


def validate(envelope: dict[str, Any]) -> None:
    """Check that the orchestrator could read this, its saga's result included. Raises ValueError or LookupError."""
    read(envelope)
    if envelope["kind"] == "reply" and envelope["data"]["status"] == "succeeded":
        steps = {step.name: step for definition in definitions() for step in definition.steps}
        step = steps[envelope["sagastep"]]
        missing = sorted(set(step.keeps) - set(envelope["data"])) if envelope["sagaaction"] == FORWARD else []
        if missing:
            raise ValueError(f"a reply to {step.name} says {', '.join(missing)}")

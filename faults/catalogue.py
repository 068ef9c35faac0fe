"""Describes what can be armed where: for the page, the API's documentation and the command line."""

from dataclasses import dataclass

from faults.messages import COMMANDS, messages
from faults.points import ALLOWED, AT, BY_CONTROL, Action, Mechanism, Point


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A point in one sentence; the actions, services and messages that make sense there."""

    point: Point
    sentence: str
    actions: tuple[Action, ...]
    services: tuple[str, ...]
    messages: tuple[str, ...] = ()
    by_control: tuple[Action, ...] = ()  # actions the control process performs itself


_SENTENCES = {
    Point.TRANSACTION_BEFORE: "The message has arrived; its local transaction has not begun.",
    Point.TRANSACTION_INSIDE: "All rows of the local transaction are written; nothing is committed.",
    Point.TRANSACTION_COMMITTED: "The local transaction is committed; the broker does not have its messages yet.",
    Point.ANSWER: "The participant refuses for a business reason: card declined, seat taken, printer refuses; also "
    "a compensation.",
    Point.ORCHESTRATOR_BEFORE: "The orchestrator has the message and has decided nothing yet.",
    Point.ORCHESTRATOR_AFTER: "The saga's new state and its next commands are written; nothing is committed.",
    Point.RELAY_BEFORE_PUBLISH: "The message is in the sender's log; the broker does not have it yet.",
    Point.RELAY_AFTER_PUBLISH: "The broker has the message; the relay has not confirmed its log position.",
    Point.BUS: "The message is on its way: it may be lost, duplicated, late, or overtaken by the next one.",
    Point.PROJECTOR_BEFORE: "The projector has read events; no row of the view is written.",
    Point.PROJECTOR_COMMITTED: "The view's rows and checkpoint are committed; the projector has not gone on.",
    Point.API: "A request has reached the service's API: it is refused with 503, or waits.",
    Point.DATABASE: "The service's database refuses every client, or a local transaction waits inside it.",
    Point.PROCESS: "A process is killed when it sends its next heartbeat, within about a second.",
    Point.REDIS: "Redis goes down and loses its unsaved data; it comes back by itself.",
}
REASONS = {
    "ReserveSeats": ("seat_taken", "unknown_seat"),
    "TakePayment": ("card_declined", "insufficient_funds"),
    "IssueTickets": ("printer_refused",),
}
"""The reasons that a service's own refusals have; a fault may use any."""

OF_ENDINGS = {
    "VoidTickets": ("no_tickets",),
    "RefundPayment": ("refund_refused",),
    "ReleaseSeats": ("release_refused",),
    "ConfirmSeats": ("confirmation_refused",),
}
"""Reasons for refusing a compensation or a retriable step, which no service uses by itself."""


def reasons(service: str, message: str = "") -> list[str]:
    """The reasons that a refusal of this message may have, or of any message of the service."""
    commands = [message] if message else COMMANDS.get(service, ())
    return [reason for command in commands for reason in (*REASONS.get(command, ()), *OF_ENDINGS.get(command, ()))]


MECHANISMS = {
    Mechanism.BARRIER: "Each command acts once, however often it arrives.",
    Mechanism.CONDITIONAL_SEAT_WRITE: "A seat is reserved only if it is still available at the moment of writing.",
    Mechanism.SEQUENCE_CHECK: "A projector applies an event only if it is newer than the row.",
    Mechanism.OUTBOX: "Messages are written in the local transaction that they describe.",
    Mechanism.IDEMPOTENCY_KEY: "A request that is sent twice places one booking.",
}


def catalogue() -> list[Entry]:
    """Every point, in the order a message passes them."""
    return [
        Entry(
            point=point,
            sentence=_SENTENCES[point],
            actions=tuple(sorted(ALLOWED[point])),
            services=AT[point],
            messages=messages(point),
            by_control=tuple(action for action in sorted(ALLOWED[point]) if (point, action) in BY_CONTROL),
        )
        for point in Point
    ]

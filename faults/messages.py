"""Which messages pass which boundary of which service: what a fault there can be meant for."""

from faults.points import PARTICIPANTS, Point

COMMANDS = {
    "seats": ("ReserveSeats", "ReleaseSeats", "ConfirmSeats"),
    "payments": ("TakePayment", "RefundPayment"),
    "tickets": ("IssueTickets", "VoidTickets", "FenceTickets", "FenceVoidTickets"),
}
"""What the orchestrator asks of each participant."""

EVENTS = {
    "booking": ("CustomerRegistered", "CustomerRenamed", "BookingPlaced", "BookingAdvanced", "BookingConfirmed",
                "BookingCancelled", "BookingStuck"),
    "seats": ("PerformanceAnnounced", "SeatsReserved", "SeatsReleased", "SeatsSold"),
    "payments": ("PaymentCompleted", "PaymentDeclined", "PaymentRefunded"),
    "tickets": ("TicketsIssued", "TicketsRefused", "TicketsVoided"),
}  # fmt: skip
"""What each service tells."""

METHODS = ("GET", "POST")
_BY_BOOKING = ("BookTickets", "SagaOverdue", "CancelRequested", "RetryNow", "ResendCommand", "SkipStep", "EndSaga")
_BY_SEATS = ("HoldExpired",)
_COMMANDS = tuple(command for commands in COMMANDS.values() for command in commands)
STEPS = tuple(command for command in _COMMANDS if not command.startswith("Fence"))
"""What a saga's steps are called, and what can be refused: a fence asks, and there is nothing to refuse."""


def messages(point: Point, service: str = "") -> tuple[str, ...]:
    """The types that pass a point in a service, or in any: "" too for a point where all services are alike."""
    match point:
        case Point.TRANSACTION_BEFORE | Point.TRANSACTION_INSIDE | Point.TRANSACTION_COMMITTED | Point.DATABASE:
            return _each(service, {**COMMANDS, "booking": _to_booking()})
        case Point.ANSWER:
            return tuple(command for command in _each(service, COMMANDS) if command in STEPS)
        case Point.ORCHESTRATOR_BEFORE | Point.ORCHESTRATOR_AFTER:
            return _to_booking()
        case Point.RELAY_BEFORE_PUBLISH | Point.RELAY_AFTER_PUBLISH | Point.BUS:
            return _each(service, {name: (*_sent_by(name), *EVENTS[name]) for name in EVENTS})
        case Point.PROJECTOR_BEFORE | Point.PROJECTOR_COMMITTED:
            return _each("", EVENTS)
        case Point.API:
            return METHODS
        case _:
            return ()


def _sent_by(service: str) -> tuple[str, ...]:
    """Commands and replies. The orchestrator and the front door's requests share Booking's outbox."""
    if service == "booking":
        return (*_COMMANDS, *_BY_BOOKING)
    return (*_replies(service), *(_BY_SEATS if service == "seats" else ()))


def _to_booking() -> tuple[str, ...]:
    return (*_BY_BOOKING, *_BY_SEATS, *(reply for service in PARTICIPANTS for reply in _replies(service)))


def _replies(service: str) -> tuple[str, ...]:
    return tuple(f"{command}Reply" for command in COMMANDS[service])


def _each(service: str, of: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    return of.get(service) or tuple(dict.fromkeys(name for names in of.values() for name in names))

"""What crosses Booking's boundary: the commands it takes and the events it publishes. Message types, nothing else."""

from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from messaging.message import Amount, Body, Command, Event, Id, Slug

Reason = Annotated[str, Field(min_length=1, max_length=200)]


class BookTickets(Command):
    """Run the saga of a booking that has been placed. Sent again if it seems lost; only the first one starts it."""

    asked: ClassVar[str] = "Book"

    booking_id: Id


class SagaOverdue(Command):
    """From the watchdog: this attempt's time is over. Has no effect once the saga has moved on."""

    saga_id: Id
    step: str
    action: str
    attempt: int


class CancelRequested(Command):
    """The customer wants the booking cancelled. A running BookTickets turns back if it still can; a confirmed booking
    whose cancellation is recorded gets another saga, CancelBooking.
    """

    asked: ClassVar[str] = "Cancel"

    booking_id: Id


class Decision(Body):
    """Command, from a person who saw a saga wait for the answer to `attempt` (from 1) of a step's action.

    It applies to that attempt alone, so it has no effect once the saga has moved on. A decision that names no step
    (written by an older version) has no effect.
    """

    schema_version: ClassVar[str] = "1.1"  # 1.0 named the booking only

    booking_id: Id
    saga_id: Id | None = None
    step: str = ""
    action: str = ""
    attempt: int = 0
    who: str = ""


class RetryNow(Decision, Command):
    """From a person: try a stuck saga's step again, with all its attempts."""

    asked: ClassVar[str] = "Retry now"

    why: str = ""


class ResendCommand(Decision, Command):
    """From a person: send the command that a saga waits for again, now."""

    asked: ClassVar[str] = "Edit, retry"

    why: str = ""


class SkipStep(Decision, Command):
    """From a person: skip a stuck saga's step, with a reason."""

    asked: ClassVar[str] = "Skip step"

    reason: Reason


class EndSaga(Decision, Command):
    """From a person: end a saga that this version cannot continue, with a reason. `state`: the booking's."""

    asked: ClassVar[str] = "End saga"

    state: Literal["CANCELLED", "CONFIRMED"]
    reason: Reason


class Reply(Body):
    """The part of a participant's reply to any command that the orchestrator reads; the rest is the command's result."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)

    status: Literal["succeeded", "refused"]
    reason: str = ""

    def result(self) -> dict[str, object]:
        return dict(self.model_extra or {})


class _Customer(Body):
    id: int
    name: str
    email: str


class CustomerRegistered(_Customer, Event):
    """A customer, in full. Subject: the customer's id."""


class CustomerRenamed(_Customer, Event):
    """The customer has another name or address; the full state again."""


class BookingState(Body):
    """The full state of a booking. `amount` in minor units of `currency`; None until Seat has returned the price.

    `placed_by`: the pseudonym of the visitor who placed it, "" for a script.
    """

    id: Id
    customer_id: int
    performance_id: Slug
    seats: list[str]
    payment_method: str
    state: str
    reason: str
    amount: Amount | None
    currency: str
    saga_id: Id
    placed_by: str = ""


class BookingPlaced(BookingState, Event):
    """A customer has asked for seats; nothing has been promised yet (PENDING)."""


class BookingAdvanced(BookingState, Event):
    """The booking's saga has moved to its next step, or turned back."""


class BookingConfirmed(BookingState, Event):
    """Paid, ticketed, seats sold."""


class BookingCancelled(BookingState, Event):
    """Everything that had been done is undone; `reason` is why."""


class BookingStuck(BookingState, Event):
    """A step that must succeed keeps failing; a person has to decide."""

"""What crosses Seat's boundary: the commands it takes and the events it publishes. Message types, nothing else."""

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from messaging.message import Amount, Body, Command, Currency, Event, Id, Moment, Report, Slug, distinct

SEATS_A_BOOKING = 8


class SeatStatus(StrEnum):
    """RESERVED is a semantic lock: the seat is held for one booking, whose saga alone may end the hold."""

    AVAILABLE = "AVAILABLE"
    RESERVED = "RESERVED"
    SOLD = "SOLD"


class HoldStatus(StrEnum):
    HELD = "HELD"
    RELEASED = "RELEASED"
    CONFIRMED = "CONFIRMED"


class Refusal(StrEnum):
    """Why seats are not reserved."""

    SEAT_TAKEN = "seat_taken"
    UNKNOWN_SEAT = "unknown_seat"


Label = Annotated[str, Field(min_length=1, max_length=20, description='row and number: "A-15"')]
Labels = Annotated[list[Label], Field(min_length=1, max_length=SEATS_A_BOOKING), distinct("seat")]


class ReserveSeats(Command):
    """Hold these seats of one performance for a booking, all or none.

    Reply: `amount` (minor units) and `currency`; or refused: seat_taken, unknown_seat.
    """

    refusals: ClassVar[tuple[str, ...]] = (Refusal.SEAT_TAKEN, Refusal.UNKNOWN_SEAT)

    booking_id: Id
    performance_id: Slug
    seats: Labels


class ReleaseSeats(Command):
    """Free the booking's seats. As compensation of ReserveSeats only those still reserved (sold seats stay sold);
    as a step of a cancellation also those sold to it.
    """

    booking_id: Id


class ConfirmSeats(Command):
    """Retriable: what the booking holds is sold to it."""

    booking_id: Id


class HoldExpired(Report):
    """To the orchestrator: a booking's hold has expired. Seat frees nothing; only the orchestrator ends a hold."""

    booking_id: Id


class AnnouncedSeat(Body):
    id: int
    label: str
    section: str
    row: str
    number: int
    price: Amount
    currency: Currency
    status: Annotated[SeatStatus, Field(strict=False)]
    booking_id: Id | None
    version: int


class PerformanceAnnounced(Event):
    """A performance with all its seats. Subject: the performance's id."""

    id: Slug
    title: str
    venue: str
    starts_at: Moment
    currency: Currency
    seats: list[AnnouncedSeat]


class HeldSeat(Body):
    """A seat as this transaction left it; `version` counts the seat's own changes, whichever booking caused them."""

    id: int
    label: str
    status: Annotated[SeatStatus, Field(strict=False)]
    booking_id: Id | None
    version: int
    price: Amount


class HoldState(Body):
    """The full state of a booking's hold, and of the seats the transaction changed. Subject: the booking's id."""

    booking_id: Id
    performance_id: Slug
    expires_at: Moment
    amount: Amount
    currency: Currency
    seats: list[HeldSeat]


class SeatsReserved(HoldState, Event):
    """AVAILABLE -> RESERVED."""

    status: Literal["HELD"] = "HELD"


class SeatsReleased(HoldState, Event):
    """RESERVED -> AVAILABLE."""

    status: Literal["RELEASED"] = "RELEASED"


class SeatsSold(HoldState, Event):
    """RESERVED -> SOLD."""

    status: Literal["CONFIRMED"] = "CONFIRMED"

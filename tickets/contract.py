"""What crosses Ticket's boundary: the commands it takes and the events it publishes. Message types, nothing else."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from messaging.message import Body, Command, Event, Fence, Id, Slug, distinct

TICKETS_A_BOOKING = 8


class IssuanceStatus(StrEnum):
    ISSUED = "ISSUED"
    REFUSED = "REFUSED"
    VOIDED = "VOIDED"


class Refusal(StrEnum):
    """Why no tickets are issued, or why there are none to void."""

    PRINTER_REFUSED = "printer_refused"
    NO_TICKETS = "no_tickets"


Label = Annotated[str, Field(min_length=1, max_length=20)]
Labels = Annotated[list[Label], Field(min_length=1, max_length=TICKETS_A_BOOKING), distinct("seat")]


class IssueTickets(Command):
    """Pivot: a ticket for each seat of the booking. Refused: printer_refused."""

    refusals: ClassVar[tuple[str, ...]] = (Refusal.PRINTER_REFUSED,)

    booking_id: Id
    performance_id: Slug
    customer_id: int
    seats: Labels


class FenceTickets(Fence):
    """Were tickets issued? If not, they never will be: IssueTickets is refused from now on (`fenced`)."""

    booking_id: Id


class VoidTickets(Command):
    """Pivot of a cancellation: the booking's tickets become invalid. Refused: no_tickets."""

    refusals: ClassVar[tuple[str, ...]] = (Refusal.NO_TICKETS,)

    booking_id: Id


class FenceVoidTickets(Fence):
    """Were the tickets voided? If not, they never will be by this saga: `fenced`."""

    booking_id: Id


class TicketState(Body):
    """`code` is what is scanned at the door: it admits anyone who has it."""

    id: Id
    seat: str
    code: str


class IssuanceState(Body):
    """The full state of a booking's tickets. Subject: the booking's id."""

    booking_id: Id
    status: Annotated[IssuanceStatus, Field(strict=False)]
    reason: str
    tickets: list[TicketState]


class TicketsIssued(IssuanceState, Event):
    """The booking has its tickets."""


class TicketsRefused(IssuanceState, Event):
    """It gets none; `reason` is why."""


class TicketsVoided(IssuanceState, Event):
    """ISSUED -> VOIDED, all of them."""

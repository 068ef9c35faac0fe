"""A customer cancels a booking: the wish is recorded together with the message to the orchestrator, in one transaction.

The orchestrator decides about it. A saga that can still turn back does; one past its pivot confirms the booking first,
and CancelBooking follows immediately; a confirmed booking gets CancelBooking right away. So every request while a
booking is under way gets the same answer, and a second one changes nothing.

The wish stays until it is granted (the booking is CANCELLED) or refused (it is CONFIRMED, and its reason says why). A
CancelBooking whose first command was lost has done neither: another one is started. After eight of them the wish is
refused, with the reason `no_answer`: then nothing has happened, the tickets are valid, and the customer may ask again.
"""

from dataclasses import dataclass
from enum import StrEnum

from booking import idempotency
from booking.contract import CancelRequested
from booking.models import Outbox
from messaging.database import Database
from messaging.outbox.append import Message
from topology.tuning import Seconds

START_WITHIN_S: Seconds = 5.0  # after that the watchdog requests again the saga that cancels a confirmed booking


class Why(StrEnum):
    """Why a booking is not cancelled."""

    UNKNOWN = "there is no such booking"
    FOREIGN = "the booking is another customer's"
    REUSED = idempotency.REUSED
    OVER = "the booking is cancelled already"
    REFUSED = "the booking stays confirmed, because its cancellation was refused"


class CannotCancel(Exception):
    """Nothing has been written, not even the key."""

    def __init__(self, why: Why, reason: str = "") -> None:
        super().__init__(f"{why}: {reason}" if reason else str(why))
        self.why = why


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellation:
    """A request to cancel: the customer and the booking. `key`: its idempotency key."""

    key: str
    booking: str
    customer: int

    def fingerprint(self) -> str:
        return idempotency.fingerprint("cancel", self.booking, self.customer)


_LOCK = """
    select customer_id, state, reason, cancel_requested_at is not null from booking_booking where id = %s for update
"""
_REQUEST = """
    update booking_booking set cancel_requested_at = clock_timestamp(),
        due_at = case when state = 'CONFIRMED' then clock_timestamp() + %s * interval '1 second' else due_at end
    where id = %s
"""


def request_cancel(db: Database, wanted: Cancellation) -> str:
    """Record the wish; return the booking's present state. Raises CannotCancel."""
    with db.atomic():
        found = db.row(_LOCK, [wanted.booking])
        if found is None:
            raise CannotCancel(Why.UNKNOWN)
        customer, state, reason, requested = found
        if customer != wanted.customer:
            raise CannotCancel(Why.FOREIGN)
        try:
            new = idempotency.claim(db, wanted.key, wanted.fingerprint(), wanted.booking)
        except idempotency.KeyReused:
            raise CannotCancel(Why.REUSED) from None
        if not new:
            if state == "CONFIRMED" and not requested:
                raise CannotCancel(Why.REFUSED, reason)
            return state
        if state == "CANCELLED":
            raise CannotCancel(Why.OVER)
        if not requested:
            db.run(_REQUEST, [START_WITHIN_S, wanted.booking])
            db.append(Outbox, [_message(wanted.booking)])
        return state


def _message(booking: str) -> Message:
    command = CancelRequested(booking_id=booking)
    return Message(
        kind="command",
        type=command.type(),
        data=command.model_dump(mode="json"),
        destination="booking",
        subject=booking,
        correlation_id=booking,
    )

"""Reports expired holds to the orchestrator. Seat frees nothing, since the seat may have been paid by now.

A report may have been lost (the command, or Redis with it), so a hold that still exists is reported again, ever less
often.
"""

from messaging.database import Database
from messaging.outbox.append import Message
from seats.contract import HoldExpired
from seats.models import Outbox
from topology.chosen import HOUSE
from topology.tuning import Count, Seconds

AT_ONCE: Count = 100  # holds that are reported in one transaction
AGAIN_S: Seconds = 10.0  # until it is reported a second time; then twice as long each time

_CLAIM = """
    with expired as (
        select id from seats_hold
        where status = 'HELD' and expires_at <= clock_timestamp() and (expiry_told_at is null or
            expiry_told_at + greatest(expiry_told_at - expires_at, %s * interval '1 second') <= clock_timestamp())
        order by expires_at limit %s for no key update skip locked
    )
    update seats_hold hold set expiry_told_at = clock_timestamp()
    from expired where hold.id = expired.id returning hold.id::text
"""


def report_expired(db: Database, limit: int = AT_ONCE) -> int:
    """Send HoldExpired for holds that have expired and have not been reported recently; return how many. One local
    transaction. A hold whose row is locked is being ended at this moment, and is left alone.
    """
    with db.atomic():
        bookings = [booking for (booking,) in db.rows(_CLAIM, [AGAIN_S, limit])]
        db.append(Outbox, [_message(booking) for booking in bookings])
    return len(bookings)


def _message(booking: str) -> Message:
    return Message(
        kind="command",
        type=HoldExpired.type(),
        data=HoldExpired(booking_id=booking).model_dump(mode="json"),
        destination=HOUSE.orchestrator.name,
        subject=booking,
        correlation_id=booking,
    )

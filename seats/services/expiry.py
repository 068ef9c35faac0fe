"""Expired holds: Seat notices and tells the orchestrator, once a hold. It frees nothing, for the seat may be paid by now."""

from django.db import transaction

from messaging import outbox
from messaging.outbox import Message
from seats.contract import HoldExpired
from seats.models import Outbox
from seats.services.holds import rows

ORCHESTRATOR = "booking"  # the queue
AT_ONCE = 100

_CLAIM = """
    with expired as (
        select id from seats_hold
        where status = 'HELD' and expiry_told_at is null and expires_at <= clock_timestamp()
        order by expires_at limit %s for no key update skip locked
    )
    update seats_hold hold set expiry_told_at = clock_timestamp()
    from expired where hold.id = expired.id returning hold.id::text
"""


def report_expired(limit: int = AT_ONCE) -> int:
    """Send HoldExpired for holds that have run out and were not told of yet; return how many. One local transaction.

    A hold whose row is locked is being ended this very moment, and is left alone.
    """
    with transaction.atomic(using="seats"):
        bookings = [booking for (booking,) in rows(_CLAIM, [limit])]
        outbox.append(Outbox, [_message(booking) for booking in bookings])
    return len(bookings)


def _message(booking: str) -> Message:
    return Message(
        kind="command",
        type=HoldExpired.type(),
        data=HoldExpired(booking_id=booking).model_dump(mode="json"),
        destination=ORCHESTRATOR,
        subject=booking,
        correlation_id=booking,
    )

"""Ends holds: the seats become free again, or sold. Two SQL statements for a batch of any size."""

from collections import defaultdict
from collections.abc import Sequence

from messaging.database import Database
from seats.contract import HeldSeat, HoldStatus, SeatsReleased, SeatsSold, SeatStatus
from seats.transactions.holds import HoldChange, HoldError, held

_END_SEATS = """
    with held as (
        select id, booking_id from seats_seat
        where booking_id = any(%(bookings)s::uuid[]) and status = any(%(seats)s)
        order by id for no key update
    )
    update seats_seat seat
    set status = %(status)s,
        booking_id = case when %(status)s = 'AVAILABLE' then null else seat.booking_id end,
        version = seat.version + 1
    from held where seat.id = held.id
    returning held.booking_id::text, seat.id, seat.label, seat.price, seat.version
"""
_END_HOLDS = """
    with held as (
        select id from seats_hold where id = any(%(bookings)s::uuid[]) and status = any(%(holds)s)
        order by id for no key update
    )
    update seats_hold hold set status = %(status)s, version = hold.version + 1
    from held where hold.id = held.id
    returning hold.id::text, hold.performance_id, hold.expires_at, hold.amount, hold.currency, hold.version
"""
_RESERVED = ([SeatStatus.RESERVED], [HoldStatus.HELD])
_TAKEN = ([SeatStatus.RESERVED, SeatStatus.SOLD], [HoldStatus.HELD, HoldStatus.CONFIRMED])
_STATUS = "select id::text, status from seats_hold where id = any(%s::uuid[])"


def release(db: Database, bookings: Sequence[str]) -> list[HoldChange | None]:
    """Free the seats still reserved for each booking; None where nothing was held. Two statements."""
    changes = _end(db, bookings, SeatStatus.AVAILABLE, HoldStatus.RELEASED)
    return [changes.get(booking) for booking in bookings]


def give_back(db: Database, bookings: Sequence[str]) -> list[HoldChange | None]:
    """Free the seats of each booking, sold or reserved; None where it had none. Two statements."""
    changes = _end(db, bookings, SeatStatus.AVAILABLE, HoldStatus.RELEASED, _TAKEN)
    return [changes.get(booking) for booking in bookings]


def confirm(db: Database, bookings: Sequence[str]) -> list[HoldChange | None]:
    """Sell to each booking what it holds; None where that has been done before. Two statements, three if any was not
    held.

    Raises HoldError for a booking whose seats were released or never held: there is nothing to sell.
    """
    changes = _end(db, bookings, SeatStatus.SOLD, HoldStatus.CONFIRMED)
    missing = [booking for booking in bookings if booking not in changes]
    if missing:
        status = dict(db.rows(_STATUS, [missing]))
        for booking in missing:
            if status.get(booking) != HoldStatus.CONFIRMED:
                raise HoldError(
                    f"booking {booking} holds no seats to sell: its hold is {status.get(booking, 'unknown')}"
                )
    return [changes.get(booking) for booking in bookings]


def _end(
    db: Database,
    bookings: Sequence[str],
    seat_status: SeatStatus,
    hold_status: HoldStatus,
    now: tuple[list[SeatStatus], list[HoldStatus]] = _RESERVED,
) -> dict[str, HoldChange]:
    """`now`: the states that seats and holds may be in to be ended."""
    if not bookings:
        return {}
    by_booking: dict[str, list[HeldSeat]] = defaultdict(list)
    ended = db.rows(_END_SEATS, {"bookings": list(bookings), "status": seat_status, "seats": now[0]})
    for booking, pk, label, price, version in sorted(ended, key=lambda row: row[1]):
        owner = booking if seat_status == SeatStatus.SOLD else None
        by_booking[booking].append(held(pk, label, price, seat_status, owner, version))
    event = SeatsSold if hold_status == HoldStatus.CONFIRMED else SeatsReleased
    changes = {}
    holds = db.rows(_END_HOLDS, {"bookings": list(bookings), "status": hold_status, "holds": now[1]})
    for booking, performance, expires_at, amount, currency, version in holds:
        state = event(
            booking_id=booking,
            performance_id=performance,
            expires_at=expires_at,
            amount=amount,
            currency=currency,
            seats=by_booking[booking],
        )
        changes[booking] = HoldChange(state, version)
    return changes

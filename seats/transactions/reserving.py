"""Reserves seats: three SQL statements for a batch of any size.

Seat rows are locked in the order of their ids, here and in `ending`, so two batches wait for each other at most.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson
from django.conf import settings

from messaging.database import Database
from seats.contract import Refusal, ReserveSeats, SeatsReserved, SeatStatus
from seats.transactions.holds import HoldChange, HoldError, held


class _Seat(NamedTuple):
    id: int
    performance_id: str
    label: str
    price: int
    status: str
    currency: str


_FIND = """
    select seat.id, seat.performance_id, seat.label, seat.price, seat.status,
        (select currency from seats_performance performance where performance.id = seat.performance_id)
    from unnest(%s::text[], %s::text[]) as wanted (performance_id, label)
    join seats_seat seat on seat.performance_id = wanted.performance_id and seat.label = wanted.label
    order by seat.id
"""
_LOCK = _FIND + " for no key update of seat"

# The seats are named twice: joined alone, a small table would be read from one end to the other.
_TAKE = """
    update seats_seat seat set status = 'RESERVED', booking_id = taken.booking_id, version = seat.version + 1
    from unnest(%s::bigint[], %s::uuid[]) as taken (id, booking_id)
    where seat.id = any(%s::bigint[]) and seat.id = taken.id {guard}
    returning seat.id, seat.version
"""
_TAKE_IF_FREE = _TAKE.format(guard="and seat.status = 'AVAILABLE'")
_TAKE_REGARDLESS = _TAKE.format(guard="")

_HOLD = """
    insert into seats_hold (id, performance_id, status, expires_at, amount, currency, version)
    select id, performance_id, 'HELD', clock_timestamp() + make_interval(secs => %s), amount, currency, 1
    from jsonb_to_recordset(%s::jsonb) as held (id uuid, performance_id text, amount bigint, currency text)
    returning id::text, expires_at
"""


def reserve(db: Database, commands: Sequence[ReserveSeats], *, guarded: bool = True) -> list[HoldChange | Refusal]:
    """Decide booking by booking, in the order given: each gets all its seats or none. Three statements.

    `guarded=False` neither locks the seats nor checks them again when writing: the control, which sells a seat twice.
    Raises HoldError if a seat changed under its lock, which rolls the batch back.
    """
    if not commands:
        return []
    seats = _wanted_seats(db, commands, guarded)
    taken: dict[int, str] = {}
    decisions = [_decide(command, seats, taken) for command in commands]
    ids = list(taken)
    versions = dict(db.rows(_TAKE_IF_FREE if guarded else _TAKE_REGARDLESS, [ids, list(taken.values()), ids]))
    if len(versions) != len(taken):
        raise HoldError(f"{len(taken) - len(versions)} seats changed between being looked at and being written")
    granted = {
        c.booking_id: seats_of for c, seats_of in zip(commands, decisions, strict=True) if isinstance(seats_of, list)
    }
    expiry = dict(
        db.rows(_HOLD, [settings.HOLD_SECONDS, orjson.dumps([_hold(*item) for item in granted.items()]).decode()])
    )
    return [
        seats_of if isinstance(seats_of, Refusal) else _reserved(command, seats_of, versions, expiry)
        for command, seats_of in zip(commands, decisions, strict=True)
    ]


def _wanted_seats(db: Database, commands: Sequence[ReserveSeats], guarded: bool) -> dict[tuple[str, str], _Seat]:
    wanted = sorted({(command.performance_id, label) for command in commands for label in command.seats})
    columns = [list(column) for column in zip(*wanted, strict=True)]
    found = [_Seat(*row) for row in db.rows(_LOCK if guarded else _FIND, columns)]
    return {(seat.performance_id, seat.label): seat for seat in found}


def _decide(command: ReserveSeats, seats: dict[tuple[str, str], _Seat], taken: dict[int, str]) -> list[_Seat] | Refusal:
    """The booking's seats, noted in `taken` (seat id -> booking id); or why it gets none."""
    wanted = [seats.get((command.performance_id, label)) for label in command.seats]
    known = [seat for seat in wanted if seat is not None]
    if len(known) < len(wanted):
        return Refusal.UNKNOWN_SEAT
    if any(seat.status != SeatStatus.AVAILABLE or seat.id in taken for seat in known):
        return Refusal.SEAT_TAKEN
    taken.update({seat.id: command.booking_id for seat in known})
    return known


def _hold(booking: str, seats: list[_Seat]) -> dict[str, Any]:
    return {
        "id": booking,
        "performance_id": seats[0].performance_id,
        "amount": sum(seat.price for seat in seats),
        "currency": seats[0].currency,
    }


def _reserved(
    command: ReserveSeats, seats: list[_Seat], versions: dict[int, int], expiry: dict[str, Any]
) -> HoldChange:
    booking = command.booking_id
    state = SeatsReserved(
        booking_id=booking,
        performance_id=command.performance_id,
        expires_at=expiry[booking],
        amount=sum(seat.price for seat in seats),
        currency=seats[0].currency,
        seats=[
            held(seat.id, seat.label, seat.price, SeatStatus.RESERVED, booking, versions[seat.id]) for seat in seats
        ],
    )
    return HoldChange(state, 1)

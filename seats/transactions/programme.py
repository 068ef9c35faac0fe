"""Announces a performance: the hall, its seats and prices, and the event for the other services, in one local transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from messaging.database import Database
from messaging.outbox.append import Message
from seats.contract import AnnouncedSeat, PerformanceAnnounced, SeatStatus
from seats.models import Outbox


@dataclass(frozen=True, slots=True)
class SeatBlock:
    """Rows of one section that cost the same: seats 1 to `seats_a_row` in each; price in minor units."""

    section: str
    rows: tuple[str, ...]
    seats_a_row: int
    price: int


@dataclass(frozen=True, kw_only=True)
class Programme:
    """A performance to announce; the venue and its rows are created if they do not exist yet."""

    id: str
    title: str
    venue: str
    starts_at: datetime
    currency: str
    blocks: tuple[SeatBlock, ...]


_FIND = "select from seats_performance where id = %s"
_VENUE = "insert into seats_venue (name) values (%s) on conflict do nothing"
# Waits for another transaction that announces the same one.
_PERFORMANCE = """
    insert into seats_performance (id, title, venue_id, starts_at, currency, version)
    select %s, %s, id, %s, %s, 1 from seats_venue where name = %s
    on conflict do nothing returning venue_id
"""
_SECTIONS = """
    insert into seats_section (venue_id, name)
    select %s, name from unnest(%s::text[]) with ordinality as wanted (name, place) order by place
    on conflict do nothing
"""
_ROWS = """
    insert into seats_row (section_id, name)
    select section.id, wanted.name
    from unnest(%s::text[], %s::text[]) with ordinality as wanted (section, name, place)
    join seats_section section on section.venue_id = %s and section.name = wanted.section order by place
    on conflict do nothing
"""
_SEATS = """
    insert into seats_seat (performance_id, section_id, row_id, number, label, price, status, version)
    select %s, section.id, hall_row.id, wanted.number, wanted.label, wanted.price, 'AVAILABLE', 1
    from unnest(%s::text[], %s::text[], %s::text[], %s::int[], %s::bigint[])
        with ordinality as wanted (label, section, name, number, price, place)
    join seats_section section on section.venue_id = %s and section.name = wanted.section
    join seats_row hall_row on hall_row.section_id = section.id and hall_row.name = wanted.name
    order by place returning label, id
"""


class _Seat(NamedTuple):
    label: str
    section: str
    row: str
    number: int
    price: int


def announce(db: Database, programme: Programme) -> bool:
    """Create the performance with its seats and publish PerformanceAnnounced; False if it has been announced before."""
    seats = [
        _Seat(f"{row}-{number}", block.section, row, number, block.price)
        for block in programme.blocks
        for row in block.rows
        for number in range(1, block.seats_a_row + 1)
    ]
    with db.atomic():
        if db.rows(_FIND, [programme.id]):
            return False
        db.run(_VENUE, [programme.venue])
        values = [programme.id, programme.title, programme.starts_at, programme.currency, programme.venue]
        made = db.row(_PERFORMANCE, values)
        if made is None:  # two announcements at once: the second finds the first
            return False
        (venue,) = made
        rows = [(block.section, row) for block in programme.blocks for row in block.rows]
        db.run(_SECTIONS, [venue, [block.section for block in programme.blocks]])
        db.run(_ROWS, [[section for section, _ in rows], [row for _, row in rows], venue])
        columns = [list(column) for column in zip(*seats, strict=True)]
        ids = dict(db.rows(_SEATS, [programme.id, *columns, venue]))
        db.append(Outbox, [_message(programme, seats, ids)])
    return True


def _message(programme: Programme, seats: Sequence[_Seat], ids: dict[str, int]) -> Message:
    """`ids`: of the seats, by label. Both the performance and its seats are new, so each has its first version."""
    event = PerformanceAnnounced(
        id=programme.id,
        title=programme.title,
        venue=programme.venue,
        starts_at=programme.starts_at,
        currency=programme.currency,
        seats=[
            AnnouncedSeat(
                id=ids[seat.label],
                label=seat.label,
                section=seat.section,
                row=seat.row,
                number=seat.number,
                price=seat.price,
                currency=programme.currency,
                status=SeatStatus.AVAILABLE,
                booking_id=None,
                version=1,
            )
            for seat in seats
        ],
    )
    data = event.model_dump(mode="json")
    return Message(kind="event", type=event.type(), data=data, subject=programme.id, version=1)

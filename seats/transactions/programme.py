"""Announces a performance: the hall, its seats and prices, and the event for the other services, in one local transaction."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from messaging.database import Database
from messaging.outbox.append import Message
from seats.contract import AnnouncedSeat, PerformanceAnnounced, SeatStatus
from seats.models import Outbox, Performance, Row, Seat, Section, Venue


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


def announce(programme: Programme) -> bool:
    """Create the performance with its seats and publish PerformanceAnnounced; False if it has been announced before."""
    with transaction.atomic(using="seats"):
        venue, _ = Venue.objects.get_or_create(name=programme.venue)
        Venue.objects.select_for_update().get(pk=venue.pk)  # two announcements at once: the second finds the first
        if Performance.objects.filter(pk=programme.id).exists():
            return False
        performance = Performance.objects.create(
            id=programme.id,
            title=programme.title,
            venue=venue,
            starts_at=programme.starts_at,
            currency=programme.currency,
        )
        Seat.objects.bulk_create(_seats(performance, venue, programme.blocks))
        _publish(performance)
    return True


def _seats(performance: Performance, venue: Venue, blocks: Iterable[SeatBlock]) -> list[Seat]:
    seats = []
    for block in blocks:
        section, _ = Section.objects.get_or_create(venue=venue, name=block.section)
        for name in block.rows:
            row, _ = Row.objects.get_or_create(section=section, name=name)
            seats += [
                Seat(
                    performance=performance,
                    section=section,
                    row=row,
                    number=number,
                    label=f"{name}-{number}",
                    price=block.price,
                )
                for number in range(1, block.seats_a_row + 1)
            ]
    return seats


def _publish(performance: Performance) -> None:
    event = PerformanceAnnounced(
        id=performance.id,
        title=performance.title,
        venue=performance.venue.name,
        starts_at=performance.starts_at,
        currency=performance.currency,
        seats=[
            AnnouncedSeat(
                id=seat.pk,
                label=seat.label,
                section=seat.section.name,
                row=seat.row.name,
                number=seat.number,
                price=seat.price,
                currency=performance.currency,
                status=SeatStatus(seat.status),
                booking_id=str(seat.booking_id) if seat.booking_id else None,
                version=seat.version,
            )
            for seat in performance.seats.select_related("section", "row").order_by("pk")
        ],
    )
    message = Message(
        kind="event",
        type=event.type(),
        data=event.model_dump(mode="json"),
        subject=performance.id,
        version=performance.version,
    )
    Database.of(Outbox).append(Outbox, [message])

"""Queries of pages and the front door on the read models: plain dicts, only SELECT."""

from collections.abc import Iterable
from operator import itemgetter
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Q
from django.db.models.functions import Now

from projections.models import BookingView, Checkpoint, Customer, Performance, SeatMap
from projections.ordinary import LAB

SEAT_COLUMNS = (
    "performance_id", "label", "seat_id", "section", "row", "number", "price", "currency", "status", "booking_id", "version",
)  # fmt: skip
_NAMES = [field.attname for field in BookingView._meta.concrete_fields]
_FED = [name.removesuffix("_version") for name in _NAMES if name.endswith("_version")]
_INTERNAL = {"caused_by", *(f"{feed}_{what}" for feed in _FED for what in ("at", "version"))}
BOOKING_COLUMNS = tuple(name for name in _NAMES if name not in _INTERNAL)
"""All but those by which the view puts its events in order."""


def performances() -> list[dict[str, Any]]:
    """Performances by date, without the lab's: id, title, venue, starts_at, currency, version, `ahead` (not begun), seats
    and available (counts)."""
    found = (
        Performance.objects.exclude(id__startswith=LAB)
        .annotate(ahead=Q(starts_at__gt=Now()))
        .order_by("starts_at", "id")
    )
    counts: dict[str, dict[str, Any]] = {
        row["performance_id"]: dict(row)
        for row in SeatMap.objects.values("performance_id").annotate(
            seats=Count("label"), available=Count("label", filter=Q(status="AVAILABLE"))
        )
    }
    return [
        {
            **row,
            "seats": counts.get(row["id"], {}).get("seats", 0),
            "available": counts.get(row["id"], {}).get("available", 0),
        }
        for row in found.values("id", "title", "venue", "starts_at", "currency", "version", "ahead")
    ]


def seat_map(performance: str) -> list[dict[str, Any]]:
    """The seats of a performance, by section, row and number; empty for an unknown one (or one not known yet)."""
    # A seat whose announcement has not arrived yet has no place on the map.
    seats = SeatMap.objects.filter(performance_id=performance, place_version__isnull=False)
    return _plain(seats.order_by("section", "row", "number").values(*SEAT_COLUMNS))


def booking(booking_id: str | UUID) -> dict[str, Any] | None:
    """A booking's row; None if it is not known yet (events of other services alone do not make a booking)."""
    return _bookings().filter(id=booking_id).values(*BOOKING_COLUMNS).first()


def ticket(code: str) -> dict[str, Any] | None:
    """The ticket with this code: `ticket` ({id, seat, code}), its booking's columns, `customer` (name), and `performance`
    ({title, venue, starts_at}, None while the seat map does not have it). None if there is no such ticket (yet).
    """
    found = BookingView.objects.filter(tickets__contains=[{"code": code}]).values(*BOOKING_COLUMNS).first()
    if found is None:
        return None
    performance = Performance.objects.filter(id=found["performance_id"]).values("title", "venue", "starts_at").first()
    one = next(ticket for ticket in found["tickets"] if ticket["code"] == code)
    return {**with_names([found])[0], "ticket": one, "performance": performance}


def placed(booking: str, visitor: str) -> bool:
    """Whether this visitor (a pseudonym) placed the booking."""
    return BookingView.objects.filter(id=booking, placed_by=visitor).exists()


def placed_by(visitor: str) -> frozenset[str]:
    """Ids of all bookings that this visitor (a pseudonym) placed."""
    return frozenset(map(str, BookingView.objects.filter(placed_by=visitor).values_list("id", flat=True)))


def seats_of(bookings: Iterable[str]) -> dict[str, list[str]]:
    """{booking: seat labels} of the known ones."""
    found = _bookings().filter(id__in=list(bookings)).values_list("id", "seats")
    return {str(booking): seats for booking, seats in found}


def recent_bookings(limit: int = 20) -> list[dict[str, Any]]:
    """The latest bookings, newest first, each with its `customer` (name). The lab's are not among them."""
    rows = list(_bookings().exclude(performance_id__startswith=LAB).order_by("-id").values(*BOOKING_COLUMNS)[:limit])
    return with_names(rows)


def bookings_of(customer_id: int, limit: int = 100) -> list[dict[str, Any]]:
    """A customer's bookings, newest first."""
    rows = _bookings().filter(customer_id=customer_id).order_by("-id")
    return with_names(list(rows.values(*BOOKING_COLUMNS)[:limit]))


def customers() -> list[dict[str, Any]]:
    """Customers by id: id, name, version."""
    return _plain(Customer.objects.order_by("id").values("id", "name", "version"))


def lags() -> list[dict[str, Any]]:
    """The lag of each view: view, applied (events), lag_ms (of the latest source), behind (events), waiting.

    `waiting`: something may be missing until a transaction of a source has ended, or its event API has answered. `sources`:
    the same for each source, with its name and updated_at.
    """
    rows = Checkpoint.objects.annotate(waiting=Q(pending__gt=F("horizon"))).order_by("view", "source")
    views: dict[str, list[dict[str, Any]]] = {}
    for row in rows.values("view", "source", "applied", "lag_ms", "behind", "waiting", "updated_at", "stream_id"):
        views.setdefault(row["view"], []).append(dict(row))
    return [
        {
            "view": view,
            "applied": sum(source["applied"] for source in sources),
            "lag_ms": max(sources, key=itemgetter("updated_at"))["lag_ms"],
            "behind": sum(source["behind"] for source in sources),
            "waiting": any(source["waiting"] for source in sources),
            "sources": sources,
        }
        for view, sources in views.items()
    ]


def _plain(rows: Iterable[Any]) -> list[dict[str, Any]]:
    return list(rows)


def _bookings() -> Any:
    return BookingView.objects.filter(booking_version__isnull=False)


def with_names(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same rows, each with its `customer` (name)."""
    names = dict(Customer.objects.filter(id__in={row["customer_id"] for row in rows}).values_list("id", "name"))
    return [{**row, "customer": names.get(row["customer_id"], "")} for row in rows]

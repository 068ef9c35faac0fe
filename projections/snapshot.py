"""Rows of the read models as of one moment, with each view's progress. For the auditor; SELECT only."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import orjson

from projections.database import PROJECTIONS
from projections.sums import NAMES

_BEGIN = "set transaction isolation level repeatable read, read only; set local statement_timeout = '30s'"
_BOOKINGS = """
    select id::text, customer_id, performance_id, seats, payment_method, state, reason, amount, currency, booking_version,
        hold_status, hold_version, payment_id, payment_status, payment_reason, payment_version,
        tickets_status, tickets, tickets_version
    from projections_bookingview
"""
_SEATS = "select performance_id, label, status, booking_id::text, price, version from projections_seatmap"
_HISTORY = """
    select id::text, customer_id, state, booking_version, taken, refunded, currency, payment_version, tickets_status, tickets,
        tickets_version
    from projections_historybooking
"""
_SALES = """
    select id::text, performance_id, hold_version, taken, refunded, currency, payment_version from projections_salesbooking
"""
_SALES_SEATS = "select performance_id, label, status, price, version from projections_salesseat"
_NAMES = f"select * from ({NAMES}) named"
_CHECKPOINTS = "select view, source, event_id, horizon, horizon >= pending as complete from projections_checkpoint"


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """`bookings`, `history`, `sales`: booking's id -> row; `seats`, `sales_seats`: (performance_id, label) -> row; `names`:
    (view, customer's id) -> row; `checkpoints`: (view, source) -> row.
    """

    bookings: dict[str, dict[str, Any]]
    seats: dict[tuple[str, str], dict[str, Any]]
    history: dict[str, dict[str, Any]]
    sales: dict[str, dict[str, Any]]
    sales_seats: dict[tuple[str, str], dict[str, Any]]
    names: dict[tuple[str, int], dict[str, Any]]
    checkpoints: dict[tuple[str, str], dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Part:
    """Which rows: those of these bookings, seats ("performance/label") and customers."""

    bookings: Collection[str]
    seats: Collection[str]
    customers: Collection[str]


def read(part: Part | None = None) -> Snapshot:
    """All rows, or those of a part. Raises the database's errors if it is down."""
    with PROJECTIONS.atomic():
        PROJECTIONS.run(_BEGIN)
        return collect(part)


def collect(part: Part | None = None) -> Snapshot:
    """The same in the caller's transaction, of whatever isolation."""
    booking, seat, sales_seat, name = _ALL, _ALL, _ALL, _ALL
    if part:
        booking, name = _about(part.bookings), _of(part.customers)
        seat, sales_seat = _at("projections_seatmap", part.seats), _at("projections_salesseat", part.seats)
    return Snapshot(
        bookings={row["id"]: row for row in _read(_BOOKINGS, booking)},
        seats={(row["performance_id"], row["label"]): row for row in _read(_SEATS, seat)},
        history={row["id"]: row for row in _read(_HISTORY, booking)},
        sales={row["id"]: row for row in _read(_SALES, booking)},
        sales_seats={(row["performance_id"], row["label"]): row for row in _read(_SALES_SEATS, sales_seat)},
        names={(row["view"], row["id"]): row for row in _read(_NAMES, name)},
        checkpoints={(row["view"], row["source"]): row for row in _read(_CHECKPOINTS)},
    )


# Each by the primary key: a join with many seats would read the whole table.
_SOME_SEATS = """
    where ctid = any(array(
        select found.at from unnest(%s::text[], %s::text[]) as asked (performance, label), lateral (
            select seat.ctid as at from {table} seat
            where seat.performance_id = asked.performance and seat.label = asked.label limit 1) found))
"""
Where = tuple[str, list[Any]]
_ALL: Where = ("", [])


def _about(bookings: Collection[str]) -> Where:
    return "where id = any(%s::uuid[])", [list(bookings)]


def _at(table: str, seats: Collection[str]) -> Where:
    places = [seat.partition("/") for seat in seats]  # a performance's id has no stroke in it
    columns = [[performance for performance, _, _ in places], [label for _, _, label in places]]
    return _SOME_SEATS.format(table=table), columns


def _of(customers: Collection[str]) -> Where:
    return "where id = any(%s::bigint[])", [list(customers)]


def _read(statement: str, where: Where = _ALL) -> list[dict[str, Any]]:
    """Through json: PostgreSQL writes it and one parser reads it, which is cheaper than a Python object per value."""
    condition, values = where
    found = PROJECTIONS.rows(f"select row_to_json(shown)::text from ({statement} {condition}) shown", values)
    return [orjson.loads(text) for (text,) in found]

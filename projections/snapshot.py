"""All rows of the read models as of one moment, with each view's progress. For the auditor; SELECT only."""

from dataclasses import dataclass
from typing import Any

import orjson

from projections.database import PROJECTIONS

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
_NAMES = """
    select 'bookings' as view, id, name, version from projections_customer
    union all select 'customer_history', id, name, version from projections_historycustomer
"""
_CHECKPOINTS = "select view, source, event_id, horizon, horizon >= owed as complete from projections_checkpoint"


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


def read() -> Snapshot:
    """Raises the database's errors if it is down."""
    with PROJECTIONS.atomic():
        PROJECTIONS.run(_BEGIN)
        return collect()


def collect() -> Snapshot:
    """The same in the caller's transaction, of whatever isolation."""
    return Snapshot(
        bookings={row["id"]: row for row in _read(_BOOKINGS)},
        seats={(row["performance_id"], row["label"]): row for row in _read(_SEATS)},
        history={row["id"]: row for row in _read(_HISTORY)},
        sales={row["id"]: row for row in _read(_SALES)},
        sales_seats={(row["performance_id"], row["label"]): row for row in _read(_SALES_SEATS)},
        names={(row["view"], row["id"]): row for row in _read(_NAMES)},
        checkpoints={(row["view"], row["source"]): row for row in _read(_CHECKPOINTS)},
    )


def _read(statement: str) -> list[dict[str, Any]]:
    """Through json: PostgreSQL writes it and one parser reads it, which is cheaper than a Python object per value."""
    found = PROJECTIONS.rows(f"select row_to_json(shown)::text from ({statement}) shown")
    return [orjson.loads(text) for (text,) in found]

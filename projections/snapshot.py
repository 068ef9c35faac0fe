"""All rows of the read models as of one moment, with how far each view had come by then. For the auditor; SELECT only."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from django.db import connections, transaction

from projections.upsert import ALIAS

_BEGIN = "set transaction isolation level repeatable read, read only; set local statement_timeout = '30s'"
_BOOKINGS = """
    select id::text, customer_id, performance_id, seats, payment_method, state, reason, amount, currency, booking_version,
        hold_status, hold_version, payment_id, payment_status, payment_reason, payment_version,
        tickets_status, tickets, tickets_version
    from projections_bookingview
"""
_SEATS = "select performance_id, label, status, booking_id::text, price, version from projections_seatmap"
_CHECKPOINTS = "select view, source, event_id, horizon, horizon >= owed as complete from projections_checkpoint"


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """`bookings`: id -> row; `seats`: (performance_id, label) -> row; `checkpoints`: (view, source) -> row."""

    bookings: dict[str, dict[str, Any]]
    seats: dict[tuple[str, str], dict[str, Any]]
    checkpoints: dict[tuple[str, str], dict[str, Any]]


def read() -> Snapshot:
    """Raises what the database raises when it is away."""
    with transaction.atomic(using=ALIAS):
        with connections[ALIAS].cursor() as cursor:
            cursor.execute(_BEGIN)
        return Snapshot(
            bookings={row["id"]: row for row in _rows(_BOOKINGS)},
            seats={(row["performance_id"], row["label"]): row for row in _rows(_SEATS)},
            checkpoints={(row["view"], row["source"]): row for row in _rows(_CHECKPOINTS)},
        )


def _rows(statement: str) -> Iterator[dict[str, Any]]:
    """Through json: PostgreSQL writes it and one parser reads it, which is cheaper than a Python object a value."""
    with connections[ALIAS].cursor() as cursor:
        cursor.execute(f"select row_to_json(shown)::text from ({statement}) shown")
        while rows := cursor.fetchmany(2000):
            for (text,) in rows:
                yield orjson.loads(text)

"""Data replication: keeps a read-only copy of Seat's performances, so that a booking is checked without calling Seat.

The copy may be a moment behind. That is harmless: Seat refuses a seat that is already taken when the saga asks for it.
"""

import json
from collections.abc import Sequence
from typing import Any

from booking.models import ReplicaCheckpoint
from messaging.database import Database
from messaging.events.cursor import Cursor
from seats.contract import PerformanceAnnounced
from topology.chosen import HOUSE
from topology.contract import publisher

SOURCE = publisher(HOUSE.services, PerformanceAnnounced.type()).name

_APPLY = """
    insert into booking_performancereplica as p (id, title, starts_at, labels, prices, currency, version)
    select distinct on (id) id, title, starts_at, labels, prices, currency, version
    from jsonb_to_recordset(%s::jsonb) as r (id text, title text, starts_at timestamptz, labels text[], prices bigint[],
        currency text, version bigint)
    order by id, version desc
    on conflict (id) do update set title = excluded.title, starts_at = excluded.starts_at, labels = excluded.labels,
        prices = excluded.prices, currency = excluded.currency, version = excluded.version
    where p.version < excluded.version or p.currency = ''
"""
_SAVE = """
    insert into booking_replicacheckpoint (source, stream_id, event_id, horizon, owed, applied, updated_at)
    values (%(source)s, %(stream_id)s, %(event_id)s, %(horizon)s, %(owed)s, %(applied)s, clock_timestamp())
    on conflict (source) do update set stream_id = excluded.stream_id, event_id = excluded.event_id,
        horizon = excluded.horizon, owed = excluded.owed, updated_at = excluded.updated_at,
        applied = booking_replicacheckpoint.applied + excluded.applied
"""


def load() -> list[Cursor]:
    """How far Seat's events have been read."""
    saved = ReplicaCheckpoint.objects.filter(source=SOURCE).first()
    if saved is None:
        return [Cursor(source=SOURCE)]
    return [
        Cursor(
            source=SOURCE,
            stream_id=saved.stream_id,
            event_id=saved.event_id,
            horizon=saved.horizon,
            owed=saved.owed,
        )
    ]


def apply(envelopes: Sequence[dict[str, Any]], cursors: Sequence[Cursor], behind: dict[str, int]) -> None:
    """Write newer announcements, and the cursor, in one transaction. Other events of Seat are ignored."""
    rows = [_row(envelope) for envelope in envelopes if envelope["type"] == PerformanceAnnounced.type()]
    db = Database.of(ReplicaCheckpoint)
    with db.atomic():
        if rows:
            db.run(_APPLY, [json.dumps(rows)])
        for position in cursors:
            db.run(
                _SAVE,
                {
                    "source": position.source,
                    "stream_id": position.stream_id,
                    "event_id": position.event_id,
                    "horizon": position.horizon,
                    "owed": position.owed,
                    "applied": len(rows),
                },
            )


def _row(envelope: dict[str, Any]) -> dict[str, Any]:
    announced = PerformanceAnnounced.read(envelope)
    return {
        "id": announced.id,
        "title": announced.title,
        "starts_at": announced.starts_at.isoformat(),
        "labels": [seat.label for seat in announced.seats],
        "prices": [seat.price for seat in announced.seats],
        "currency": announced.currency,
        "version": envelope["version"],
    }

"""The saved cursors of a view: its progress with each source, in the same database as its rows."""

from collections.abc import Iterable, Sequence
from typing import Any

from messaging.events.cursor import Cursor
from projections.database import PROJECTIONS

_ENSURE = """
    insert into projections_checkpoint (view, source, stream_id, event_id, horizon, owed, applied, lag_ms, behind)
    select %s, source, '0-0', '', 0, 0, 0, 0, 0 from unnest(%s::text[]) source
    on conflict do nothing
"""
_READ = "select source, stream_id, event_id, horizon, owed from projections_checkpoint where view = %s order by source"
_LOCK = f"{_READ} for update"
_SAVE = """
    update projections_checkpoint set
        stream_id = %s, event_id = %s, horizon = %s, owed = %s, applied = applied + %s,
        lag_ms = case when %s::timestamptz is null then lag_ms
            else least(greatest(extract(epoch from clock_timestamp() - %s::timestamptz) * 1000, 0), 2147483647)::int end,
        behind = coalesce(%s, behind), updated_at = clock_timestamp()
    where view = %s and source = %s
"""
_RESET = """
    update projections_checkpoint set
        stream_id = '0-0', event_id = '', horizon = 0, owed = 0, applied = 0, lag_ms = 0, behind = 0,
        updated_at = clock_timestamp()
    where view = %s
"""


def ensure(view: str, sources: Sequence[str]) -> None:
    """Create the rows that do not exist yet."""
    PROJECTIONS.run(_ENSURE, [view, list(sources)])


def lock(view: str) -> dict[str, Cursor]:
    """Lock the view's checkpoints until the end of the transaction, so that it has one writer; return its cursors."""
    return _cursors(_LOCK, view)


def read(view: str) -> dict[str, Cursor]:
    """The view's cursors, unlocked."""
    return _cursors(_READ, view)


def _cursors(statement: str, view: str) -> dict[str, Cursor]:
    return {row["source"]: Cursor(**row) for row in PROJECTIONS.named(statement, [view])}


def save(
    view: str,
    cursors: Iterable[Cursor],
    *,
    applied: dict[str, int],
    times: dict[str, Any],
    behind: dict[str, int],
) -> None:
    """Save cursors. By source: events `applied`, the time of the event to measure the lag by (if any), entries `behind`."""
    values = [
        (
            *(cursor.stream_id, cursor.event_id, cursor.horizon, cursor.owed, applied.get(cursor.source, 0)),
            *(times.get(cursor.source), times.get(cursor.source), behind.get(cursor.source)),
            *(view, cursor.source),
        )
        for cursor in cursors
    ]
    if values:
        with PROJECTIONS.cursor() as cursor:
            cursor.executemany(_SAVE, values)


def reset(view: str) -> None:
    PROJECTIONS.run(_RESET, [view])

"""The saved cursors of a reader: its progress with each source, in the same database as the rows it writes."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import models

from messaging.database import Database
from messaging.events.cursor import Cursor

_ENSURE = """
    insert into {table} ({columns}) select {values} from unnest(%(sources)s::text[]) source on conflict do nothing
"""
_READ = "select source, stream_id, event_id, horizon, pending from {table} where {mine} order by source"
_SAVE = """
    update {table} set
        stream_id = %(stream_id)s, event_id = %(event_id)s, horizon = %(horizon)s, pending = %(pending)s,
        applied = applied + %(applied)s, {lag} updated_at = clock_timestamp()
    where {mine} and source = %(source)s
"""
_LAG = """
        lag_ms = case when %(time)s::timestamptz is null then lag_ms
            else least(greatest(extract(epoch from clock_timestamp() - %(time)s::timestamptz) * 1000, 0), 2147483647)::int end,
        behind = coalesce(%(behind)s, behind),
"""
_RESET = """
    update {table} set {zero}, updated_at = clock_timestamp() where {mine} and source = any(%(sources)s::text[])
"""
_ZERO = {"stream_id": "'0-0'", "event_id": "''", "horizon": "0", "pending": "0", "applied": "0"}
_NO_LAG = {"lag_ms": "0", "behind": "0"}


class Checkpoints:
    """One reader's rows of a table of checkpoints.

    `model` has the columns `source`, `stream_id`, `event_id`, `horizon`, `pending`, `applied` (events that concern the reader,
    duplicates too) and `updated_at`. A table with a column `view` is shared by several views, and `view` is this one's name.
    A table with `lag_ms` and `behind` keeps the lag as well: from the event to its row, for the last event that changed a row;
    and the number of the stream's entries not yet read. `db`: the database of the table, by default where the router has it.
    """

    def __init__(self, model: type[models.Model], view: str = "", db: Database | None = None) -> None:
        self.db = db or Database.of(model)
        self._view = view
        columns = {field.column for field in model._meta.concrete_fields}
        zero = _ZERO | (_NO_LAG if "lag_ms" in columns else {})
        first = {"source": "source"} | ({"view": "%(view)s"} if "view" in columns else {}) | zero
        parts = {
            "table": model._meta.db_table,
            "mine": "view = %(view)s" if "view" in columns else "true",
            "columns": ", ".join(first),
            "values": ", ".join(first.values()),
            "lag": _LAG if "lag_ms" in columns else "",
            "zero": ", ".join(f"{column} = {value}" for column, value in zero.items()),
        }
        self._ensure, self._read, self._save, self._reset = (
            statement.format_map(parts) for statement in (_ENSURE, _READ, _SAVE, _RESET)
        )

    def ensure(self, sources: Sequence[str]) -> None:
        """Create the rows that do not exist yet."""
        self.db.run(self._ensure, {"view": self._view, "sources": list(sources)})

    def lock(self) -> dict[str, Cursor]:
        """Lock the rows until the end of the transaction, so that there is one writer; return the cursors, by source."""
        return self._cursors(f"{self._read} for update")

    def read(self) -> dict[str, Cursor]:
        """The cursors by source, unlocked."""
        return self._cursors(self._read)

    def save(
        self,
        cursors: Iterable[Cursor],
        *,
        applied: Mapping[str, int],
        times: Mapping[str, Any],
        behind: Mapping[str, int],
    ) -> None:
        """Save cursors. By source: events `applied`, the time of the event to measure the lag by (if any), entries `behind`."""
        values = [
            {
                "view": self._view,
                "source": cursor.source,
                "stream_id": cursor.stream_id,
                "event_id": cursor.event_id,
                "horizon": cursor.horizon,
                "pending": cursor.pending,
                "applied": applied.get(cursor.source, 0),
                "time": times.get(cursor.source),
                "behind": behind.get(cursor.source),
            }
            for cursor in cursors
        ]
        if values:
            with self.db.cursor() as cursor:
                cursor.executemany(self._save, values)

    def reset(self, sources: Sequence[str]) -> None:
        """Set the cursors of these sources back to their beginnings."""
        self.db.run(self._reset, {"view": self._view, "sources": list(sources)})

    def _cursors(self, statement: str) -> dict[str, Cursor]:
        return {row["source"]: Cursor(**row) for row in self.db.named(statement, {"view": self._view})}

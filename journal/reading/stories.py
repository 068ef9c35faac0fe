"""A booking's story: all services' tables, restricted to its rows, as of one of its entries. A pure fold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from journal.entry import Cells, EntryDict, Story, Tables
from journal.models import LIVE
from journal.noteworthy import before
from journal.reading.moments import RowThen
from journal.reading.queries import entries_of

_LINKS = ("id", "booking_id", "correlation_id", "saga_id")
"""Columns by which a row can belong to a booking: through its id, or through its saga's."""


def story(correlation: str, pos: int | None = None, tape: int = LIVE) -> Story:
    """The booking's rows as of its last entry at or before `pos` (default: its newest); empty if there is none."""
    return fold(correlation, entries_of(correlation, tape=tape), pos)


def fold(
    correlation: str, entries: Sequence[EntryDict], pos: int | None = None, before: Sequence[RowThen] = ()
) -> Story:
    """`story` over given entries, in order. `before`: the booking's rows before the first of them, if any. Such a row
    is not in `last` until an entry changes it.
    """
    result = Story(correlation)
    related = {correlation}
    for one in before:
        result.tables.setdefault(one.service, {}).setdefault(one.table, {})[one.key] = one.row
        related.update({one.row["saga_id"]} if one.row.get("saga_id") else ())
    for entry in entries:
        if pos is not None and entry["pos"] > pos:
            result.next = entry["pos"]
            break
        result.previous = result.pos or None
        result.pos, result.entry = entry["pos"], entry
        result.changed = _apply(result.tables, entry, related)
        result.last |= {(cells.service, cells.table, cells.key): entry for cells in result.changed}
    return result


def _apply(tables: Tables, entry: EntryDict, related: set[str]) -> list[Cells]:
    """Fold one entry's changes in. The transaction of a batch has rows of other bookings too: they are left out."""
    service, changed = entry["service"], []
    known = tables.setdefault(service, {})
    _relate(entry["changes"], related)
    for change in entry["changes"]:
        rows = known.setdefault(change["table"], {})
        key, new = change["key"], change["new"]
        if change["op"] == "truncate":
            rows.clear()
        elif key in rows or _belongs(change, related):
            changed.append(Cells(service, change["table"], key, change["op"], _columns(before(change), new)))
            if new is None:
                rows.pop(key, None)
            else:
                rows[key] = new
    tables[service] = {table: rows for table, rows in known.items() if rows}
    return changed


def _relate(changes: Iterable[dict[str, Any]], related: set[str]) -> None:
    """Collect the ids of the booking's sagas: some of its rows are identified only by these."""
    for change in changes:
        row = change["new"] or change["old"] or {}
        if row.get("saga_id") and _belongs(change, related):
            related.add(row["saga_id"])


def _belongs(change: dict[str, Any], related: set[str]) -> bool:
    rows = [row for row in (change["old"], change["new"]) if row]
    return any(row[name] in related for row in rows for name in _LINKS if isinstance(row.get(name), str))


def _columns(old: dict[str, Any], new: dict[str, Any] | None) -> dict[str, tuple[Any, Any]]:
    names = list(new or old)
    new = new or {}
    return {name: (old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)}

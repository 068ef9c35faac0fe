"""The place where a packed entry's rows are decoded."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from journal.entry import EntryDict
from journal.packed import layouts
from journal.packed.packing import Piece, unpack
from messaging.wal import Delete, Insert, Relation, converted, read_change, row_key

TRUNCATE = b"T"
_ABSENT = object()
log = logging.getLogger(__name__)


def opened(entry: EntryDict, wanted: Callable[[str], bool] | None = None) -> EntryDict:
    """The entry with its rows as `changes`, of all tables or of the wanted ones, and without "packed" and "layouts". Its layouts
    have to be loaded.
    """
    shown = {name: value for name, value in entry.items() if name not in ("packed", "layouts")}
    if packed := entry.get("packed"):
        shown["changes"] = changes_of(unpack(packed), layouts.relations(entry["layouts"]), wanted)
    return shown


def changes_of(
    pieces: Iterable[Piece],
    relations: Sequence[Relation],
    wanted: Callable[[str], bool] | None = None,
) -> list[dict[str, Any]]:
    """The rows of an entry, as models.Entry.changes describes them: of all tables, or of the wanted ones.

    A row that cannot be decoded is left out, and logged.
    """
    changes: list[dict[str, Any]] = []
    chosen = [wanted is None or wanted(relation.table) for relation in relations]
    for number, message in pieces:
        if chosen[number]:
            try:
                changes += rows_of(relations[number], message)
            except Exception:
                log.exception("a row of %s cannot be decoded; it begins %r", relations[number].table, message[:40])
    return changes


def rows_of(relation: Relation, message: bytes) -> list[dict[str, Any]]:
    """One message's rows: one, or two of a row that got another key: it is deleted and inserted."""
    if message == TRUNCATE:
        return [{"table": relation.table, "op": "truncate", "key": None, "old": None, "new": None}]
    change = read_change(relation, message)
    if isinstance(change, Delete):
        return [_row(relation, "delete", converted(relation, change.old), None)]
    new: dict[str, Any] = change.new
    if isinstance(change, Insert):
        return [_row(relation, "insert", None, converted(relation, new))]
    old: dict[str, Any] | None = change.old
    if old is None:
        return [_row(relation, "update", None, converted(relation, new))]
    # Unchanged columns are not repeated: they were a quarter of all that was journaled.
    changed = {name: text for name, text in old.items() if new.get(name, _ABSENT) != text}
    converted(relation, new)
    for name in relation.key:
        if name in changed:  # one row was deleted, another inserted
            deleted = _row(relation, "delete", converted(relation, old), None)
            return [deleted, _row(relation, "insert", None, new)]
    return [_row(relation, "update", converted(relation, changed), new)]


def _row(relation: Relation, op: str, old: dict[str, Any] | None, new: dict[str, Any] | None) -> dict[str, Any]:
    key = row_key(relation.key, new or old or {})
    return {"table": relation.table, "op": op, "key": key, "old": old, "new": new}

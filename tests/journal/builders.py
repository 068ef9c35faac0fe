"""Candidates and log transactions made by hand, for tests of the pure parts."""

import struct
from datetime import UTC, datetime, timedelta
from typing import Any

from journal.packed.packing import unpack
from journal.packed.rows import changes_of
from journal.recording.transactions import Candidate
from messaging.wal import Change, Delete, Insert, RawChange, Relation, Row, Transaction, Truncate, Update
from messaging.wal.messages import Column
from messaging.wal.values import converters_of

START = datetime(2027, 1, 1, tzinfo=UTC)
TEXT, JSONB, BIGINT, UUIDS = 25, 3802, 20, 2951
TYPES = {"data": JSONB, "version": BIGINT}


def candidate(source: str, emits: list[str] | None = None, causes: list[str] | None = None, at: float = 0) -> Candidate:
    return Candidate(
        kind="transaction",
        source=source,
        cursor="0/0",
        service=source,
        committed_at=START + timedelta(seconds=at),
        title="",
        causes=tuple(causes or ()),
        emits=tuple(emits or ()),
    )


def relation(table: str, names: list[str], key: tuple[str, ...] = ("id",), **types: int) -> Relation:
    columns = tuple(Column(name, {**TYPES, **types}.get(name, TEXT), True) for name in names)
    return Relation(1, "public", table, columns, key, tuple(names), converters_of(columns))


def insert(table: str, **new: Any) -> Insert:
    return Insert(relation(table, list(new)), new)


def update(table: str, old: dict[str, Any], **changed: Any) -> Update:
    return Update(relation(table, list(old)), old, {**old, **changed})


def message(service: str, kind: str, type: str, id: str = "m-1", **more: Any) -> Insert:
    row = {"correlation_id": "", "causation_id": None, "saga_id": None, "data": "{}", **more}
    return insert(f"{service}_outbox", seq="1", id=id, kind=kind, type=type, **row)


def transaction(*changes: Change) -> Transaction:
    """As a stream of raw rows has it."""
    return Transaction(7, 0x100, 0x140, START, [raw(change) for change in changes])


def raw(change: Change) -> Change:
    """The bytes that PostgreSQL would send for a row, after its manual."""
    if isinstance(change, RawChange | Truncate):
        return change
    relation = change.relation
    oid = struct.pack(">I", relation.oid)
    match change:
        case Insert():
            message = b"I" + oid + b"N" + _tuple(relation, change.new)
        case Delete():
            message = b"D" + oid + b"O" + _tuple(relation, change.old)
        case Update():
            old = b"" if change.old is None else b"O" + _tuple(relation, change.old)
            message = b"U" + oid + old + b"N" + _tuple(relation, change.new)
    return RawChange(relation, message)


def _tuple(relation: Relation, row: Row) -> bytes:
    parts = [struct.pack(">h", len(relation.names))]
    for name in relation.names:
        value = row[name]
        text = (value or "").encode()
        parts.append(b"n" if value is None else b"t" + struct.pack(">i", len(text)) + text)
    return b"".join(parts)


def changes(candidate: Candidate) -> list[dict[str, Any]]:
    """Its rows, decoded."""
    if not candidate.packed:
        return []
    return changes_of(unpack(candidate.packed), [layout.relation for layout in candidate.layouts])

"""Candidates and log transactions made by hand, for tests of the pure parts."""

from datetime import UTC, datetime, timedelta
from typing import Any

from journal.recording.transactions import Candidate
from messaging.wal import Change, Insert, Relation, Transaction, Update
from messaging.wal.messages import Column
from messaging.wal.values import converters_of

START = datetime(2027, 1, 1, tzinfo=UTC)
TEXT, JSONB, BIGINT = 25, 3802, 20
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


def relation(table: str, names: list[str], key: tuple[str, ...] = ("id",)) -> Relation:
    columns = tuple(Column(name, TYPES.get(name, TEXT), True) for name in names)
    return Relation(1, "public", table, columns, key, tuple(names), converters_of(columns))


def insert(table: str, **new: Any) -> Insert:
    return Insert(relation(table, list(new)), new)


def update(table: str, old: dict[str, Any], **changed: Any) -> Update:
    return Update(relation(table, list(old)), old, {**old, **changed})


def message(service: str, kind: str, type: str, id: str = "m-1", **more: Any) -> Insert:
    row = {"correlation_id": "", "causation_id": None, "saga_id": None, "data": "{}", **more}
    return insert(f"{service}_outbox", seq="1", id=id, kind=kind, type=type, **row)


def transaction(*changes: Change) -> Transaction:
    return Transaction(7, 0x100, 0x140, START, list(changes))

"""From a database transaction, as the log has it, to what the journal wants to say about it. Pure.

It knows no domain app, only conventions: the outbox is `<service>_outbox`; `caused_by` names the message a row follows
from; `booking_id` names the booking a row belongs to.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from journal.titles import title_of
from messaging.wal import Change, Delete, Insert, Relation, Transaction, Truncate, format_lsn, python_row, row_key

NOTE = "journal"
"""Prefix of what is written into a log for the journal: {"kind", "text", ...} as JSON. See sandbox.introduce."""

LOG = "_sagalog"
"""How a table ends that keeps what was decided about each message: `message_id` names it."""

BOOKING_COLUMN = {
    "booking_booking": "id",
    "projections_bookingview": "id",
    "projections_historybooking": "id",
    "projections_salesbooking": "id",
    "seats_hold": "id",
    "tickets_ticket": "issuance_id",
}
"""Tables that name a booking by another column than `booking_id`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What is to become an entry. `source` and `cursor` say how far its source is read once it is journaled."""

    kind: str
    source: str
    cursor: str
    service: str
    committed_at: datetime
    title: str
    causes: tuple[str, ...] = ()
    emits: tuple[str, ...] = ()
    correlations: tuple[str, ...] = ()
    changes: tuple[dict[str, Any], ...] = ()
    xid: int | None = None
    lsn: str = ""
    data: dict[str, Any] | None = None


def read_transaction(service: str, transaction: Transaction) -> Candidate:
    """`service` is the database's alias. Ids are strings; a change's values are JSON-friendly."""
    outbox = f"{service}_outbox"
    changes = [row for change in transaction.changes for row in _rows(change)]
    messages = [change["new"] for change in changes if change["table"] == outbox and change["op"] == "insert"]
    emits = [message["id"] for message in messages]
    causes = [message["causation_id"] for message in messages]
    correlations = [message["correlation_id"] for message in messages]
    for change in changes:
        row = change["new"] or change["old"] or {}
        causes.append(row.get("caused_by"))
        if change["table"].endswith(LOG):  # it may be all that a decision wrote
            causes.append(row.get("message_id"))
        correlations.extend(_bookings(change))
    own = set(emits)
    lsn = format_lsn(transaction.end_lsn)
    note = next((orjson.loads(note.content) for note in transaction.notes if note.prefix == NOTE), None)
    rows = [change for change in changes if change["table"] != outbox]
    return Candidate(
        kind="observation" if note and not changes else "transaction",
        source=service,
        cursor=lsn,
        service=service,
        committed_at=transaction.committed_at,
        title=note["text"] if note else title_of(messages, rows),
        causes=_distinct(cause for cause in causes if cause not in own) if any(causes) else (),
        emits=_distinct(emits),
        correlations=_distinct(correlations),
        changes=tuple(changes),
        xid=transaction.xid,
        lsn=lsn,
        data=note and {name: value for name, value in note.items() if name != "text"},
    )


def _rows(change: Change) -> Iterable[dict[str, Any]]:
    if isinstance(change, Truncate):
        for table in change.relations:
            yield {"table": table.table, "op": "truncate", "key": None, "old": None, "new": None}
        return
    relation = change.relation
    if isinstance(change, Delete):
        yield _row(relation, "delete", old=python_row(relation, change.old))
        return
    new = python_row(relation, change.new)
    if isinstance(change, Insert):
        yield _row(relation, "insert", new=new)
        return
    old = None
    if change.old is not None:
        # What has not changed is not said twice: it was a quarter of all that was journaled.
        changed = {name: text for name, text in change.old.items() if (name, text) not in change.new.items()}
        if any(name in changed for name in relation.key):  # one row went, another came
            yield _row(relation, "delete", old=python_row(relation, change.old))
            yield _row(relation, "insert", new=new)
            return
        old = python_row(relation, changed)
    yield _row(relation, "update", old, new)


def _row(
    relation: Relation, op: str, old: dict[str, Any] | None = None, new: dict[str, Any] | None = None
) -> dict[str, Any]:
    key = row_key(relation.key, new or old or {})
    return {"table": relation.table, "op": op, "key": key, "old": old, "new": new}


def _bookings(change: dict[str, Any]) -> Iterable[str | None]:
    for row in (change["old"], change["new"]):
        if row:
            if "booking_id" in row:
                yield row["booking_id"]
            if column := BOOKING_COLUMN.get(change["table"]):
                yield row.get(column)


def _distinct(values: Iterable[Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(value) for value in values if value))

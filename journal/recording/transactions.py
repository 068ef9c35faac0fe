"""Turns a database transaction, as the log has it, into a candidate for the journal. Pure.

Its rows stay packed; of each only the columns are decoded that tell its causes, its bookings and its title.

It depends on no domain app, only on conventions: the outbox is `<app>_outbox`; `caused_by` names the message a row
follows from; `booking_id` names the booking a row belongs to. The house declares the service of a table, and the
exceptions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from journal.packed.layouts import Layout
from journal.packed.packing import pack
from journal.packed.rows import TRUNCATE
from journal.recording.summaries import BOOKING_COLUMN, LOG, OUTBOX, Summaries, Summary
from journal.recording.titles import title_of
from messaging.storable import LONGEST_KEY, storable_text
from messaging.wal import RawChange, Transaction, Truncate, format_lsn
from messaging.wal.notes import PREFIX, UNREADABLE, NoteError, read
from topology.chosen import HOUSE

LONGEST_TITLE = 1000  # characters
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

_SUMMARIES = Summaries()


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A future entry. `source` and `cursor`: how far its source is read once it is journaled. `packed`: its rows, see
    journal.packed; "" if there are none."""

    kind: str
    source: str
    cursor: str
    service: str
    committed_at: datetime
    title: str
    causes: tuple[str, ...] = ()
    emits: tuple[str, ...] = ()
    correlations: tuple[str, ...] = ()
    packed: bytes = b""
    layouts: tuple[Layout, ...] = ()
    xid: int | None = None
    lsn: str = ""
    data: dict[str, Any] | None = None


def read_transaction(alias: str, transaction: Transaction, key: str = "") -> Candidate:
    """The entry is that service's whose message, else whose row, was written first. Never raises. `transaction`: raw.

    `key` proves notes that empty the journal's memory. A transaction that cannot be read becomes an entry that reports
    that.
    """
    try:
        return _read(alias, transaction, key)
    except Exception as error:
        return _unreadable(alias, transaction, f"{type(error).__name__}: {error}")


def _unreadable(alias: str, transaction: Transaction, why: str) -> Candidate:
    service = HOUSE.owner(alias, "")
    return Candidate(
        kind="observation",
        source=alias,
        cursor=format_lsn(transaction.end_lsn),
        service=service,
        committed_at=transaction.committed_at,
        title=f"a transaction of {service} cannot be read",
        xid=transaction.xid,
        lsn=format_lsn(transaction.end_lsn),
        data={"kind": UNREADABLE, "data": {"why": storable_text(why, LONGEST_TITLE)}},
    )


def replacement(candidate: Candidate, why: str) -> Candidate:
    """The replacement for a candidate that the journal's database refuses."""
    return replace(
        candidate,
        kind="observation",
        title=f"what {candidate.service} committed cannot be kept",
        causes=(),
        emits=(),
        correlations=(),
        packed=b"",
        layouts=(),
        data={"kind": UNREADABLE, "data": {"why": storable_text(why, LONGEST_TITLE)}},
    )


def _read(alias: str, transaction: Transaction, key: str) -> Candidate:
    pieces: list[tuple[Summary, bytes]] = []
    changes: list[dict[str, Any]] = []
    unreadable = list(transaction.unreadable)
    for summary, message in _messages(alias, transaction):
        try:
            changes += summary.of(message)
            pieces.append((summary, message))
        except Exception as error:
            table = summary.layout.relation.table
            unreadable.append(f"{type(error).__name__}: {error}; a row of {table} that begins {message[:40]!r}")
    sent = [change for change in changes if change["table"].endswith(OUTBOX) and change["op"] == "insert"]
    service = next((HOUSE.owner(alias, change["table"]) for change in (*sent, *changes)), HOUSE.owner(alias, ""))
    messages = [change["new"] for change in sent]
    emits = [message["id"] for message in messages]
    causes = [message["causation_id"] for message in messages]
    correlations = [message["correlation_id"] for message in messages]
    for change in changes:
        row = change["new"] or change["old"] or {}
        causes.extend(_listed(row.get("caused_by")))
        if change["table"].endswith(LOG):  # a decision may have written nothing else
            causes.append(row.get("message_id"))
        correlations.extend(_bookings(change))
    own = set(emits)
    lsn = format_lsn(transaction.end_lsn)
    note, wrong = _noted(transaction, unreadable, key)
    rows = [change for change in changes if not change["table"].endswith(OUTBOX)]
    packed, layouts = _packed(pieces)
    return Candidate(
        kind="observation" if (note or wrong) and not changes else "transaction",
        source=alias,
        cursor=lsn,
        service=service,
        committed_at=transaction.committed_at,
        title=storable_text(_title(service, note, wrong, changes) or title_of(messages, rows), LONGEST_TITLE),
        causes=ids(cause for cause in causes if cause not in own) if any(causes) else (),
        emits=ids(emits),
        correlations=distinct(correlations),
        packed=packed,
        layouts=layouts,
        xid=transaction.xid,
        lsn=lsn,
        data=(note and {"kind": note["kind"]}) or (wrong and {"kind": UNREADABLE, "data": {"why": wrong}}) or None,
    )


def _messages(alias: str, transaction: Transaction) -> Iterable[tuple[Summary, bytes]]:
    for change in transaction.changes:
        if isinstance(change, RawChange):
            yield _SUMMARIES.of(alias, change.relation), change.message
        elif isinstance(change, Truncate):
            for relation in change.relations:
                yield _SUMMARIES.of(alias, relation), TRUNCATE
        else:
            raise TypeError("a stream of decoded rows; the recorder reads raw ones")


def _packed(pieces: Sequence[tuple[Summary, bytes]]) -> tuple[bytes, tuple[Layout, ...]]:
    if not pieces:
        return b"", ()
    numbers: dict[int, int] = {}  # by the layout's id: the same table may have been announced again without a change
    layouts: list[Layout] = []
    for summary, _ in pieces:
        layout = summary.layout
        if layout.id not in numbers:
            numbers[layout.id] = len(layouts)
            layouts.append(layout)
    return pack((numbers[summary.layout.id], message) for summary, message in pieces), tuple(layouts)


def _noted(transaction: Transaction, wrong: list[str], key: str) -> tuple[dict[str, str] | None, str]:
    """The transaction's note to the journal, and what in it could not be read: what is `wrong` already, and notes."""
    for note in transaction.notes:
        if note.prefix == PREFIX:
            try:
                return read(note.content, key), ""
            except NoteError as error:
                wrong.append(f"a note that is {error}")
    return None, storable_text("; ".join(wrong), LONGEST_TITLE)


def _title(service: str, note: dict[str, str] | None, wrong: str, changes: list[dict[str, Any]]) -> str:
    if note:
        return note["text"]
    return f"{service}'s log holds what cannot be read" if wrong and not changes else ""


def _bookings(change: dict[str, Any]) -> Iterable[str | None]:
    for row in (change["old"], change["new"]):
        if row:
            if "booking_id" in row:
                yield row["booking_id"]
            if column := BOOKING_COLUMN.get(change["table"]):
                yield row.get(column)


def distinct(values: Iterable[Any]) -> tuple[str, ...]:
    """Correlation ids, each once. They are looked up in an index, which limits their length."""
    return tuple(dict.fromkeys(storable_text(str(value), LONGEST_KEY) for value in values if value))


def _listed(value: Any) -> list[Any]:
    """The ids in a column `caused_by`: a list, or one id."""
    return value if isinstance(value, list) else [value]


def ids(values: Iterable[Any]) -> tuple[str, ...]:
    """Message ids, each once, without texts that are not UUIDs."""
    return tuple(dict.fromkeys(text for text in map(str, values) if UUID.fullmatch(text)))

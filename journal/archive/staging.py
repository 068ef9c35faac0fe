"""Writes the rows of a tape that is being imported, by COPY, a few megabytes at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import orjson
import psycopg
from django.db import DataError

from journal.archive.lines import Hashes
from journal.archive.reading import ArchiveError
from journal.archive.writing import dumps
from journal.database import JOURNAL
from journal.index import index_store
from messaging.hashing import added, row_hash
from topology.tuning import Bytes, Count

ROWS: Count = 1000  # rows of a batch, if they are not BYTES before
BYTES: Bytes = 4 * 1024 * 1024  # of a batch, if it has not ROWS before
_ENTRIES = """
    copy journal_entry (tape, pos, kind, service, xid, lsn, committed_at, recorded_at, title, causes, cause_pos,
        cause_known, emits, changes, data) from stdin
"""
_MENTIONS = "copy journal_mention (tape, correlation, pos) from stdin"
_VERSIONS = 'copy journal_rowversion (tape, "table", key, from_pos, correlation, hash, "row") from stdin'
_FLIGHTS = "copy journal_flight (tape, id, kind, type, source, target, correlation, from_pos) from stdin"


class Staging:
    """`add` what is read, then `flush`. `hashes` are those of the rows at the start, `entries` how many were added."""

    def __init__(self, tape: int) -> None:
        self.entries, self.hashes = 0, Hashes()
        self._tape, self._size = tape, 0
        self._kind, self._first = "", 0
        self._batch: list[tuple[Any, ...]] = []
        self._mentions: list[tuple[Any, ...]] = []
        self._tables: dict[tuple[str, str], int] = {}

    def add(self, number: int, kind: str, data: dict[str, Any]) -> bool:
        """Take line `number`; True if a batch was written. Raises ArchiveError for what PostgreSQL refuses."""
        written = False
        if kind != self._kind or len(self._batch) >= ROWS or self._size >= BYTES:
            written = bool(self._batch)
            self.flush()
            self._kind, self._first = kind, number
        make: Callable[[dict[str, Any]], tuple[Any, ...]] = getattr(self, f"_{kind}")
        self._batch.append(make(data))
        return written

    def flush(self) -> None:
        statement = {"entry": _ENTRIES, "row": _VERSIONS, "flight": _FLIGHTS}.get(self._kind, "")
        if self._batch:
            self._copy(statement, self._batch)
        if self._mentions:
            self._copy(_MENTIONS, self._mentions)
        self._batch, self._mentions, self._size = [], [], 0

    def _copy(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        try:
            with JOURNAL.cursor() as cursor, cursor.copy(statement) as copy:
                for row in rows:
                    copy.write_row((self._tape, *row))
        except (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded, DataError) as error:
            diagnosis = getattr(error, "diag", None)
            found = re.search(r"line (\d+)", (diagnosis and diagnosis.context) or "")
            line = self._first + int(found[1]) - 1 if found and statement != _MENTIONS else self._first
            wrong = f"PostgreSQL refuses it: {(diagnosis and diagnosis.message_primary) or error}"
            raise ArchiveError(line, wrong, "an export holds what PostgreSQL gave out") from error

    def _entry(self, entry: dict[str, Any]) -> tuple[Any, ...]:
        self.entries += 1
        self._mentions += [(correlation, entry["pos"]) for correlation in dict.fromkeys(entry["correlations"])]
        changes = self._json(entry["changes"])
        return (
            entry["pos"], entry["kind"], entry["service"], entry["xid"], entry["lsn"], entry["committed_at"],
            entry["recorded_at"], entry["title"], _array(entry["causes"]), _array(entry["cause_pos"]),
            entry["cause_known"], _array(entry["emits"]), changes,
            None if entry["data"] is None else self._json(entry["data"]),
        )  # fmt: skip

    def _row(self, row: dict[str, Any]) -> tuple[Any, ...]:
        text = self._json(row["row"])
        service, table = row["service"], row["table"]
        if (service, table) not in self._tables:
            with JOURNAL.cursor() as cursor:
                self._tables |= numbers(cursor, {(service, table)})
        hashed = row_hash(row["key"], orjson.loads(text))
        total = self.hashes.setdefault(service, {}).setdefault(table, {"rows": 0, "hash": "0"})
        total["rows"], total["hash"] = total["rows"] + 1, str(added(int(total["hash"]), hashed))
        number = self._tables[service, table]
        return number, row["key"], row["from_pos"], row["correlation"], hashed, text

    def _flight(self, flight: dict[str, Any]) -> tuple[Any, ...]:
        names = ("id", "kind", "type", "source", "target", "correlation", "from_pos")
        return tuple(flight[name] for name in names)

    def _json(self, value: Any) -> str:
        text = dumps(value)
        self._size += len(text)
        return text.decode()


def numbers(cursor: Any, tables: set[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """The numbers of tables; new tables get one. Existing ones are only read: a lock on one would last as long as the
    import."""
    known = index_store.tables(cursor)
    return known | index_store.number(cursor, tables - known.keys())


def _array(items: Iterable[object]) -> str:
    """PostgreSQL's text form of an array of ids or numbers, which need no quotes."""
    return "{" + ",".join(map(str, items)) + "}"

"""A run's file as a visitor may have it: the same lines, with other people's data masked, and hashes that match the
masked content.

`privacy.masked` decides what is masked. Here each secret gets its own stand-in, so that keys stay unique and a row is
the same row in every line. Hashes are recomputed, as an import computes them. Memory is bounded: rows and hashes are on
disk.
"""

from __future__ import annotations

import hmac
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings

from gateway.people.privacy import HIDDEN, Viewer, masked, seen_by
from journal.archive.lines import LONGEST, Hashes
from journal.archive.reading import parsed, split
from journal.archive.writing import Writer, dumps
from messaging.hashing import added, row_hash
from messaging.wal.notes import RESETS
from topology.tuning import Bytes, Count

CACHE_KB: Count = 8_000  # kB of the hashes that stay in memory
CHUNK: Bytes = 256 * 1024  # of a file that are given out at once


@dataclass(slots=True)
class Exporter(Viewer):
    """A visitor who exports a run: `bookings` are all of theirs, so that nothing has to be stored for each of the others."""

    bookings: frozenset[str] = frozenset()

    def owns(self, booking: str) -> bool:
        return booking.lower() in self.bookings


def stand_ins(run: str) -> Callable[[str], str]:
    """secret -> its stand-in in this run's file: always the same, and not reversible without our key."""
    key = f"{settings.SECRET_KEY}/sagabox.export/{run}".encode()

    def stand_in(secret: str) -> str:
        digest = hmac.digest(key, secret.encode(), "sha256")
        try:
            UUID(secret)
        except ValueError:
            return f"{HIDDEN}{digest.hex()[:16]}"
        return str(UUID(bytes=digest[:16], version=4))  # where an id is expected

    return stand_in


def mask_file(chunks: Iterable[bytes], run: str, bookings: frozenset[str]) -> Iterator[bytes]:
    """Rewrite an export, chunk by chunk. If `chunks` ends early so does this, without a trailer.

    `run`: its id here; `bookings`: those that are the visitor's.
    """
    gathered = bytearray()
    for line in _lines(chunks, _Masking(stand_ins(run), bookings)):
        gathered += line
        if len(gathered) >= CHUNK:
            yield bytes(gathered)
            gathered.clear()
    if gathered:
        yield bytes(gathered)


def _lines(chunks: Iterable[bytes], masking: _Masking) -> Iterator[bytes]:
    """The header contains the hashes of the rows, so the rows wait in a file until all have been read."""
    read = _read(chunks)
    kind, run = next(read)
    writer = Writer(run["epoch"], run["started_at"])
    with TemporaryFile() as waiting, masking.totals:
        kind, data = next(read)
        while kind == "row":
            waiting.write(dumps(masking.row(data)) + b"\n")
            kind, data = next(read)
        yield writer.run(masking.header(run))
        waiting.seek(0)
        for text in waiting:
            yield writer.row(parsed(text))
        while True:
            match kind:
                case "flight":
                    yield writer.flight(data)  # type: ignore[arg-type]
                case "entry":
                    yield writer.entry(masking.entry(data))  # type: ignore[arg-type]
                case "state":
                    yield writer.state(data["pos"], masking.totals.hashes(data["hashes"]))
                case "end":
                    yield writer.end()
                    return
            kind, data = next(read)


def _read(chunks: Iterable[bytes]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(kind, data) of each line. Raises ValueError at an end without a trailer, and for a line that is not part of an
    export."""
    for text in split(chunks, LONGEST):
        event = parsed(text)
        kind = event["type"].removeprefix("sagabox.")
        yield kind, event["data"]
        if kind == "end":
            return
    raise ValueError("the journal's process has interrupted the export")


class _Masking:
    """Masks the data line by line, and keeps track of the resulting rows."""

    def __init__(self, stand_in: Callable[[str], str], bookings: frozenset[str]) -> None:
        self._stand_in = stand_in
        self._viewer = Exporter(operator=False, bookings=bookings)
        self.totals = Totals()

    def header(self, run: dict[str, Any]) -> Any:
        return {**run, "faults": self._masked(run["faults"]), "hashes": self.totals.hashes(run["hashes"])}

    def row(self, data: dict[str, Any]) -> dict[str, Any]:
        shown = self._masked(data, data["correlation"] or "")
        key = self.totals.put(data["service"], data["table"], data["key"], shown["key"], shown["row"])
        return {**data, "key": key, "row": shown["row"]}

    def entry(self, data: dict[str, Any]) -> dict[str, Any]:
        """Only what people wrote or read is changed: a customer may be named like a service or a kind."""
        shown = self._masked(data)
        if (data["data"] or {}).get("kind") in RESETS:
            self.totals.empty_all(data["service"])
        changes = [self._change(data["service"], *both) for both in zip(data["changes"], shown["changes"], strict=True)]
        observed = shown["data"] and {
            **shown["data"],
            **{name: data["data"][name] for name in ("kind", "messageid") if name in data["data"]},
        }
        return {**data, "title": shown["title"], "data": observed, "changes": changes}

    def _change(self, service: str, change: dict[str, Any], shown: dict[str, Any]) -> dict[str, Any]:
        table, key = change["table"], change["key"]
        if change["op"] == "truncate":
            self.totals.empty(service, table)
            key = shown["key"]
        elif change["new"] is None:
            key = self.totals.take(service, table, key, shown["key"])
        else:
            key = self.totals.put(service, table, key, shown["key"], shown["new"])
        return {**change, "key": key, "old": shown["old"], "new": shown["new"]}

    def _masked(self, data: Any, booking: str = "") -> Any:
        with seen_by(self._viewer):
            return masked(data, booking, instead=self._stand_in)


class Totals:
    """Each table's rows and additive hash, as journal.index.folding counts them; a row keeps the key of its first version."""

    def __init__(self) -> None:
        self._totals: dict[tuple[str, str], list[int]] = {}
        # A file without a name; it is gone when the connection closes.
        self._rows = sqlite3.connect("", check_same_thread=False)
        self._rows.execute(f"pragma cache_size = -{CACHE_KB}")
        self._rows.execute("pragma journal_mode = off")
        self._rows.execute(
            "create table held (service, tab, key, shown, hash, primary key (service, tab, key)) without rowid"
        )

    def __enter__(self) -> Totals:
        return self

    def __exit__(self, *args: object) -> None:
        self._rows.close()

    def put(self, service: str, table: str, key: str, shown: str, row: dict[str, Any]) -> str:
        """Store the row's current content. Returns its key in the file."""
        before = self._held(service, table, key)
        shown = before[0] if before else shown
        hashed = row_hash(shown, orjson.loads(dumps(row)))
        if before is None or before[1] != hashed:
            self._count(service, table, hashed, before and before[1])
            self._rows.execute(
                "insert or replace into held values (?, ?, ?, ?, ?)", (service, table, key or "", shown, hashed)
            )
        return shown

    def take(self, service: str, table: str, key: str, shown: str) -> str:
        """The row is gone. Returns the key that it had in the file."""
        before = self._held(service, table, key)
        if before is None:
            return shown
        self._count(service, table, None, before[1])
        self._rows.execute("delete from held where service = ? and tab = ? and key = ?", (service, table, key or ""))
        return before[0]

    def empty(self, service: str, table: str) -> None:
        self._totals[service, table] = [0, 0]
        self._rows.execute("delete from held where service = ? and tab = ?", (service, table))

    def empty_all(self, service: str) -> None:
        for one, table in list(self._totals):
            if one == service:
                self.empty(service, table)

    def hashes(self, named: Hashes) -> Hashes:
        """The current ones. `named`: tables to include even without rows."""
        found: Hashes = {}
        names = {(service, table) for service, tables in named.items() for table in tables}
        for service, table in sorted(names | {one for one, (rows, _) in self._totals.items() if rows}):
            rows, total = self._totals.get((service, table), [0, 0])
            found.setdefault(service, {})[table] = {"rows": rows, "hash": str(total)}
        return found

    def _held(self, service: str, table: str, key: str) -> tuple[str, int] | None:
        found: tuple[str, int] | None = self._rows.execute(
            "select shown, hash from held where service = ? and tab = ? and key = ?", (service, table, key or "")
        ).fetchone()
        return found

    def _count(self, service: str, table: str, comes: int | None, goes: int | None) -> None:
        total = self._totals.setdefault((service, table), [0, 0])
        if comes is not None:
            total[0], total[1] = total[0] + 1, added(total[1], comes)
        if goes is not None:
            total[0], total[1] = total[0] - 1, added(total[1], -goes)

"""Derives from a tape's entries what moments are read from: row versions, table hashes, messages in flight.

In batches, each in one transaction with the position it reaches, so it resumes exactly where it stopped; and everything
it makes can be discarded and rebuilt. It reads only entries, so an imported tape is indexed like the live one.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson

from journal.database import JOURNAL, by_index
from journal.index import index_store
from journal.index.flights import Flights
from journal.index.folding import Fold, Place, Total, Version
from journal.index.ownership import Ownership
from journal.models import LIVE
from journal.packed import layouts
from journal.packed.packing import unpack
from journal.packed.rows import changes_of
from journal.recording.entry_store import refuses
from messaging.wal.notes import RESETS
from topology.tuning import Bytes, Count

log = logging.getLogger(__name__)
BATCH: Count = 2_000  # entries
"""Versions that begin and end in one batch are written once; each other one is written, closed, and twice in its indexes."""
BATCH_BYTES: Bytes = 8 * 1024 * 1024  # of their changes: in a stream an entry has those of a hundred bookings


@dataclass(frozen=True, slots=True)
class Read:
    """An entry as the indexer needs it."""

    pos: int
    service: str
    changes: list[dict[str, Any]]
    causes: list[Any]
    data: dict[str, Any] | None

    @property
    def resets(self) -> bool:
        return self.data is not None and self.data.get("kind") in RESETS


class Indexer:
    """One per tape at a time. Raises django.db.DatabaseError; then create a new one, since its memory may be wrong.

    An entry of the live tape that cannot be indexed is skipped, and listed in `passed_over`: otherwise no later moment
    could be read. An import refuses a tape with such an entry.
    """

    def __init__(self, tape: int = LIVE) -> None:
        self.tape = tape
        self.passed_over = ""
        self.pos = 0
        self._flights = Flights()
        self._ownership = Ownership()
        self._totals: dict[int, Total] = {}
        self._tables: dict[tuple[str, str], int] = {}
        self._ready = False

    def step(self, limit: int = BATCH) -> int:
        """Index the next entries, at most `limit`; return how many there were."""
        try:
            return self._step(limit)
        except Exception as error:
            self._ready = False
            if self.tape != LIVE or not (isinstance(error, LookupError | AttributeError) or refuses(error)):
                raise
            return self.step(1) if limit > 1 else self._pass_over(error)

    def _pass_over(self, error: Exception) -> int:
        with JOURNAL.atomic(), JOURNAL.cursor() as cursor:
            ((pos, *_),) = index_store.entries(cursor, self.tape, index_store.locked_position(cursor, self.tape), 1, 0)
            index_store.move(cursor, self.tape, pos)
        self.passed_over = f"entry {pos} cannot be indexed ({type(error).__name__}: {error})"
        log.error("%s; it is passed over", self.passed_over)
        self.pos = pos
        return 1

    def _step(self, limit: int) -> int:
        with _uncollected(), JOURNAL.atomic(), JOURNAL.cursor() as cursor:
            by_index(cursor)
            at = index_store.locked_position(cursor, self.tape)
            if not self._ready or at != self.pos:
                self._resume(cursor, at)
            entries = _opened(index_store.entries(cursor, self.tape, at, limit, BATCH_BYTES))
            if entries:
                self._index(cursor, entries)
                index_store.move(cursor, self.tape, entries[-1].pos)
        if entries:
            self.pos = entries[-1].pos
        return len(entries)

    def _resume(self, cursor: Any, at: int) -> None:
        self.pos, self._ready = at, True
        self._flights, self._ownership = Flights(), Ownership()
        self._flights.resume(index_store.open_flights(cursor, self.tape))
        self._tables = index_store.tables(cursor)
        self._totals = index_store.totals(cursor, self.tape)

    def _index(self, cursor: Any, entries: list[Read]) -> None:
        missing = {(entry.service, change["table"]) for entry, change in _changes(entries)} - self._tables.keys()
        self._tables |= index_store.number(cursor, missing)
        self._learn(cursor, entries)
        places = {(self._table(entry, change), change["key"]) for entry, change in _changes(entries) if change["key"]}
        fold = Fold(index_store.current(cursor, self.tape, places), self._totals)
        for entry in entries:
            self._fold(fold, entry)
            self._flights.apply(entry.pos, entry.service, entry.causes, entry.changes, entry.data)
        index_store.close(cursor, self.tape, fold.closed)
        index_store.empty(cursor, self.tape, fold.emptied)
        index_store.add_versions(cursor, self.tape, fold.made)
        index_store.add_hashes(cursor, self.tape, fold.hashes)
        made, landed = self._flights.collected()
        index_store.land(cursor, self.tape, landed)
        index_store.add_flights(cursor, self.tape, made)

    def _learn(self, cursor: Any, entries: list[Read]) -> None:
        rows = [(change["table"], change["new"]) for _, change in _changes(entries) if change["new"]]
        for table, row in rows:
            self._ownership.learn(table, row)
        unknown = self._ownership.unknown_sagas(rows)
        sagas = [number for (_, name), number in self._tables.items() if name.endswith("_saga")]
        for saga, booking in index_store.bookings_of(cursor, self.tape, sagas, unknown):
            self._ownership.know(saga, booking)

    def _fold(self, fold: Fold, entry: Read) -> None:
        if entry.resets:
            for (service, _), table in self._tables.items():
                if service == entry.service:
                    fold.empty(entry.pos, table)
        for change in entry.changes:
            place: Place = (self._table(entry, change), change["key"])
            if change["op"] == "truncate":
                fold.empty(entry.pos, place[0])
            elif change["new"] is None:
                fold.take(entry.pos, place)
            else:
                fold.put(entry.pos, place, change["new"], self._owner(change))

    def _owner(self, change: dict[str, Any]) -> Any:
        table, row = change["table"], change["new"]
        return lambda before: self._ownership.of(table, row, _owner_of(before))

    def _table(self, entry: Read, change: dict[str, Any]) -> int:
        return self._tables[entry.service, change["table"]]


def _opened(found: list[tuple[Any, ...]]) -> list[Read]:
    """The first of these entries, with about BATCH_BYTES of rows at most: packed ones are a seventh of what they become."""
    layouts.load(id for row in found for id in row[4] or ())
    opened: list[Read] = []
    size = 0
    for pos, service, changes, packed, named, causes, data in found:
        rows = orjson.loads(changes) if packed is None else []
        if packed:
            messages = unpack(packed)
            size += sum(len(message) for _, message in messages)
            if opened and size > BATCH_BYTES:
                break
            rows = changes_of(messages, layouts.relations(named))
        opened.append(Read(pos, service, rows, causes, data and orjson.loads(data)))
    return opened


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the garbage collector, which would go through a batch's hundred thousand dictionaries again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _owner_of(version: Version | None) -> str | None:
    return version.correlation if version else None


def _changes(entries: list[Read]) -> Iterator[tuple[Read, dict[str, Any]]]:
    for entry in entries:
        for change in entry.changes:
            yield entry, change

"""Folds the changes of one batch of entries into row versions and table hashes. Pure; positions only grow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from messaging.hashing import added, row_text, text_hash

Place = tuple[int, str]
"""(number of the table, key of the row)"""


def octave(length: int) -> int:
    """floor(log2(length)): how long a version lasted, roughly. See models.RowVersion."""
    return length.bit_length() - 1


@dataclass(slots=True)
class Version:
    """A row from `from_pos` until `to_pos` (None: it still is). `row`: as JSON; None for one that is stored already."""

    from_pos: int
    hash: int
    correlation: str | None
    row: bytes | None = None
    to_pos: int | None = None


@dataclass(slots=True)
class Total:
    """Of a table: how many rows, and their additive hash."""

    rows: int = 0
    hash: int = 0


@dataclass(slots=True)
class Fold:
    """`current` holds the stored versions that the batch may close, `totals` each table before the batch.

    Results: `made` (versions to store; one that ends where it begins was never visible), `closed` (stored ones that
    ended), `emptied` (table -> where all its stored rows ended) and `hashes` (table, pos -> total after it).
    """

    current: dict[Place, Version]
    totals: dict[int, Total]
    made: list[tuple[Place, Version]] = field(default_factory=list)
    closed: list[tuple[Place, Version]] = field(default_factory=list)
    emptied: dict[int, int] = field(default_factory=dict)
    hashes: dict[tuple[int, int], Total] = field(default_factory=dict)

    def put(self, pos: int, place: Place, row: dict[str, Any], belongs: Callable[[Version | None], str | None]) -> None:
        """The row has this content from `pos` onwards. `belongs` returns its booking, given the previous row."""
        text = row_text(row)
        before, hashed = self.current.get(place), text_hash(place[1], text)
        total = self.totals.setdefault(place[0], Total())
        if before is None or before.hash != hashed:
            self._end(pos, place)
            self.current[place] = version = Version(pos, hashed, belongs(before), text)
            self.made.append((place, version))
            total.rows += 1
            total.hash = added(total.hash, hashed)
        self._note(pos, place[0])

    def take(self, pos: int, place: Place) -> None:
        """The row is gone from `pos` onwards. A row that was never seen (recording began later) is ignored."""
        self._end(pos, place)
        self._note(pos, place[0])

    def empty(self, pos: int, table: int) -> None:
        """All rows of the table are gone from `pos` onwards."""
        for place in [place for place in self.current if place[0] == table]:
            self._end(pos, place)
        self.emptied.setdefault(table, pos)
        self.totals[table] = Total()
        self._note(pos, table)

    def _end(self, pos: int, place: Place) -> None:
        version = self.current.pop(place, None)
        if version is None:
            return
        total = self.totals[place[0]]
        total.rows -= 1
        total.hash = added(total.hash, -version.hash)
        version.to_pos = pos
        if version.row is None:
            self.closed.append((place, version))

    def _note(self, pos: int, table: int) -> None:
        total = self.totals.setdefault(table, Total())
        self.hashes[table, pos] = Total(total.rows, total.hash)

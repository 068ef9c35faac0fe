"""Plain values that queries of the journal return: entries, and the state that results from a booking's entries. Needs
no Django."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

EntryDict = dict[str, Any]
"""An entry with its rows; see journal.reading.queries.as_dict and journal.packed.rows.opened."""
Kind = Literal["transaction", "observation", "fault"]


@dataclass(frozen=True, slots=True)
class Step:
    """An entry without its rows. `seen`: an observation's own kind ("fault", "rolled back", ...), "" of a transaction."""

    pos: int
    kind: Kind
    service: str
    xid: int | None = None
    lsn: str = ""
    at: datetime | None = None
    title: str = ""
    seen: str = ""
    causes: list[str] = field(default_factory=list)  # message ids
    cause_pos: list[int] = field(default_factory=list)  # entries that emitted them
    cause_known: bool = True
    bookings: list[str] = field(default_factory=list)


Tables = dict[str, dict[str, dict[str, dict[str, Any]]]]
"""service -> table -> key -> row"""


@dataclass(frozen=True, slots=True)
class Cells:
    """What an entry changed in one row: `columns` is column -> (before, after); before is None for an inserted row."""

    service: str
    table: str
    key: str
    op: str
    columns: dict[str, tuple[Any, Any]]


@dataclass(slots=True)
class Story:
    """The state after entry `pos`, what exactly that entry changed, and where previous and next lead."""

    correlation: str
    pos: int = 0
    entry: EntryDict | None = None
    tables: Tables = field(default_factory=dict)
    changed: list[Cells] = field(default_factory=list)
    # (service, table, key) -> who wrote it last
    last: dict[tuple[str, str, str], EntryDict] = field(default_factory=dict)
    previous: int | None = None
    next: int | None = None

"""The messages of a logical replication stream, as values, after PostgreSQL's "Logical Replication Message Formats"."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

Row = dict[str, str | None]
"""Column name -> PostgreSQL's text form of the value, or None for NULL. `python_row` converts it to Python values."""


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    type_oid: int
    in_identity: bool


@dataclass(frozen=True, slots=True)
class Relation:
    """A table as the stream announces it, before its first row and again whenever its definition changes.

    `key` names the primary key's columns (from the catalogue; the protocol itself marks every column of a table with
    REPLICA IDENTITY FULL as identity). `names` (the columns' names in order) and `converters` (column name, function of
    its text; for the columns that are not text) are worked out once here, for the loops over rows. A column whose name in
    `names` is "" is not decoded.
    """

    oid: int
    schema: str
    table: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    names: tuple[str, ...]
    converters: tuple[tuple[str, Callable[[str], Any]], ...] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Begin:
    final_lsn: int
    committed_at: datetime
    xid: int


@dataclass(frozen=True, slots=True)
class Insert:
    relation: Relation
    new: Row


@dataclass(frozen=True, slots=True)
class Update:
    """`old` is the whole row under REPLICA IDENTITY FULL, the old key if the key changed, else None."""

    relation: Relation
    old: Row | None
    new: Row


@dataclass(frozen=True, slots=True)
class Delete:
    """`old` is the whole row under REPLICA IDENTITY FULL, else its key."""

    relation: Relation
    old: Row


@dataclass(frozen=True, slots=True)
class Truncate:
    relations: tuple[Relation, ...]


class RawChange(NamedTuple):
    """A row's change that is not decoded yet: the message as it arrived. `decoding.read_change` decodes it."""

    relation: Relation
    message: bytes


@dataclass(frozen=True, slots=True)
class Commit:
    commit_lsn: int
    end_lsn: int
    committed_at: datetime


@dataclass(frozen=True, slots=True)
class Keepalive:
    """`wal_end`: everything before it has been sent. `reply_requested`: answer now or be disconnected."""

    wal_end: int
    reply_requested: bool


@dataclass(frozen=True, slots=True)
class Note:
    """What `pg_logical_emit_message` wrote into the log; only a transactional one belongs to a transaction.

    `content` may be cut: a note can be as long as a gigabyte.
    """

    transactional: bool
    prefix: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A piece of a transaction that the decoder could not read; `why` holds the error and the first bytes."""

    why: str


RowChange = Insert | Update | Delete
Change = RowChange | Truncate | RawChange
Message = Begin | Relation | Change | Note | Unreadable | Commit | Keepalive


@dataclass(frozen=True, slots=True)
class Transaction:
    """One committed transaction. LSNs are byte positions in the log; `end_lsn` is the one to confirm.

    `changes` are RawChange and Truncate, if the stream was asked for raw ones. `unreadable`: why pieces of it are missing
    from `changes`.
    """

    xid: int
    commit_lsn: int
    end_lsn: int
    committed_at: datetime
    changes: list[Change]
    notes: list[Note] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)


def format_lsn(lsn: int) -> str:
    """PostgreSQL's way to write a log position: two hexadecimal halves, `16/B374D848`."""
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"


def parse_lsn(text: str) -> int:
    """The inverse of `format_lsn`. Raises ValueError for anything else."""
    high, low = text.split("/")
    return int(high, 16) << 32 | int(low, 16)

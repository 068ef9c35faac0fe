"""Bytes of a logical replication stream (pgoutput, protocol version 1) to the values of `messages`. Pure: no socket.

This is the inner loop of every relay and of the recorder. Therefore it has precompiled structs, local names, and one
flat loop per row instead of a reader object.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from struct import Struct

from .messages import (
    Begin,
    Change,
    Column,
    Commit,
    Delete,
    Insert,
    Keepalive,
    Message,
    Note,
    RawChange,
    Relation,
    Row,
    RowChange,
    Transaction,
    Truncate,
    Unreadable,
    Update,
)
from .values import converters_of

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_KEEPALIVE = Struct(">qqB").unpack_from
_BEGIN = Struct(">qqI").unpack_from
_COMMIT = Struct(">Bqqq").unpack_from
_TRUNCATE = Struct(">iB").unpack_from
_COLUMN_TYPE = Struct(">Ii").unpack_from
_OID = Struct(">I").unpack_from
_LENGTH = Struct(">i").unpack_from
_COUNT = Struct(">h").unpack_from

_HEADER = 25  # 'w', then start LSN, end LSN and the server's clock
_NOTE_LONGEST = 64 * 1024  # bytes of a note that are kept
_PIECES_KEPT = 100  # notes and unreadable pieces of one transaction
_NULL, _TEXT, _UNCHANGED = b"n"[0], b"t"[0], b"u"[0]
_NEW, _KEY = b"N"[0], b"K"[0]
_INSERT, _DELETE = b"I"[0], b"D"[0]


class ProtocolError(Exception):
    """The server sent something that this decoder cannot handle; the message's first bytes are in the text."""


class Decoder:
    """Decodes one connection's messages. It remembers the announced tables, so create a new one for each connection.

    `primary_keys`: table OID -> names of its primary key's columns, from the catalogue. For a table that is not in it
    (created since), the key is assumed to be `id`, or else all its columns. `raw`: rows stay as they are, with the table
    that was announced for them.
    """

    def __init__(self, primary_keys: Mapping[int, tuple[str, ...]] | None = None, *, raw: bool = False) -> None:
        self._primary_keys = primary_keys or {}
        self._relations: dict[int, Relation] = {}
        row = self._raw if raw else self._row
        self._decoders: dict[int, Callable[[bytes], Message]] = {
            b"I"[0]: row,
            b"U"[0]: row,
            b"D"[0]: row,
            b"B"[0]: self._begin,
            b"C"[0]: self._commit,
            b"R"[0]: self._relation,
            b"T"[0]: self._truncate,
            b"M"[0]: self._note,
        }

    def decode(self, data: bytes) -> Message | None:
        """One CopyData payload to one message; None for kinds that are not used here (type names, origins). A row,
        table or note that cannot be read is returned as Unreadable: an exception would recur after every restart.
        Raises ProtocolError for anything unknown.
        """
        if data[0] == 0x77:  # 'w': a piece of the log
            message = data[_HEADER:]
            decode = self._decoders.get(message[0])
            if decode is not None:
                try:
                    return decode(message)
                except Exception as error:
                    if message[0] in b"BC":  # without a transaction's ends there is none
                        raise
                    return Unreadable(f"{type(error).__name__}: {error}; it begins {message[:40]!r}")
            if message[0] in b"YO":
                return None
        elif data[0] == 0x6B:  # 'k'
            wal_end, _, reply_requested = _KEEPALIVE(data, 1)
            return Keepalive(wal_end, bool(reply_requested))
        raise ProtocolError(f"unexpected replication message {data[:40]!r}")

    def _begin(self, message: bytes) -> Begin:
        final_lsn, micros, xid = _BEGIN(message, 1)
        return Begin(final_lsn, _EPOCH + timedelta(microseconds=micros), xid)

    def _commit(self, message: bytes) -> Commit:
        _, commit_lsn, end_lsn, micros = _COMMIT(message, 1)
        return Commit(commit_lsn, end_lsn, _EPOCH + timedelta(microseconds=micros))

    def _relation(self, message: bytes) -> Relation:
        (oid,) = _OID(message, 1)
        schema, at = _string(message, 5)
        table, at = _string(message, at)
        (count,) = _COUNT(message, at + 1)  # skips the replica identity setting
        at += 3
        columns = []
        for _ in range(count):
            name, after = _string(message, at + 1)
            type_oid, _ = _COLUMN_TYPE(message, after)
            columns.append(Column(name, type_oid, bool(message[at] & 1)))
            at = after + 8
        names = tuple(column.name for column in columns)
        key = self._primary_keys.get(oid) or (("id",) if "id" in names else names)
        relation = Relation(oid, schema, table, tuple(columns), key, names, converters_of(columns))
        self._relations[oid] = relation
        return relation

    def _row(self, message: bytes) -> RowChange:
        return read_change(self._relations[_OID(message, 1)[0]], message)

    def _raw(self, message: bytes) -> RawChange:
        return RawChange(self._relations[_OID(message, 1)[0]], message)

    def _truncate(self, message: bytes) -> Truncate:
        count, _ = _TRUNCATE(message, 1)
        at = 6
        return Truncate(tuple(self._relations[_OID(message, at + 4 * number)[0]] for number in range(count)))

    def _note(self, message: bytes) -> Note:
        prefix, at = _string(message, 10)  # after the flags and the note's own position
        length = min(_LENGTH(message, at)[0], _NOTE_LONGEST)
        return Note(bool(message[1] & 1), prefix, message[at + 4 : at + 4 + length])


def read_change(relation: Relation, message: bytes) -> RowChange:
    """A row's message (of kind I, U or D), of the table as it was announced before. Raises if it is no such message."""
    kind = message[0]
    if kind == _INSERT:
        return Insert(relation, _row(message, 6, relation.names, None)[0])
    at, old = 5, None
    if message[at] != _NEW:
        old, at = _old_row(message, at, relation)
    if kind == _DELETE:
        return Delete(relation, old or {})
    return Update(relation, old, _row(message, at + 1, relation.names, old)[0])


def _old_row(message: bytes, at: int, relation: Relation) -> tuple[Row, int]:
    row, after = _row(message, at + 1, relation.names, None)
    if message[at] == _KEY:  # the other columns are sent as NULL, which they need not have been
        row = {
            column.name: row[column.name] for column in relation.columns if column.in_identity and column.name in row
        }
    return row, after


def _row(message: bytes, at: int, names: tuple[str, ...], old: Row | None) -> tuple[Row, int]:
    """The row at `at` and where it ends. A TOASTed value that did not change is not sent: only `old` may have it."""
    row: Row = {}
    at += 2
    length = _LENGTH
    for name in names:
        kind = message[at]
        if kind == _TEXT:
            start = at + 5
            at = start + length(message, at + 1)[0]
            if name:
                row[name] = message[start:at].decode()
        else:
            at += 1
            if kind == _NULL:
                if name:
                    row[name] = None
            elif kind != _UNCHANGED:
                raise ProtocolError(f"column {name} is sent as {chr(kind)!r}; only text is asked for")
            elif old is not None and name in old:
                row[name] = old[name]
    return row, at


def _string(data: bytes, at: int) -> tuple[str, int]:
    end = data.index(0, at)
    return data[at:end].decode(), end + 1


class Assembler:
    """Collects a stream's messages into whole transactions."""

    def __init__(self) -> None:
        self._begin: Begin | None = None
        self._changes: list[Change] = []
        self._notes: list[Note] = []
        self._unreadable: list[str] = []

    @property
    def inside(self) -> bool:
        """True while a transaction has begun and its commit has not arrived yet."""
        return self._begin is not None

    def add(self, message: Message) -> Transaction | None:
        """The transaction that `message` completes, or None."""
        kind = type(message)
        if kind is RawChange or kind is Insert or kind is Update or kind is Delete or kind is Truncate:
            self._changes.append(message)  # type: ignore[arg-type]
        elif kind is Begin:
            self._begin, self._changes, self._notes = message, [], []  # type: ignore[assignment]
            self._unreadable = []
        elif isinstance(message, Note):
            if message.transactional and len(self._notes) < _PIECES_KEPT:
                self._notes.append(message)
        elif isinstance(message, Unreadable):
            if len(self._unreadable) < _PIECES_KEPT:
                self._unreadable.append(message.why)
        elif isinstance(message, Commit):
            begin, self._begin = self._begin, None
            if begin is None:
                raise ProtocolError("a commit came without its begin")
            return Transaction(
                begin.xid,
                message.commit_lsn,
                message.end_lsn,
                message.committed_at,
                self._changes,
                self._notes,
                self._unreadable,
            )
        return None

"""One replication connection: opened, started at a position, and used without ever blocking. A thin layer over libpq."""

from __future__ import annotations

import struct
import time
from dataclasses import dataclass
from threading import Thread

import psycopg
from psycopg import pq

from .decoding import Decoder
from .messages import format_lsn, parse_lsn

PG_EPOCH = 946_684_800  # seconds between 1970-01-01 and 2000-01-01
_STATUS = struct.Struct(">cqqqqB").pack
_SLOT = "select confirmed_flush_lsn from pg_replication_slots where slot_name = '{}'"
_PRIMARY_KEYS = b"""
    select i.indrelid, string_agg(a.attname, ',' order by array_position(i.indkey::int2[], a.attnum))
    from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey::int2[])
    where i.indisprimary and i.indrelid >= 16384 group by 1
"""


class ReplicationError(Exception):
    """The server refused or ended the stream; the text is the server's, and so is the SQLSTATE, "" if there is none."""

    def __init__(self, text: str, sqlstate: str = "") -> None:
        super().__init__(text)
        self.sqlstate = sqlstate


def _refusal(result: pq.abc.PGresult | None, otherwise: str) -> ReplicationError:
    text = result.error_message.decode() if result else ""
    state = (result.error_field(pq.DiagnosticField.SQLSTATE) if result else None) or b""
    return ReplicationError(text or otherwise, state.decode())


@dataclass(frozen=True, slots=True)
class Resume:
    """Where to resume: everything up to `lsn` of the database cluster `system_id` is handled. Empty id: any cluster."""

    lsn: int = 0
    system_id: str = ""


class ReplicationConnection:
    """A slot being read. Made by `open_stream`; once broken it raises ReplicationError or psycopg.OperationalError."""

    def __init__(self, pgconn: pq.abc.PGconn, start: Resume, decoder: Decoder, slot_lsn: int = 0) -> None:
        """`slot_lsn`: the position of the slot. The log before it is not sent, whatever was requested."""
        self._pgconn = pgconn
        self.start, self.decoder, self.slot_lsn = start, decoder, slot_lsn

    def fileno(self) -> int:
        return self._pgconn.socket

    def next_message(self) -> bytes | None:
        """The next message that has arrived, or None if the socket has no more for now."""
        size, data = self._pgconn.get_copy_data(1)
        if size == 0:
            self._pgconn.consume_input()
            size, data = self._pgconn.get_copy_data(1)
        if size > 0:
            return bytes(data)
        if size == 0:
            return None
        raise _refusal(self._pgconn.get_result(), "the server ended the stream")

    def send_status(self, lsn: int, *, reply_requested: bool = False) -> None:
        """Report that everything up to `lsn` is handled. Also the answer to a keepalive."""
        now = int((time.time() - PG_EPOCH) * 1_000_000)
        self._pgconn.put_copy_data(_STATUS(b"r", lsn, lsn, lsn, now, reply_requested))
        self._pgconn.flush()

    def close(self) -> None:
        self._pgconn.finish()


def open_stream(
    url: str, slot: str, publication: str, resume: Resume, name: str = "", notes: bool = False, raw: bool = False
) -> ReplicationConnection:
    """Connect and start reading `slot` after `resume`, with its `notes` and with `raw` rows if asked for.

    Blocks for 5 s at most if the host does not answer.
    A `resume` of another cluster (the database was recreated) or past the end of this one's log is not used: reading
    then begins at the slot's position. Raises psycopg.OperationalError (no connection) or ReplicationError (no such
    slot, slot in use, no right to it).
    """
    connection = psycopg.connect(
        url,
        replication="database",
        autocommit=True,
        connect_timeout=5,
        application_name=name or f"wal {slot}",
        options="-c timezone=UTC -c datestyle=ISO",  # values are sent as text: one form whatever the server's settings
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=3,
    )
    pgconn = connection.pgconn
    try:
        system_id, _, log_end, _ = _query(pgconn, b"IDENTIFY_SYSTEM")[0]
        high, low = log_end.split("/")
        if resume.system_id not in ("", system_id) or resume.lsn > int(high, 16) << 32 | int(low, 16):
            resume = Resume()
        primary_keys = {int(oid): tuple(names.split(",")) for oid, names in _query(pgconn, _PRIMARY_KEYS)}
        stands = _query(pgconn, _SLOT.format(slot).encode())
        options = f"proto_version '1', publication_names '{publication}', messages '{str(notes).lower()}'"
        pgconn.send_query(f"START_REPLICATION SLOT {slot} LOGICAL {format_lsn(resume.lsn)} ({options})".encode())
        _await_copy(pgconn)
    except BaseException:
        pgconn.finish()
        raise
    slot_lsn = parse_lsn(stands[0][0]) if stands and stands[0][0] else 0
    return ReplicationConnection(pgconn, Resume(resume.lsn, system_id), Decoder(primary_keys, raw=raw), slot_lsn)


class Attempt(Thread):
    """An attempt to connect. Its thread is a daemon: a process that ends does not wait for a dead host."""

    def __init__(
        self, url: str, slot: str, publication: str, resume: Resume, name: str, notes: bool, raw: bool
    ) -> None:
        super().__init__(name=f"connect {name}", daemon=True)
        self._arguments = (url, slot, publication, resume, name, notes, raw)
        self._abandoned = False
        self.connection: ReplicationConnection | None = None
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self.connection = open_stream(*self._arguments)
            if self._abandoned:
                self.connection.close()
        except (psycopg.Error, ReplicationError, OSError) as error:
            self.error = error

    def abandon(self) -> None:
        self._abandoned = True
        if self.connection is not None:
            self.connection.close()


def _query(pgconn: pq.abc.PGconn, sql: bytes) -> list[list[str]]:
    result = pgconn.exec_(sql)  # the simple protocol: a replication connection supports no other
    if result.status != pq.ExecStatus.TUPLES_OK:
        raise ReplicationError(result.error_message.decode())
    columns = range(result.nfields)
    return [[(result.get_value(row, column) or b"").decode() for column in columns] for row in range(result.ntuples)]


def _await_copy(pgconn: pq.abc.PGconn) -> None:
    result = pgconn.get_result()
    if result is None or result.status != pq.ExecStatus.COPY_BOTH:
        raise _refusal(result, "the server did not start the stream")

"""Runs one statement, in one database, as a read-only role, with limits on time, rows and bytes.

PostgreSQL itself refuses, in its own words: the role owns nothing and may only SELECT, its transactions are READ ONLY,
its statements end after 2 s (see CONSOLE_SETTINGS of control/setup/provision.py). The extended protocol ensures that
there is only one statement, and each run has its own connection, which ends with its settings and locks. Whatever
PostgreSQL does, after DEADLINE_S or past BYTES the connection is closed.
"""

import re
import select
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import BoundedSemaphore
from typing import Any

import psycopg
from psycopg.pq import DiagnosticField, ExecStatus

from topology.tuning import Bytes, Count, Seconds, WholeSeconds

ROWS, COLUMNS, CELL, LONGEST = 200, 60, 1000, 10_000
"""Rows and columns shown, characters of a cell, characters of a statement."""
AT_ONCE: Count = 2  # statements that run at the same time
PATIENCE_S: Seconds = 1.0  # how long a person waits for one of the others to end
CONNECT_S: WholeSeconds = 2  # to connect
DEADLINE_S: Seconds = 5.0
"""The time to connect, and the total. PostgreSQL ends a statement after 2 s where it checks for that; while it copies
memory it does not check.
"""
BYTES = 16 * 1024 * 1024
"""More than the ASCII size of ROWS rows of COLUMNS cells. An error may be very long: it repeats the text that could not
be read."""
AHEAD: Bytes = 256 * 1024  # of an answer, which the system takes in before it is read
RECEIVED = 128
"""The offset of the number of bytes received in Linux's struct tcp_info, 64 bits."""
TOO_LONG = f"The statement did not end within {DEADLINE_S:.0f} s, so its connection was closed."
NO_ANSWER = f"PostgreSQL does not answer: it accepted no connection within {CONNECT_S} s. Try again once it is back."
TOO_LARGE = f"The answer has more than {BYTES // 1024**2} MB, so its connection was closed. Ask for less."
OPTIONS = "-c default_transaction_read_only=on -c statement_timeout=2000 -c bytea_output=hex -c datestyle=iso"
VOID = 2278
FIRST_WORD = re.compile(r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/|\()*([a-z]+)", re.IGNORECASE | re.DOTALL)
ACTING = ("notify", "listen", "unlisten", "vacuum", "analyze", "checkpoint", "load")
"""First words of statements that have effects although a READ ONLY transaction allows them, and that no privilege controls."""
COPIES = (ExecStatus.COPY_OUT, ExecStatus.COPY_IN, ExecStatus.COPY_BOTH)
_slots = BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True, kw_only=True)
class Result:
    """`columns`: (name, type); cells are text, None for NULL, at most CELL characters and an ellipsis. `more`: there were
    more than ROWS rows. `tag`: PostgreSQL's command tag.
    """

    columns: list[tuple[str, str]] = field(default_factory=list)
    rows: list[list[str | None]] = field(default_factory=list)
    more: bool = False
    hidden_columns: int = 0
    tag: str = ""
    took_ms: float = 0


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why there is no result. With a `sqlstate` it is PostgreSQL's message, otherwise ours. `position`: the character
    of the statement concerned, from 1; 0 for none. `away`: the server could not be reached, or has not answered in
    time.
    """

    message: str
    sqlstate: str = ""
    detail: str = ""
    hint: str = ""
    position: int = 0
    away: bool = False


def run(url: str, statement: str) -> Result | Refusal:
    """Run a statement at the database of `url` (a libpq URL). Never raises for anything that a person can type."""
    said = _impossible(statement)
    if said:
        return Refusal(message=said)
    if not _slots.acquire(timeout=PATIENCE_S):
        return Refusal(message=f"The console runs {AT_ONCE} statements at a time, and it is busy. Try again.")
    deadline = time.monotonic() + DEADLINE_S
    try:
        with _session(url) as connection:
            return _Run(connection, statement, deadline).result()
    except psycopg.errors.ConnectionTimeout:
        return Refusal(message=NO_ANSWER, away=True)
    except psycopg.Error as error:  # it cannot be reached, or the connection was lost
        return Refusal(message=str(error).strip() or type(error).__name__, sqlstate=error.sqlstate or "", away=True)
    finally:
        _slots.release()


def _impossible(statement: str) -> str:
    if not statement.strip(" \t\r\n;"):
        return "Write a statement first."
    if len(statement) > LONGEST:
        return f"A statement has at most {LONGEST:,} characters here; this one has {len(statement):,}."
    if "\x00" in statement or any("\ud800" <= character <= "\udfff" for character in statement):
        return "The statement has a character that no PostgreSQL text can have (a zero byte, or half a character)."
    return ""


@contextmanager
def _session(url: str) -> Iterator[Any]:
    connection = psycopg.connect(
        url, autocommit=True, connect_timeout=CONNECT_S, options=OPTIONS, application_name="sagabox-console"
    )
    try:
        # The operating system may receive tens of MB ahead of us.
        with socket.fromfd(connection.fileno(), socket.AF_INET, socket.SOCK_STREAM) as line:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, AHEAD)
        yield connection.pgconn
    finally:
        connection.close()


class _Refused(Exception):
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


class _Run:
    """Prepares the statement unchanged, so that PostgreSQL checks it; then runs it inside one that limits rows and
    cells. A limit on rows alone would not be enough: a single cell may have a gigabyte, which the web process would
    have to receive.
    """

    def __init__(self, pgconn: Any, statement: str, deadline: float) -> None:
        self._pgconn, self._statement, self._deadline = pgconn, statement, deadline

    def result(self) -> Result | Refusal:
        began = time.monotonic()
        try:
            found = self._found()
        except _Refused as refused:
            return refused.refusal
        shown = _shown(found.rows)
        took = round((time.monotonic() - began) * 1000, 1)
        return Result(**{**vars(found), "rows": shown[:ROWS], "more": len(shown) > ROWS, "took_ms": took})

    def _found(self) -> Result:
        word = FIRST_WORD.match(self._statement)
        if word and word[1].lower() in ACTING:
            raise _Refused(
                Refusal(message=f"{word[1].upper()} acts on the server. This console is read-only; use SELECT.")
            )
        described = self._prepared(self._statement)
        count = described.nfields
        if not count:
            return Result(tag=self._checked(self._executed(self._statement)).command_status.decode())
        types = [(described.ftype(number), described.fmod(number)) for number in range(min(count, COLUMNS))]
        names = [described.fname(number).decode() for number in range(min(count, COLUMNS))]
        columns = list(zip(names, self._type_names(types), strict=True))
        sql, offset = self._bounded(types, count)
        answer = self._checked(self._executed(sql), offset)
        rows = [
            [answer.get_value(row, column) for column in range(min(answer.nfields, COLUMNS))]
            for row in range(min(answer.ntuples, ROWS + 1))
        ]
        return Result(columns=columns, rows=rows, hidden_columns=max(count - COLUMNS, 0), tag="SELECT")

    def _bounded(self, types: list[tuple[int, int]], count: int) -> tuple[str, int]:
        """The statement inside a limiting one, and the offset that this adds; unchanged if it cannot be embedded."""
        cells = ", ".join(
            "''" if oid == VOID else f"left(c{number}::text, {CELL + 1})" for number, (oid, _) in enumerate(types)
        )
        head = f"select {cells} from (\n"
        names = ", ".join(f"c{number}" for number in range(count))
        body = self._statement.rstrip(" ;\t\r\n")
        fenced = f"{head}{body}\n) as q({names}) limit {ROWS + 1}"
        try:
            self._prepared(fenced, len(head))
        except _Refused:
            word = FIRST_WORD.match(self._statement)
            if word and word[1].lower() in ("select", "values", "table", "with"):
                raise
            return self._statement, 0  # EXPLAIN, SHOW: short answers; INSERT and the like: refused before they answer
        return fenced, len(head)

    def _prepared(self, sql: str, offset: int = 0) -> Any:
        self._pgconn.send_prepare(b"", sql.encode())
        self._checked(self._answer(), offset)
        self._pgconn.send_describe_prepared(b"")
        return self._checked(self._answer(), offset)

    def _executed(self, sql: str) -> Any:
        self._pgconn.send_query_params(sql.encode(), [])
        return self._answer()

    def _answer(self) -> Any:
        """PostgreSQL's answer. Raises _Refused if it takes too long or is too large."""
        found = None
        while True:
            while self._pgconn.is_busy():
                left = self._deadline - time.monotonic()
                if left <= 0 or not select.select([self._pgconn.socket], [], [], left)[0]:
                    raise _Refused(Refusal(message=TOO_LONG, away=True))
                # libpq reads for as long as data arrives, and copies an error several times once it is complete: so the
                # check is in between.
                self._pgconn.consume_input()
                if _received(self._pgconn.socket) > BYTES:
                    raise _Refused(Refusal(message=TOO_LARGE))
            result = self._pgconn.get_result()
            if result is None:
                return found
            found = result
            if result.status in COPIES:
                return result

    def _type_names(self, types: list[tuple[int, int]]) -> list[str]:
        pairs = ", ".join(f"format_type({oid}, {modifier})" for oid, modifier in types)
        answer = self._checked(self._executed(f"select {pairs}"))
        return [answer.get_value(0, number).decode() for number in range(len(types))]

    def _checked(self, answer: Any, offset: int = 0) -> Any:
        """The answer, unless it is a refusal. `offset`: characters of ours before the statement."""
        if answer.status in COPIES:
            raise _Refused(
                Refusal(message="COPY moves data in or out of a database. This console is read-only; use SELECT.")
            )
        if answer.status == ExecStatus.EMPTY_QUERY:
            raise _Refused(Refusal(message="There are only comments in it. Write a statement."))
        if answer.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
            raise _Refused(_refusal(answer, offset))
        return answer


def _received(descriptor: int) -> int:
    """Bytes received on this TCP connection; 0 if the system does not report them."""
    try:
        with socket.fromfd(descriptor, socket.AF_INET, socket.SOCK_STREAM) as line:
            received = line.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, RECEIVED + 8)
    except (OSError, AttributeError):
        return 0
    return int(struct.unpack_from("Q", received, RECEIVED)[0]) if len(received) == RECEIVED + 8 else 0


def _refusal(answer: Any, offset: int) -> Refusal:
    def field(which: DiagnosticField) -> str:
        text = (answer.error_field(which) or b"").decode(errors="replace")
        return text if len(text) <= CELL else f"{text[:CELL]}…"

    position = int(field(DiagnosticField.STATEMENT_POSITION) or 0)
    return Refusal(
        message=field(DiagnosticField.MESSAGE_PRIMARY) or "the connection was lost",
        sqlstate=field(DiagnosticField.SQLSTATE),
        detail=field(DiagnosticField.MESSAGE_DETAIL),
        hint=field(DiagnosticField.MESSAGE_HINT),
        position=max(position - offset, 0),
    )


def _shown(rows: list[list[Any]]) -> list[list[str | None]]:
    return [[None if cell is None else _cut(cell.decode(errors="replace")) for cell in row] for row in rows]


def _cut(text: str) -> str:
    return text if len(text) <= CELL else f"{text[:CELL]}…"

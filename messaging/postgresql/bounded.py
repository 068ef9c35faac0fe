"""A PostgreSQL connection that waits only a limited time for an answer. `statement_timeout` cannot do that: it has no
effect on a server that is frozen, or behind a network that drops everything.

    be_patient(3.0)             # this process, from now on
    with patience(60): ...      # for statements that take long, in this thread or task
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Self

import psycopg
from psycopg import errors

from topology.tuning import Seconds

CHECK_S: Seconds = 1.0  # how long a pool waits for a connection to prove that it is alive
SILENT_S: Seconds = 1.0  # how long other callers skip a server that did not answer
_asked: ContextVar[float | None] = ContextVar("patience", default=None)
_process: list[float | None] = [None]
_silent_until: dict[tuple[str, int], float] = {}


def be_patient(seconds: float | None) -> None:
    """Limit every statement of this process to so many seconds; None: no limit."""
    _process[0] = seconds


@contextmanager
def patience(seconds: float | None) -> Iterator[None]:
    """Set another limit for the statements in the block."""
    token = _asked.set(seconds)
    try:
        yield
    finally:
        _asked.reset(token)


def is_silent(host: str, port: int) -> bool:
    """Whether a caller has just waited in vain for this server. A page makes several requests, and waits once."""
    return time.monotonic() < _silent_until.get((host, port), 0.0)


class NoAnswerError(psycopg.OperationalError):
    """The server did not answer within the limit. The connection is closed; the statement's outcome is unknown."""


class BoundedConnection(psycopg.Connection[Any]):
    """Raises NoAnswerError where psycopg would wait on."""

    @classmethod
    def connect(cls, conninfo: str = "", **options: Any) -> Self:
        server = str(options.get("host")), int(options.get("port") or 0)
        try:
            connection = super().connect(conninfo, **options)
        except errors.ConnectionTimeout:
            _silent_until[server] = time.monotonic() + SILENT_S
            raise
        _silent_until.pop(server, None)
        return connection

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        asked = _asked.get()
        bound = asked if asked is not None else _process[0]
        try:
            return super().wait(gen, interval, bound)
        except errors._WaitTimeout as error:
            _silent_until[self.info.host, self.info.port] = time.monotonic() + SILENT_S
            self.pgconn.finish()  # it is in the middle of something, and cannot be used again
            raise NoAnswerError(f"no answer from PostgreSQL within {bound:g} s") from error

    def execute(self, query: Any, *args: Any, **options: Any) -> Any:
        if query != "":
            return super().execute(query, *args, **options)
        with patience(CHECK_S):  # a pool's look whether it is alive
            return super().execute(query, *args, **options)

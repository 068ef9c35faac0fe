"""Decides in one place whether an error is an outage, and logs each outage once, and its end once.

SQLSTATE decides, not the exception's class: Django raises InternalError for a database that is read-only, OperationalError for
a value that is too large for an index, and ProgrammingError for a table that a migration has not made yet.
"""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

import psycopg
from django.db import Error, InterfaceError, OperationalError
from redis import RedisError
from redis import exceptions as redis_errors

log = logging.getLogger(__name__)
T = TypeVar("T")


# Passing: the same statement may succeed later, and no other would succeed now. 08 connection, 40 lost a race
# (deadlock, serialization), 53 resources (memory, disk, connections), 55 not in the state for it (locked, in use, not
# accepting), 57 an operator or a shutdown intervened, 58 input and output; 25006 read-only, also while in recovery;
# 25P03 and 25P04 time-outs of a whole transaction.
PASSING = ("08", "40", "53", "55", "57", "58", "25006", "25P03", "25P04")
# Errors that the content of a message can cause: 21 and 22 values, 23 constraints, 44 check options, 54 limits, P0
# raised by a function. No other error is the message's fault: a missing table or right (42), corrupted data (XX), and
# so on.
CAUSED_BY_CONTENT = ("21", "22", "23", "44", "54", "P0")
LOCKED = "55P03"
_DRIVER = (Error, psycopg.Error)
_UNREACHABLE = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)
_REDIS_AWAY = (
    redis_errors.ConnectionError, redis_errors.TimeoutError, redis_errors.ReadOnlyError, redis_errors.OutOfMemoryError,
    redis_errors.ClusterDownError, redis_errors.TryAgainError,
)  # fmt: skip
_REDIS_SAYS = ("BUSY", "LOADING", "MISCONF", "NOREPLICAS", "MASTERDOWN", "READONLY", "OOM", "UNKILLABLE")
"""Refusals by Redis itself, independent of the command; the first word of its answer."""


class CommitUnknownError(OperationalError):
    """The connection was lost, or no answer came, while the transaction was being committed: it may have been, or not."""


def sqlstate(error: BaseException) -> str:
    """PostgreSQL's code, also of an error that Django has wrapped; "" if the server did not answer."""
    for one in (error, error.__cause__):
        if state := getattr(one, "sqlstate", None):
            return str(state)
    return ""


def is_passing(error: BaseException) -> bool:
    """Whether a server is down, cannot work for a while, or we lost a race in it: worth waiting for, and a 503."""
    if isinstance(error, RedisError):
        return isinstance(error, _REDIS_AWAY) or str(error).partition(" ")[0] in _REDIS_SAYS
    if not isinstance(error, _DRIVER):
        return False
    state = sqlstate(error)
    return state.startswith(PASSING) if state else isinstance(error, _UNREACHABLE)


def is_locked(error: BaseException) -> bool:
    """Whether a statement waited for a lock longer than `lock_timeout` allows."""
    return isinstance(error, _DRIVER) and sqlstate(error) == LOCKED


def is_away(error: BaseException) -> bool:
    """Whether it is passing and concerns every client of that server; a lost race and a lock concern one transaction."""
    return is_passing(error) and not sqlstate(error).startswith(("40", LOCKED))


def may_be_caused_by_content(error: BaseException) -> bool:
    """Whether the message itself may be the cause. False for an error that every other message would get as well."""
    if isinstance(error, _DRIVER):
        state = sqlstate(error)
        return state.startswith(CAUSED_BY_CONTENT) if state else not isinstance(error, _UNREACHABLE)
    return not isinstance(error, RedisError | OSError | MemoryError)


def patiently(work: Callable[[], T], seconds: float, between: Callable[[], object] = lambda: None) -> T:
    """The result of `work()`, which is called again for up to `seconds` while it raises a passing error, each time
    after `between()`."""
    give_up, pause = time.monotonic() + seconds, 0.05
    while True:
        try:
            return work()
        except Exception as error:
            if not is_passing(error) or time.monotonic() > give_up:
                raise
            between()
            time.sleep(pause)
            pause = min(pause * 2, 1.0)


class Outage:
    """The outages of one dependency: the first failure is logged, its repetitions are not.

    `failures` counts the failures in a row, for a backoff.
    """

    def __init__(self, what: str) -> None:
        self.what = what
        self.failures = 0

    def failed(self, error: Exception) -> None:
        if not self.failures:
            said = "%s: somebody else holds a lock, trying on: %s" if is_locked(error) else "%s is away, trying on: %s"
            log.warning(said, self.what, error)
        self.failures += 1

    def over(self) -> bool:
        """Note a success; True if it ends an outage."""
        if not self.failures:
            return False
        log.info("%s is back after %d failures", self.what, self.failures)
        self.failures = 0
        return True

    def pause(self, first: float, longest: float) -> float:
        """Seconds to wait before the next try: doubling from `first` to `longest`."""
        return min(first * 2.0 ** min(max(self.failures - 1, 0), 16), longest)

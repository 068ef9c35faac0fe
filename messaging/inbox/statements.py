"""The SQL that a local transaction ran, kept for an hour to be looked at. Best effort.

Only for a message that ran alone, and only a few a second: under load nobody could read them, and each costs two round
trips.

    with db.atomic(), Statements.of(db, envelopes) as statements:
        ...                                # the work
    statements.keep(redis)                 # committed: the journal will have an entry with this xid
"""

from __future__ import annotations

import json
import logging
import time
import zlib
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any, Self

from django.db import connections
from redis import Redis, RedisError

from messaging.database import Database
from topology.tuning import WholeSeconds

KEPT_S: WholeSeconds = 3600  # how long the SQL of a transaction is kept
MOST, SQL_LENGTH, PARAMETER_LENGTH, PARAMETERS = 40, 4000, 400, 12  # what one transaction may keep
log = logging.getLogger(__name__)


class Statements:
    """A transaction's statements: {"sql", "params", "rows", "ms"} each. If they are not wanted, it does nothing."""

    def __init__(self, alias: str, wanted: bool) -> None:
        self._alias, self._wanted = alias, wanted
        self._xid: int | None = None
        self._found: list[dict[str, Any]] = []
        self._undo = ExitStack()

    @classmethod
    def of(cls, db: Database, envelopes: Sequence[object]) -> Self:
        """Of a raw connection, which Django does not know, nothing is kept."""
        return cls(db.alias, wanted=len(envelopes) == 1 and bool(db.alias) and _ALLOWANCE.take())

    def __enter__(self) -> Self:
        if self._wanted:
            self._undo.enter_context(connections[self._alias].execute_wrapper(self._run))
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._undo.close()
        if self._wanted and kind is None:
            self._xid = self._ask_xid()

    def keep(self, redis: Redis) -> None:
        """After the commit. Never raises: the work is done."""
        if self._xid is None or not self._found:
            return
        try:
            redis.set(key(self._alias, self._xid), zlib.compress(json.dumps(self._found).encode(), 1), ex=KEPT_S)
        except RedisError as error:
            log.debug("statements not kept: %s", error)

    def _run(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
        began = time.perf_counter()
        result = execute(sql, params, many, context)
        if len(self._found) < MOST:
            self._found.append(
                {
                    "sql": str(sql)[:SQL_LENGTH],
                    "params": [_short(one) for one in list(params or ())[:PARAMETERS]],
                    "rows": context["cursor"].rowcount,
                    "ms": round((time.perf_counter() - began) * 1000, 2),
                }
            )
        return result

    def _ask_xid(self) -> int | None:
        """The transaction's own id, if it wrote anything; asked through the driver, so that it does not count as a
        statement."""
        raw = connections[self._alias].connection
        row = raw.execute("select pg_current_xact_id_if_assigned()::text").fetchone()
        return int(row[0]) if row and row[0] else None


class Allowance:
    """How often this process may keep statements: `burst` times at once, and then `rate` times a second."""

    def __init__(self, burst: int, rate: float) -> None:
        self._burst, self._rate = burst, rate
        self._left, self._at = float(burst), time.monotonic()

    def take(self) -> bool:
        now = time.monotonic()
        self._left, self._at = min(self._burst, self._left + (now - self._at) * self._rate), now
        if self._left < 1:
            return False
        self._left -= 1
        return True


_ALLOWANCE = Allowance(burst=40, rate=4)  # a whole booking or two at once; then one now and then


def key(alias: str, xid: int) -> str:
    return f"statements:{alias}:{xid}"


def kept(redis: Redis, alias: str, xid: int | None) -> list[dict[str, Any]]:
    """The statements of a transaction, in order; [] if they were not kept, have expired, or Redis is down."""
    try:
        raw: Any = redis.get(key(alias, xid)) if xid else None
        return json.loads(zlib.decompress(raw)) if raw else []
    except (RedisError, zlib.error, ValueError):
        return []


def _short(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= PARAMETER_LENGTH else text[: PARAMETER_LENGTH - 1] + "…"

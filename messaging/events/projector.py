"""A projector: applies the events of its view's sources, rows and checkpoints in one transaction."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from redis import Redis, RedisError

from faults import Alive, Mechanism, Plan, Point
from messaging.events.checkpoints import Checkpoints
from messaging.events.cursor import Cursor
from messaging.events.follow import CursorsMovedError
from messaging.events.view import View
from messaging.inbox.statements import Statements
from messaging.strikes import strike
from topology.tuning import Seconds

LOCK_S: Seconds = 1.0
"""The longest wait for a row that another transaction has locked, as in the services' databases: then the projector
reports that it waits, and tries again.
"""
Envelopes = Sequence[dict[str, Any]]


class Projector:
    """The `load`, `apply` and `check` of messaging.events.follow for one view, in the database of its `checkpoints`.

    `injected` is what the fault plan demands. With the sequence check switched off, duplicate or reordered events make
    the view wrong, which shows what the check prevents.
    """

    def __init__(self, view: View, checkpoints: Checkpoints, injected: "Injected | None" = None) -> None:
        self.view = view
        self._checkpoints, self._db = checkpoints, checkpoints.db
        self._injected = injected
        self._saved: dict[str, Cursor] = {}

    def load(self) -> list[Cursor]:
        """The view's saved cursors; new ones for sources never read."""
        with self._db.atomic():
            self._limit_locks()
            self._checkpoints.ensure(self.view.sources)
            self._saved = self._checkpoints.lock()
        return list(self._saved.values())

    def apply(self, envelopes: Envelopes, cursors: Sequence[Cursor], behind: dict[str, int]) -> None:
        """Write rows and cursors, or neither. Raises CursorsMovedError if another writer moved the checkpoints."""
        check = self._injected is None or self._injected.before(envelopes)
        concerning = [envelope for envelope in envelopes if self.view.concerns(envelope)]
        with self._db.atomic(), Statements.of(self._db, envelopes if self._injected else ()) as statements:
            self._limit_locks()
            self._raise_if_moved(self._checkpoints.lock())
            changed = self.view.write(self._db, concerning, check=check)
            self._checkpoints.save(
                cursors,
                applied=Counter(_source(envelope) for envelope in concerning),
                times={_source(envelope): envelope.get("time") for envelope in concerning} if changed else {},
                behind=behind,
            )
        if self._injected is not None:
            self._injected.keep(statements)
            self._injected.committed(envelopes)
        self._saved = self._saved | {cursor.source: cursor for cursor in cursors}

    def check(self) -> None:
        """Raises CursorsMovedError if another writer, such as a rebuild, moved the checkpoints."""
        self._raise_if_moved(self._checkpoints.read())

    def _raise_if_moved(self, saved: dict[str, Cursor]) -> None:
        if saved != self._saved:
            raise CursorsMovedError(f"the checkpoints of view {self.view.name} were moved; resuming from them")

    def _limit_locks(self) -> None:
        self._db.run(f"set local lock_timeout = {round(LOCK_S * 1000)}")


class Injected:
    """The fault plan at the points of one service's projector. While Redis is down it keeps its last content.

    `alive()` is called while a fault holds the projector; False ends that.
    """

    def __init__(self, redis: Redis, service: str, program: str, alive: Alive = lambda: True) -> None:
        self._plan, self._alive = Plan(redis, service, program), alive

    def before(self, envelopes: Envelopes) -> bool:
        """Before any row is written. Returns whether the sequence check is on."""
        with suppress(RedisError):
            self._plan.refresh()
            self._strike(Point.PROJECTOR_BEFORE, envelopes)
        return not self._plan.disabled(Mechanism.SEQUENCE_CHECK)

    def keep(self, statements: Statements) -> None:
        statements.keep(self._plan.redis)

    def committed(self, envelopes: Envelopes) -> None:
        with suppress(RedisError):
            self._strike(Point.PROJECTOR_COMMITTED, envelopes)

    def _strike(self, point: Point, envelopes: Envelopes) -> None:
        for envelope in envelopes if self._plan.armed else ():
            strike(self._plan, point, envelope, self._alive)


def _source(envelope: dict[str, Any]) -> str:
    return str(envelope["source"]).strip("/")

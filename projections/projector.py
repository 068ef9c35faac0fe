"""A projector: applies the events of its view's sources, rows and checkpoints in one transaction."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from redis import Redis, RedisError

from faults import Alive, Mechanism, Plan, Point
from messaging.events.cursor import Cursor
from messaging.events.follow import CursorsMovedError
from messaging.inbox.statements import Statements
from messaging.strikes import strike
from projections import checkpoints
from projections.database import PROJECTIONS
from projections.views import View

LOCK_S = 1.0
"""The longest wait for a row that another transaction has locked, as in the services' databases: then the projector
reports that it waits, and tries again.
"""
Envelopes = Sequence[dict[str, Any]]


class Projector:
    """The `load` and `apply` of messaging.events.follow for one view.

    `injected` is what the fault plan demands. With the sequence check switched off, duplicate or reordered events make
    the view wrong, which shows what the check prevents.
    """

    def __init__(self, view: View, injected: "Injected | None" = None) -> None:
        self.view = view
        self._injected = injected
        self._saved: dict[str, Cursor] = {}

    def load(self) -> list[Cursor]:
        """The view's saved cursors; new ones for sources never read."""
        with PROJECTIONS.atomic():
            _limit_locks()
            checkpoints.ensure(self.view.name, self.view.sources)
            self._saved = checkpoints.lock(self.view.name)
        return list(self._saved.values())

    def apply(self, envelopes: Envelopes, cursors: Sequence[Cursor], behind: dict[str, int]) -> None:
        """Write rows and cursors, or neither. Raises CursorsMovedError if a rebuild moved the view's checkpoints."""
        check = self._injected is None or self._injected.before(envelopes)
        with PROJECTIONS.atomic(), Statements.of(PROJECTIONS, envelopes) as statements:
            _limit_locks()
            if checkpoints.lock(self.view.name) != self._saved:
                raise CursorsMovedError(f"view {self.view.name} was rebuilt; resuming from its checkpoints")
            changed = self.view.write(envelopes, check=check)
            checkpoints.save(
                self.view.name,
                cursors,
                applied=Counter(_source(envelope) for envelope in envelopes),
                times={_source(envelope): envelope["time"] for envelope in envelopes} if changed else {},
                behind=behind,
            )
        if self._injected is not None:
            self._injected.keep(statements)
            self._injected.committed(envelopes)
        self._saved = self._saved | {cursor.source: cursor for cursor in cursors}

    def check(self) -> None:
        """Raises CursorsMovedError if a rebuild moved the view's checkpoints."""
        if checkpoints.read(self.view.name) != self._saved:
            raise CursorsMovedError(f"view {self.view.name} was rebuilt; resuming from its checkpoints")


class Injected:
    """The fault plan at a projector's points. While Redis is down it keeps its last content. `alive()` is called while
    a fault holds the projector; False ends that.
    """

    def __init__(self, redis: Redis, program: str, alive: Alive = lambda: True) -> None:
        self._plan, self._alive = Plan(redis, "projections", program), alive

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


def _limit_locks() -> None:
    PROJECTIONS.run(f"set local lock_timeout = {round(LOCK_S * 1000)}")


def _source(envelope: dict[str, Any]) -> str:
    return str(envelope["source"]).strip("/")

"""A projector: applies the events of its view's sources, rows and checkpoints in one transaction."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from django.db import transaction
from redis import Redis, RedisError

from faults import Mechanism, Plan
from messaging.cursor import Cursor
from messaging.follow import CursorsMovedError
from projections import checkpoints
from projections.upsert import ALIAS
from projections.views import View

Envelopes = Sequence[dict[str, Any]]


class Projector:
    """The `load` and `apply` of messaging.follow for one view.

    `check()` says whether the sequence check is on. Switched off, events doubled or out of order make the view wrong:
    that is what it is there for.
    """

    def __init__(self, view: View, check: Callable[[], bool] = lambda: True) -> None:
        self.view = view
        self._check = check
        self._saved: dict[str, Cursor] = {}

    def load(self) -> list[Cursor]:
        """The view's saved cursors; new ones for sources never read."""
        with transaction.atomic(using=ALIAS):
            checkpoints.ensure(self.view.name, self.view.sources)
            self._saved = checkpoints.lock(self.view.name)
        return list(self._saved.values())

    def apply(self, envelopes: Envelopes, cursors: Sequence[Cursor], behind: dict[str, int]) -> None:
        """Write rows and cursors, or neither. Raises CursorsMovedError if somebody else moved the view's checkpoints."""
        with transaction.atomic(using=ALIAS):
            if checkpoints.lock(self.view.name) != self._saved:
                raise CursorsMovedError(f"view {self.view.name} was rebuilt; going on from its checkpoints")
            changed = self.view.write(envelopes, check=self._check())
            checkpoints.save(
                self.view.name,
                cursors,
                applied=Counter(_source(envelope) for envelope in envelopes),
                times={_source(envelope): envelope["time"] for envelope in envelopes} if changed else {},
                behind=behind,
            )
        self._saved = self._saved | {cursor.source: cursor for cursor in cursors}


def sequence_check(redis: Redis) -> Callable[[], bool]:
    """Whether the fault plan leaves the sequence check on; while Redis is away, what it said last."""
    plan = Plan(redis, "projections")

    def is_on() -> bool:
        with suppress(RedisError):
            plan.refresh()
        return not plan.disabled(Mechanism.SEQUENCE_CHECK)

    return is_on


def _source(envelope: dict[str, Any]) -> str:
    return str(envelope["source"]).strip("/")

"""Throwing a view away and making it again from the services' event logs, whether or not its projector runs meanwhile.

A running projector notices that its checkpoints were moved and goes on from them; both then write the same rows, each only
if newer. The two share the way: what one has read, the other's checkpoint counts as read.
"""

import logging
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from typing import Any

from django.db import (
    DatabaseError,
    DataError,
    Error,
    IntegrityError,
    connections,
    transaction,
)

from messaging.catch_up import EventApi, EventApiError, Page
from messaging.cursor import UNKNOWN
from messaging.envelope import check
from messaging.outage import is_passing
from messaging.skipped import SkippedEvents
from projections import checkpoints
from projections.models import DeadLetter
from projections.upsert import ALIAS
from projections.views import View

log = logging.getLogger(__name__)

UNDIGESTIBLE = (KeyError, TypeError, ValueError, DataError, IntegrityError)
RETRY_S = 0.2
PATIENCE_S = 60.0  # how long to wait for an event API that is away, or for a transaction that does not end


class RebuildError(RuntimeError):
    """The rebuild did not finish; the view is incomplete until its projector has caught up. The text says why."""


@dataclass(frozen=True, kw_only=True)
class Rebuilt:
    """What a rebuild did: events read, by source and in all, those skipped as senseless, and the time it took."""

    view: str
    events: int
    sources: dict[str, int]
    skipped: int
    seconds: float

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def rebuild(view: View, apis: Mapping[str, EventApi], patience: float = PATIENCE_S) -> Rebuilt:
    """Delete the view's rows, then apply every event of its sources. Raises RebuildError."""
    began = time.monotonic()
    counts: Counter[str] = Counter()
    skipped = 0
    with _alone(view):
        with transaction.atomic(using=ALIAS):
            checkpoints.ensure(view.name, view.sources)
            checkpoints.lock(view.name)
            view.clear()
            checkpoints.reset(view.name)
        for source in view.sources:
            for page, owed in _pages(apis[source], patience):
                skipped += _apply(view, source, page, owed)
                counts[source] += len(page.events)
    return Rebuilt(
        view=view.name,
        events=counts.total(),
        sources={source: counts[source] for source in view.sources},
        skipped=skipped,
        seconds=round(time.monotonic() - began, 3),
    )


def _pages(api: EventApi, patience: float) -> Iterator[tuple[Page, int]]:
    """The source's event log up to now: pages, each with the transaction up to which it has to be read."""
    horizon, owed = 0, UNKNOWN
    give_up = time.monotonic() + patience
    while horizon < owed:
        try:
            page = api.page(horizon)
        except EventApiError as error:
            _wait(give_up, str(error))
            continue
        owed = page.xmax if owed == UNKNOWN else owed
        yield page, owed
        if page.horizon > horizon:
            give_up = time.monotonic() + patience
        elif page.horizon < owed:
            _wait(give_up, f"a transaction of {api.source} (xid {page.horizon}) does not end")
        horizon = page.horizon


def _wait(give_up: float, why: str) -> None:
    if time.monotonic() > give_up:
        raise RebuildError(why)
    time.sleep(RETRY_S)


def _apply(view: View, source: str, page: Page, owed: int) -> int:
    """Write a page and its checkpoint; return how many of its events had to be skipped. A bad event costs only itself."""
    try:
        with transaction.atomic(using=ALIAS):
            cursor = checkpoints.lock(view.name)[source]
            skipped = _write(view, page.events)
            merged = replace(
                cursor,
                horizon=max(cursor.horizon, page.horizon),
                owed=owed if cursor.owed == UNKNOWN else max(cursor.owed, owed),
            )
            applied = len(page.events) - skipped
            checkpoints.save(view.name, [merged], applied={source: applied}, times={}, behind={})
    except Error as error:
        if not is_passing(error):
            raise
        raise RebuildError(f"the database of the projections went away: {error}") from error
    return skipped


def _write(view: View, events: list[Any]) -> int:
    try:
        with transaction.atomic(using=ALIAS):
            view.write([check(event) for event in events])
        return 0
    except UNDIGESTIBLE as error:
        if len(events) == 1:
            log.error("rebuild of %s: skipped an event: %r: %.500s", view.name, error, events[0])
            where = f"rebuild of {view.name}"
            SkippedEvents(DeadLetter, view.program).record(events[0], where, error)
            return 1
    return sum(_write(view, [event]) for event in events)


@contextmanager
def _alone(view: View) -> Iterator[None]:
    """One rebuild of a view at a time: a second would delete rows that the first counts as read."""
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(hashtext('rebuild'), hashtext(%s))", [view.name])
        (taken,) = cursor.fetchone()
        if not taken:
            raise RebuildError(f"view {view.name} is being rebuilt by somebody else")
        try:
            yield
        finally:
            with suppress(DatabaseError):  # a lost connection has given the lock back already
                cursor.execute("select pg_advisory_unlock(hashtext('rebuild'), hashtext(%s))", [view.name])

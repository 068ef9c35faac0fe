"""Rebuilds a view, or a replica, from the services' event logs, in separate tables, whether or not its projector runs.

Only a complete result replaces the view's, in one transaction: a rebuild that cannot be finished (a source is down, one
of its transactions does not end) changes nothing. A running projector notices that its checkpoints were moved and
resumes from them.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import Any

from django.db import DataError, Error, IntegrityError

from messaging.database import Database
from messaging.envelope import check
from messaging.events.catch_up import EventApi, EventApiError, Page
from messaging.events.checkpoints import Checkpoints
from messaging.events.cursor import UNKNOWN, Cursor
from messaging.events.skipped import SkippedEvents
from messaging.events.upsert import Table
from messaging.events.view import View
from messaging.process.outage import is_passing
from topology.tuning import Seconds

log = logging.getLogger(__name__)

UNDIGESTIBLE = (KeyError, TypeError, ValueError, DataError, IntegrityError)
RETRY_S: Seconds = 0.2  # between two attempts
LOCKED_S: Seconds = 5.0  # how long the projector may be kept waiting for a transaction to end
PATIENCE_S: Seconds = 60.0  # how long to wait for an event API that is down, or for a transaction that does not end


class RebuildError(RuntimeError):
    """The rebuild did not finish, and the view is unchanged. The text says why."""


@dataclass(frozen=True, kw_only=True)
class Rebuilt:
    """The result of a rebuild: events read, by source and in total, those skipped as invalid, and the time it took."""

    view: str
    events: int
    sources: dict[str, int]
    skipped: int
    seconds: float

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def rebuild(
    view: View,
    saved: Checkpoints,
    skipped: SkippedEvents,
    apis: Mapping[str, EventApi],
    patience: float = PATIENCE_S,
    beat: Callable[[], None] = lambda: None,
) -> Rebuilt:
    """Apply every event of the view's sources to separate tables, then replace the view's rows by the result. Raises
    RebuildError. Where several could be at it, the caller sees to it that one is: a second would delete rows that the first
    counts as read.

    `saved`: of its projector; `skipped`: where its letters go; `beat()` is called for each page of events. At the end the
    projector is stopped (by its checkpoints' lock) until events that arrived meanwhile have been read too: so nothing that
    the view already shows is missing afterwards.
    """
    began = time.monotonic()
    db = saved.db
    shadow = _Shadow(view, db, skipped, beat)
    with _unless_away(db), _shadow_tables(view, db):
        for source in view.sources:
            shadow.read(apis[source], patience)
        with db.atomic():
            saved.ensure(view.sources)
            saved.lock()
            for source in view.sources:
                shadow.read(apis[source], min(patience, LOCKED_S))
            for table in view.tables:
                _swap(table, db)
            saved.reset(view.sources)
            saved.save(shadow.cursors(), applied=shadow.applied, times={}, behind={})
    return Rebuilt(
        view=view.name,
        events=shadow.events.total(),
        sources={source: shadow.events[source] for source in view.sources},
        skipped=shadow.skipped,
        seconds=round(time.monotonic() - began, 3),
    )


class _Shadow:
    """What has been read into the separate tables: the position in each source, and the counts."""

    def __init__(self, view: View, db: Database, letters: SkippedEvents, beat: Callable[[], None]) -> None:
        self._view, self._db, self._letters, self._beat = view, db, letters, beat
        self._horizons = dict.fromkeys(view.sources, 0)
        self.events: Counter[str] = Counter()
        self.applied: Counter[str] = Counter()
        self.skipped = 0

    def read(self, api: EventApi, patience: float) -> None:
        """The source's event log from the last position to now."""
        for page in _pages(api, self._horizons[api.source], patience):
            self._beat()
            skipped = self._write(page.events)
            self.events[api.source] += len(page.events)
            self.applied[api.source] += len(page.events) - skipped
            self.skipped += skipped
            self._horizons[api.source] = page.horizon

    def cursors(self) -> list[Cursor]:
        return [Cursor(source=source, horizon=horizon, pending=horizon) for source, horizon in self._horizons.items()]

    def _write(self, events: list[Any]) -> int:
        """Returns how many of them were skipped."""
        try:
            with self._db.atomic():
                self._view.write(self._db, [check(event) for event in events])
            return 0
        except UNDIGESTIBLE as error:
            if len(events) == 1:
                log.error("rebuild of %s: skipped an event: %r: %.500s", self._view.name, error, events[0])
                self._letters.record(events[0], f"rebuild of {self._view.name}", error)
                return 1
        return sum(self._write([event]) for event in events)


def _pages(api: EventApi, horizon: int, patience: float) -> Iterator[Page]:
    """The source's event log since a horizon, up to everything committed when the first page was read."""
    pending = UNKNOWN
    give_up = time.monotonic() + patience
    while horizon < pending:
        try:
            page = api.page(horizon)
        except EventApiError as error:
            _wait(give_up, str(error))
            continue
        pending = page.xmax if pending == UNKNOWN else pending
        yield page
        if page.horizon > horizon:
            give_up = time.monotonic() + patience
        elif page.horizon < pending:
            _wait(give_up, f"a transaction of {api.source} (xid {page.horizon}) does not end")
        horizon = page.horizon


def _wait(give_up: float, why: str) -> None:
    if time.monotonic() > give_up:
        raise RebuildError(why)
    time.sleep(RETRY_S)


@contextmanager
def _unless_away(db: Database) -> Iterator[None]:
    try:
        yield
    except Error as error:
        if not is_passing(error):
            raise
        raise RebuildError(f"database {db.alias} is down: {error}") from error


@contextmanager
def _shadow_tables(view: View, db: Database) -> Iterator[None]:
    """Empty temporary tables like the view's: in this session the view's table names refer to them (PostgreSQL searches
    pg_temp first). They are in no publication, so the journal sees only what the swap changes.
    """
    with db.cursor() as cursor:  # a lost connection takes them along: no other one is opened to drop them
        for table in view.tables:
            cursor.execute(f"create temporary table {table.name} (like public.{table.name} including all)")
        try:
            yield
        finally:
            with suppress(Error):  # a lost connection drops them
                for table in view.tables:
                    cursor.execute(f"drop table if exists pg_temp.{table.name}")


def _swap(table: Table, db: Database) -> None:
    """Make the view's table equal to the separate one, changing only the rows that differ."""
    with db.cursor() as cursor:
        cursor.execute(f"select * from public.{table.name} limit 0")
        columns = [f'"{column.name}"' for column in cursor.description]
        key = [f'"{name}"' for name in table.key]
        same = " and ".join(f"made.{name} = shown.{name}" for name in key)
        cursor.execute(
            f"delete from public.{table.name} shown where not exists (select from pg_temp.{table.name} made where {same})"
        )
        cursor.execute(f"""
            insert into public.{table.name} as shown ({", ".join(columns)})
            select {", ".join(columns)} from pg_temp.{table.name}
            on conflict ({", ".join(key)}) do update set ({", ".join(columns)}) = row (excluded.*)
            where (shown.*) is distinct from (excluded.*)
        """)

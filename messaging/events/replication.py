"""Data replication: a service's copies of other services' rows, kept up to date by their events.

    REPLICATION = Replication(replicas=(CUSTOMERS, SEATS), checkpoint=ReplicaCheckpoint, ...)
    REPLICATION.run(program, redis, stop)             # the process that copies
    REPLICATION.state(redis)                          # how stale each copy is
    REPLICATION.ask_to_rebuild("customers")           # anybody who may write the wish; the process does it

PostgreSQL lets only that process write the copies (control/setup/closing.py), so others can ask it for a rebuild, and no more.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from importlib import import_module
from typing import Any

from django.conf import settings
from django.db import models
from redis import Redis

from faults.points import REPLICATORS
from messaging.database import Database
from messaging.events.checkpoints import Checkpoints
from messaging.events.cursor import BEGINNING
from messaging.events.follow import follow
from messaging.events.projector import Injected, Projector
from messaging.events.reader import Reader, event_apis
from messaging.events.rebuild import LOCKED_S, RebuildError, rebuild
from messaging.events.skipped import SkippedEvents
from messaging.events.staleness import Position, staleness
from messaging.events.view import View
from messaging.process.heartbeat import Heartbeat
from topology.chosen import HOUSE
from topology.parts import Kind
from topology.tuning import Seconds

log = logging.getLogger(__name__)
LOOK_S: Seconds = 0.5  # between two looks for a wish to rebuild
_POSITIONS = """
    select source, stream_id, horizon > 0 or stream_id <> %s as read, applied, updated_at, {lag} as lag_ms from {table}
"""
_SIZE = "select coalesce(sum(pg_total_relation_size(name::regclass)), 0)::bigint from unnest(%s::text[]) name"
_ASK = """
    insert into {table} (replica, asked_at, events, skipped, seconds, failure) values (%s, clock_timestamp(), 0, 0, 0, '')
    on conflict (replica) do update set asked_at = clock_timestamp(), done_at = null, failure = ''
    where {table}.done_at is not null
"""
_ASKED = "select replica from {table} where done_at is null order by asked_at"
_DONE = """
    update {table} set done_at = clock_timestamp(), events = %s, skipped = %s, seconds = %s, failure = %s
    where replica = %s and done_at is null
"""


class UnknownReplica(LookupError):
    """No replica has this name; the text lists those there are."""


@dataclass(frozen=True, kw_only=True)
class ReplicaState:
    """A replica now. `filled`: whether it has read anything. `events`, `ms`: see messaging.events.staleness. `lag_ms`: from the
    last event that changed a row to that row; None where the checkpoint does not keep it. `applied`: events that concern it.
    """

    name: str
    source: str
    filled: bool
    events: int | None
    ms: float | None
    lag_ms: int | None
    applied: int
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Replication:
    """The copies of one service. Each replica is a View with one source, and no two have the same.

    `checkpoint`: as messaging.events.checkpoints has it, without a column `view`. `wish`: has a row for each rebuild that was
    asked for, with `replica`, `asked_at`, `done_at`, `events`, `skipped`, `seconds` and `failure`; None: none may be asked for.
    """

    replicas: tuple[View, ...]
    checkpoint: type[models.Model]
    dead_letter: type[models.Model]
    wish: type[models.Model] | None = None

    @cached_property
    def view(self) -> View:
        """All of them as one: one process reads all sources."""
        events = {key: project for one in self.replicas for key, project in one.events.items()}
        return View(
            name="replicas", tables=tuple(table for one in self.replicas for table in one.tables), events=events
        )

    @property
    def db(self) -> Database:
        return Database.of(self.checkpoint)

    def projector(self, injected: Injected | None = None) -> Projector:
        """What writes the copies."""
        return Projector(self.view, Checkpoints(self.checkpoint), injected)

    def named(self, name: str) -> View:
        """Raises UnknownReplica."""
        for one in self.replicas:
            if one.name == name:
                return one
        raise UnknownReplica(f"no replica '{name}'; there are {', '.join(one.name for one in self.replicas)}")

    def state(self, redis: Redis) -> list[ReplicaState]:
        """One for each replica. Raises django.db.DatabaseError; neither the owners nor Redis are needed."""
        columns = {field.column for field in self.checkpoint._meta.concrete_fields}
        query = _POSITIONS.format(
            table=self.checkpoint._meta.db_table, lag="lag_ms" if "lag_ms" in columns else "null::int"
        )
        rows = {row["source"]: row for row in self.db.named(query, [BEGINNING])}
        found = [(one, rows.get(one.sources[0])) for one in self.replicas]
        behind = staleness(redis, [_position(one.sources[0], row) for one, row in found])
        return [
            ReplicaState(
                name=one.name,
                source=one.sources[0],
                filled=bool(row and row["read"]),
                events=stale.events,
                ms=stale.ms,
                lag_ms=row["lag_ms"] if row else None,
                applied=row["applied"] if row else 0,
                bytes=self.db.rows(_SIZE, [[table.name for table in one.tables]])[0][0],
            )
            for (one, row), stale in zip(found, behind, strict=True)
        ]

    def ask_to_rebuild(self, name: str) -> bool:
        """Ask the process that copies for a rebuild. Returns False if it has been asked for and is not done. Raises
        UnknownReplica."""
        return bool(self.wish and self.db.run(_ASK.format(table=self.wish._meta.db_table), [self.named(name).name]))

    def rebuilds(self) -> dict[str, dict[str, Any]]:
        """Replica -> its last rebuild: asked_at, done_at (None: it is not done), events, skipped, seconds, failure."""
        if self.wish is None:
            return {}
        return {row.pop("replica"): row for row in self.wish._default_manager.values()}

    def run(self, program: str, redis: Redis, stop: Callable[[], bool]) -> None:
        """Copy until `stop()`."""
        heartbeat = Heartbeat(redis, program)

        def alive() -> bool:
            heartbeat.beat()
            return not stop()

        injected = Injected(redis, settings.SERVICE, program, alive) if program in REPLICATORS else None
        projector = self.projector(injected)
        reader = Reader(program, redis=redis, apis=event_apis(self.view.sources))
        skipped = SkippedEvents(self.dead_letter, program)
        look_at = 0.0

        def beat() -> None:
            nonlocal look_at
            heartbeat.beat()
            if time.monotonic() >= look_at:
                self.rebuild_what_is_asked(skipped, heartbeat.beat)
                look_at = time.monotonic() + LOOK_S

        follow(reader, projector.load, projector.apply, stop, skipped=skipped, beat=beat, check=projector.check)

    def rebuild_what_is_asked(self, skipped: SkippedEvents, beat: Callable[[], None] = lambda: None) -> None:
        """Rebuild what has been asked for. One that cannot be finished leaves its replica as it is, and says why."""
        if self.wish is None:
            return
        table = self.wish._meta.db_table
        for (name,) in self.db.rows(_ASKED.format(table=table)):
            outcome = self._rebuild(name, skipped, beat)
            self.db.run(_DONE.format(table=table), [*outcome, name])

    def _rebuild(self, name: str, skipped: SkippedEvents, beat: Callable[[], None]) -> tuple[int, int, float, str]:
        began = time.monotonic()
        try:
            view = self.named(name)
            done = rebuild(view, Checkpoints(self.checkpoint), skipped, event_apis(view.sources), LOCKED_S, beat)
        except (RebuildError, UnknownReplica) as error:
            log.warning("rebuild of replica %s: %s", name, error)
            return 0, 0, round(time.monotonic() - began, 3), str(error)
        return done.events, done.skipped, done.seconds, ""


def of_service(name: str) -> tuple[Replication, str] | None:
    """The copies that a service keeps, and the name of the program that writes them; None for a service without any."""
    found = next((one for one in HOUSE.replicating if one.name == name), None)
    if found is None or found.replicas is None:
        return None
    program = next(one.name for one in HOUSE.programs_of(Kind.READER) if one.service == name)
    return import_module(found.replicas.module).REPLICATION, program


def _position(source: str, row: Mapping[str, Any] | None) -> Position:
    if row is None:
        return Position(source=source, stream_id=BEGINNING, read=False, updated_at=datetime.now(UTC))
    return Position(source=source, stream_id=row["stream_id"], read=row["read"], updated_at=row["updated_at"])

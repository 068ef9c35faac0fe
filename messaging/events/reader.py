"""Follows the event streams of several sources, without losing an event when Redis, a relay or a source loses one.

    reader = Reader("projector-bookings", redis=impatient_redis(), apis=event_apis(("seats", "payments")))
    follow(reader, load, apply, stop)         # messaging/events/follow.py: `load` and `apply` keep the cursors

Each source has a Redis Stream `events.<source>`, read from the reader's own checkpoint: consumer groups would not keep
the order. A broken chain, a start, a reconnection and silence raise a doubt, which the source's event API settles.
Writes must be conditional on a newer version: a catch-up may return events that also arrive by the stream, in another
order.
"""

import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.conf import settings
from redis import Redis, RedisError

from messaging.envelope import EnvelopeError, check
from messaging.events import streams
from messaging.events.catch_up import EventApi, EventApiError, Fetcher
from messaging.events.cursor import UNKNOWN, Cursor
from messaging.events.source import Source
from messaging.observe import observe
from messaging.process.outage import Outage
from topology.tuning import Count, Milliseconds

COUNT: Count = 2_000  # entries of a stream in one read
BLOCK_MS: Milliseconds = 500  # how long a read waits for news
BLOCK_CATCHING_UP_MS: Milliseconds = 20  # a quiet stream must not delay an answer of an event API
log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Batch:
    """What to apply: the envelopes in the order read, and the cursors that are valid once they are written. Only
    sources with something new have a cursor here. `behind`: stream entries of a source not yet read. `unreadable`:
    entries that are not events (content, position, what is wrong); their sources have a cursor here, too. `more`: some
    source is known to have more already.
    """

    envelopes: list[dict[str, Any]]
    cursors: list[Cursor]
    behind: dict[str, int]
    unreadable: list[tuple[Any, str, Exception]] = field(default_factory=list)
    more: bool = False


def event_apis(sources: Iterable[str]) -> dict[str, EventApi]:
    """The event APIs of these services, by settings.API_URLS."""
    return {source: EventApi(source, settings.API_URLS[source]) for source in sources}


class Reader:
    """Reads batches. Not thread-safe."""

    def __init__(self, name: str, *, redis: Redis, apis: Mapping[str, EventApi]) -> None:
        self.name, self.redis = name, redis
        self._fetcher = Fetcher(apis)
        self._sources: dict[str, Source] = {}
        self._redis_outage = Outage(f"{name}: Redis")
        self._retry_redis_at = 0.0
        self._aligned = False

    def start(self, cursors: Iterable[Cursor]) -> None:
        """Resume from these cursors, one for each source. Also after an apply whose outcome is not known."""
        former = self._sources
        self._sources = {
            cursor.source: Source(cursor, f"{self.name}: {cursor.source}'s event API", former.get(cursor.source))
            for cursor in cursors
        }
        self._aligned = False

    def read(self) -> Batch:
        """The next batch; empty after BLOCK_MS without events. Raises nothing for a Redis or an event API that is down."""
        batch = Batch(envelopes=[], cursors=[], behind={})
        streamed = self._streamed()
        for source in self._sources.values():
            self._take_entries(source, streamed.get(source.stream, []), batch)
        for answer in self._fetcher.answers():
            self._take_answer(self._sources[answer.source], answer.doubts, answer.outcome, batch)
        self._ask()
        for source in self._sources.values():
            if cursor := source.hand_over():
                batch.cursors.append(cursor)
        return batch

    def close(self) -> None:
        self._fetcher.close()

    def _streamed(self) -> dict[str, list[streams.Entry]]:
        """New entries by stream. Sleeps, and so paces the loop, when Redis is away."""
        now = time.monotonic()
        if now < self._retry_redis_at:
            for source in self._sources.values():
                source.without_stream(now)
            time.sleep(BLOCK_CATCHING_UP_MS / 1000)
            return {}
        try:
            self._align(now)
            self._ask()
            whole = all(source.cursor.complete for source in self._sources.values())
            positions = {source.stream: source.cursor.stream_id for source in self._sources.values()}
            found = streams.read(
                self.redis, positions, count=COUNT, block_ms=BLOCK_MS if whole else BLOCK_CATCHING_UP_MS
            )
        except RedisError as error:
            self._redis_outage.failed(error)
            self._retry_redis_at = time.monotonic() + self._redis_outage.pause(0.1, 2.0)
            self._aligned = False
            return {}
        self._redis_outage.over()
        return found

    def _ask(self) -> None:
        for source in self._sources.values():
            if source.due(time.monotonic()):
                source.fetching = True
                self._fetcher.ask(source.name, source.cursor.horizon, source.doubts)

    def _align(self, now: float) -> None:
        """At a start, after an outage and after silence: check where the streams are, and doubt that all has been seen."""
        for source in self._sources.values():
            if not self._aligned or source.idle(now):
                source.align(*streams.tip(self.redis, source.stream), start=not self._aligned)
        self._aligned = True

    def _take_entries(self, source: Source, entries: list[streams.Entry], batch: Batch) -> None:
        for stream_id, raw in entries:
            try:
                envelope = checked_event(orjson.loads(raw))
                source.streamed(stream_id, envelope)
                batch.envelopes.append(envelope)
            except (EnvelopeError, ValueError, KeyError, TypeError) as error:
                source.unreadable(stream_id)
                batch.unreadable.append((raw.decode(errors="replace"), f"{source.stream} {stream_id}", error))
        if entries:
            full = len(entries) >= COUNT
            source.behind = self._behind(source) if full else 0
            batch.more = batch.more or full
            batch.behind[source.name] = source.behind

    def _behind(self, source: Source) -> int:
        try:
            return streams.entries_after(self.redis, source.stream, source.cursor.stream_id)
        except RedisError:
            return source.behind

    def _take_answer(self, source: Source, doubts: int, outcome: Any, batch: Batch) -> None:
        if isinstance(outcome, EventApiError):
            source.refused(outcome)
            return
        batch.more = batch.more or outcome.more
        for envelope in source.caught_up(outcome, doubts):
            try:
                batch.envelopes.append(checked_event(envelope))
            except (EnvelopeError, ValueError, KeyError, TypeError) as error:
                batch.unreadable.append((envelope, f"{source.name}'s event log", error))

    def skipped(self, content: str, where: str, error: Exception) -> None:
        """Report that an event is skipped: a view that stopped for ever at one bad event would help nobody.

        It is a dead letter by then (messaging.events.skipped).
        """
        log.error("%s: skipped an event from %s: %r: %.500s", self.name, where, error, content)
        text = f"{self.name} skipped an event from {where}: {error!r}"
        observe(self.redis, settings.SERVICE, "event_skipped", text, data={"event": content[:4000]})


def checked_event(envelope: Any) -> dict[str, Any]:
    """The envelope, as orjson has read it, if it is that of an event. Raises EnvelopeError, KeyError, TypeError or ValueError."""
    event = check(envelope, parsed=True)
    if event["kind"] != "event":
        raise EnvelopeError(f"a {event['kind']} among the events")
    if not str(event["source"]).strip("/"):
        raise EnvelopeError("an event without a source")
    for name in ("horizon", "xid"):
        if not 0 <= int(event[name]) < UNKNOWN:
            raise EnvelopeError(f"an event whose {name} is no transaction of PostgreSQL's")
    return event

"""One reader of the journal for all sockets of this process: each entry is read and rendered once, each frame joined once.

Entries come from the recorder's stream in Redis; while that is away, and for what it no longer has, from the journal's database.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Iterable
from itertools import islice
from typing import Any, cast

from channels.db import database_sync_to_async
from django.conf import settings
from django.db import Error as DatabaseError  # InterfaceError too
from redis.asyncio import Redis
from redis.exceptions import RedisError

from dashboard.live.frames import Frame, cursor, join
from journal.packed import layouts
from journal.reading import queries
from journal.recording.broadcast import STATUS, STREAM, published
from topology.tuning import Count, Milliseconds, Seconds

log = logging.getLogger(__name__)

KEPT: Count = 2000
"""How many entries a returning page can still get; for one that is further behind a reload is cheaper."""
PACE_S: Seconds = 0.05  # at most one frame in this time; entries that arrive meanwhile are in the next
FRAME: Count = 300  # entries in a frame at most
BLOCK_MS: Milliseconds = 1000  # how long a read waits for entries; then the epoch is checked again
BEAT_S: Seconds = 10.0  # a frame without entries after this much silence, so that a page can detect a dead connection


class Tail:
    """`shown` is the position to which pages may be brought; `bell` is set when it, or anything else in a frame, changes.

    Positions have no gaps, so the frames kept are those of `shown` - len + 1 to `shown`. `epoch` changes with a new journal.
    """

    def __init__(self) -> None:
        self.epoch = ""
        self.shown = 0
        self.people = 0
        self.bell = asyncio.Event()
        self._frames: deque[Frame] = deque()
        self._texts: dict[tuple[int, bool, str, bool], tuple[str, int]] = {}
        self._reaching = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._rung_at = 0.0

    async def start(self) -> None:
        """Begin to follow, once; returns when the journal's position is known. Raises DatabaseError."""
        async with self._reaching:
            if self._task is None or self._task.done():
                self._begin(*await _standing())
                self._task = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        while self._task is not None and not self._task.done():
            self._task.cancel()  # which redis-py may swallow while it connects
            await asyncio.wait({self._task}, timeout=0.5)

    def text(self, after: int, *, log: bool, performance: str, full: bool = True) -> tuple[str, int] | None:
        """(frame, new cursor) for all pages at `after`; None if that is too far back."""
        if after < self.shown - len(self._frames):
            return None
        key = (after, log, performance if self.shown > after else "", full)
        if key not in self._texts:
            first = after - (self.shown - len(self._frames))
            frames = list(islice(self._frames, first, first + FRAME)) if after < self.shown else []
            pos = after + len(frames)
            text = cursor(pos, after, max(self.shown, pos), self.people) + join(
                frames, log=log, performance=performance, full=full
            )
            self._texts[key] = text, pos
        return self._texts[key]

    async def reach(self, after: int) -> bool:
        """Load the frames after `after`, once for all callers; False if that is too far back. Raises DatabaseError."""
        async with self._reaching:
            oldest = self.shown - len(self._frames)
            if after < oldest and self.shown - after <= KEPT:
                missed = await database_sync_to_async(queries.entries_after)(after, oldest - after)
                if self.shown - len(self._frames) == oldest and [raw["pos"] for raw in missed] == list(
                    range(after + 1, oldest + 1)
                ):
                    self._frames.extendleft(Frame(raw["pos"], raw) for raw in reversed(missed))
            return after >= self.shown - len(self._frames)

    def ring(self) -> None:
        """Wake every page's sender."""
        self._texts.clear()
        self._rung_at = asyncio.get_running_loop().time()
        bell, self.bell = self.bell, asyncio.Event()
        bell.set()

    def _begin(self, epoch: str, pos: int) -> None:
        self.epoch, self.shown = epoch, pos
        self._frames.clear()
        self.ring()

    async def _follow(self) -> None:
        redis = Redis.from_url(settings.REDIS_URL, socket_timeout=10, socket_connect_timeout=2)
        while True:
            try:
                try:
                    news = await self._from_stream(redis)
                except RedisError as error:
                    log.warning("journal stream: %s; reading the journal's database", error)
                    await asyncio.sleep(0.5)
                    news = await self._from_database()
                if self._take(news) or asyncio.get_running_loop().time() - self._rung_at > BEAT_S:
                    self.ring()
                    await asyncio.sleep(PACE_S)
            except DatabaseError as error:
                log.warning("journal: %s", error)
                await asyncio.sleep(0.5)
            except Exception:  # a page that silently stops is worse than a line in the log
                log.exception("journal: an entry could not be read")
                await asyncio.sleep(0.5)

    async def _from_stream(self, redis: Redis) -> list[Frame]:
        """The stream's entries after `shown`. If the stream has another epoch, or a gap, the database is read instead."""
        found = cast("list[Any]", await redis.xread({STREAM: f"{self.shown}-0"}, count=FRAME, block=BLOCK_MS) or [])
        news = [(int(key.split(b"-")[0]), fields) for _, entries in found for key, fields in entries]
        if (
            news
            and news[0][0] == self.shown + 1
            and all(fields.get(b"epoch") == self.epoch.encode() for _, fields in news)
        ):
            entries = [published(fields) for _, fields in news]
            if layouts.missing(named := {id for entry in entries for id in entry["layouts"]}):
                await database_sync_to_async(layouts.load)(named)
            return [Frame(entry["pos"], entry) for entry in entries]
        status = await cast("Any", redis.hmget(STATUS, ["epoch", "streamed"]))
        epoch, streamed = (value.decode() if value else "" for value in status)
        behind = epoch and (epoch != self.epoch or int(streamed or 0) < self.shown - KEPT)
        return await self._from_database() if news or behind else []

    async def _from_database(self) -> list[Frame]:
        epoch, pos = await _standing()
        if epoch != self.epoch or pos < self.shown or pos - self.shown > KEPT:
            log.info("the journal stands at %s of epoch %s, the pages at %s of %s", pos, epoch, self.shown, self.epoch)
            self._begin(epoch, pos)
            return []
        found = await database_sync_to_async(queries.entries_after)(self.shown, FRAME)
        return [Frame(raw["pos"], raw) for raw in found]

    def _take(self, news: Iterable[Frame]) -> bool:
        before = self.shown
        for frame in news:
            self._frames.append(frame)
            self.shown = frame.pos
        while len(self._frames) > KEPT:
            self._frames.popleft()
        return self.shown > before


async def _standing() -> tuple[str, int]:
    """The journal's epoch and the position of its newest entry."""
    return await database_sync_to_async(lambda: (queries.epoch(), queries.last_pos()))()

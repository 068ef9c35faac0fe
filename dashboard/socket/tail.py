"""One reader of the journal's stream for all sockets of this process: each entry is read and rendered once."""

import asyncio
import logging
from collections import deque
from typing import Any, cast

import orjson
from django.conf import settings
from django.template.loader import render_to_string
from redis.asyncio import Redis
from redis.exceptions import RedisError

from dashboard.socket.frames import Frame, render

log = logging.getLogger(__name__)

STREAM = "journal"
KEPT = 2000  # entries a returning socket can still get from here; older ones it reads from the journal's database


class Tail:
    """Follows the stream from its end. `after(pos)` gives the frames since a position, or None if they are too old."""

    def __init__(self) -> None:
        self.frames: deque[Frame] = deque(maxlen=KEPT)
        self.last = 0
        self._news = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to follow, once; returns when the position the stream stands at is known."""
        if self._task is None or self._task.done():
            self.frames.clear()
            redis = Redis.from_url(settings.REDIS_URL, socket_timeout=10, socket_connect_timeout=2)
            self.last = await _end(redis)
            self._task = asyncio.create_task(self._follow(redis))

    def after(self, pos: int) -> list[Frame] | None:
        oldest = self.frames[0].pos if self.frames else self.last + 1
        if pos + 1 < oldest:
            return None
        return [frame for frame in self.frames if frame.pos > pos]

    async def wait(self, pos: int, timeout: float) -> None:
        """Return when there is something after `pos`, or after `timeout` seconds."""
        async with self._news:
            try:
                await asyncio.wait_for(self._news.wait_for(lambda: self.last > pos), timeout)
            except TimeoutError:
                return

    async def _follow(self, redis: Redis) -> None:
        while True:
            try:
                found = await redis.xread({STREAM: f"{self.last}-0"}, count=200, block=2000)
                for _, entries in cast("list[Any]", found or []):
                    for stream_id, fields in entries:
                        self._take(int(stream_id.split(b"-")[0]), orjson.loads(fields[b"e"]))
                    async with self._news:
                        self._news.notify_all()
            except RedisError as error:
                log.warning("journal stream: %s; trying again", error)
                await asyncio.sleep(0.5)

    def _take(self, pos: int, raw: dict[str, Any]) -> None:
        self.frames.append(render(raw))
        self.last = pos


async def _end(redis: Redis) -> int:
    try:
        newest = cast("list[Any]", await redis.xrevrange(STREAM, count=1))
    except RedisError:
        return 0
    return int(newest[0][0].split(b"-")[0]) if newest else 0


def reload_frame() -> str:
    """Tells the page that what it shows belongs to another epoch, or is too old to be patched."""
    return render_to_string("dashboard/live.html#reload")

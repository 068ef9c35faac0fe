"""How many people have this sandbox open: a sorted set in Redis, person -> when they count as gone.

Each web process renews its own people, so the count is right with several of them, and a killed one's people fade away. A
person is a browser, however many of its tabs are open.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable

from django.conf import settings
from redis.asyncio import Redis
from redis.exceptions import RedisError

from topology.tuning import Seconds

KEY = "people"
EVERY_S: Seconds = 5.0  # between two signs that a page is open
FADE_S: Seconds = 15.0  # after the last sign a page counts as closed
SETTLE_S: Seconds = 0.3  # a page that reloads leaves and comes back
log = logging.getLogger(__name__)


class Presence:
    """`enter` and `leave` as sockets open and close. `on_change(count)` is called when the number of people has changed."""

    def __init__(self, on_change: Callable[[int], None]) -> None:
        self._on_change = on_change
        self._here: Counter[str] = Counter()
        self._gone: set[str] = set()
        self._count = 0
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def enter(self, who: str) -> None:
        self._here[who] += 1
        self._gone.discard(who)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._renew_forever())
        self._changed.set()

    def leave(self, who: str) -> None:
        self._here[who] -= 1
        if self._here[who] <= 0:
            del self._here[who]
            self._gone.add(who)
            self._changed.set()

    async def _renew_forever(self) -> None:
        redis = Redis.from_url(settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=2)
        while True:
            try:
                count = await self._renew(redis)
            except RedisError as error:
                log.warning("presence: %s", error)
                count = len(self._here)
            if count != self._count:
                self._count = count
                self._on_change(count)
            try:
                async with asyncio.timeout(EVERY_S):
                    await self._changed.wait()
                    await asyncio.sleep(SETTLE_S)
            except TimeoutError:
                pass
            self._changed.clear()

    async def _renew(self, redis: Redis) -> int:
        """Put our people's names on the list, take the others off that have gone, count."""
        now = time.time()
        gone, self._gone = self._gone, set()
        pipe = redis.pipeline(transaction=True)
        if gone:
            pipe.zrem(KEY, *gone)
        if self._here:
            pipe.zadd(KEY, dict.fromkeys(self._here, now + FADE_S))
        pipe.zremrangebyscore(KEY, "-inf", now)
        pipe.zcard(KEY)
        return int((await pipe.execute())[-1])

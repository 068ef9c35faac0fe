"""A sign of life in Redis, which /readyz of the front door reads: `alive:<program>`, gone 10 s after the last beat.

Whoever gives it also looks whether a fault is to kill it: the one thing that every process does regularly.
"""

import time

from django.conf import settings
from redis import Redis, RedisError

from faults import Plan, Point
from messaging.strikes import strike

EVERY, EXPIRES = 1.0, 10  # seconds


class Heartbeat:
    """Call `beat()` in a loop, only while the program does its work. Cheap: it touches Redis once a second at most."""

    def __init__(self, redis: Redis, program: str) -> None:
        self._redis, self._key = redis, f"alive:{program}"
        self._plan = Plan(redis, settings.SERVICE, program)
        self._next = 0.0

    def beat(self) -> None:
        """Never raises: a Redis that is away shows in the missing key anyway."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + EVERY
            try:
                self._redis.set(self._key, "1", ex=EXPIRES)
                strike(self._plan.refresh(), Point.PROCESS)
            except RedisError:
                self._next = now + 0.5

"""A heartbeat in Redis, which /readyz of the front door reads: `alive:<program>`, gone 10 s after the last beat.

The heartbeat also checks whether a fault should kill the process: it is the one thing that every process does
regularly.
"""

import threading
import time
from datetime import UTC, datetime

from django.conf import settings
from redis import Redis, RedisError

from faults import Plan, Point, abandon, hanging
from messaging.strikes import strike
from topology.tuning import Seconds, WholeSeconds

WELL = "1"
EVERY: Seconds = 1.0  # between two heartbeats
EXPIRES: WholeSeconds = 10  # seconds after which a program without one counts as dead
SEEN = "seen"
"""A hash: when each program beat last, ISO 8601. Unlike the heartbeat it stays: a program that has not beaten since
STARTED is starting."""
STARTED = "started"
"""When everything was started, ISO 8601. The setup of the databases writes it, before any program runs; also under
compose. The control process writes both again to a Redis that has lost its data."""


def note_start(redis: Redis) -> None:
    """From now on a program without a heartbeat is starting. Raises RedisError."""
    redis.set(STARTED, datetime.now(UTC).isoformat())


def in_background(redis: Redis, program: str) -> None:
    """Beat once a second for as long as the process lives, in a thread: for a process whose other threads wait for work."""
    heartbeat = Heartbeat(redis, program)

    def forever() -> None:
        while True:
            heartbeat.beat()
            time.sleep(EVERY)

    threading.Thread(target=forever, daemon=True, name="heartbeat").start()


def is_alive(redis: Redis, program: str) -> bool:
    """Whether the program has beaten within EXPIRES. Raises RedisError."""
    return bool(redis.exists(f"alive:{program}"))


class Heartbeat:
    """Call `beat()` in a loop, only while the program does its work. Cheap: it uses Redis once a second at most."""

    def __init__(self, redis: Redis, program: str) -> None:
        self._redis, self._key = redis, f"alive:{program}"
        self._plan = Plan(redis, settings.SERVICE, program)
        self._next = 0.0
        self._program, self._started = program, datetime.now(UTC)
        self._predecessor = True  # may have left an entry on the list of holds

    def beat(self, trouble: str = "") -> None:
        """`trouble`: what keeps the program from some of its work, for /readyz. Never raises: a missing Redis shows in
        the missing key anyway.
        """
        now = time.monotonic()
        if now >= self._next and not hanging():
            self._next = now + EVERY
            try:
                pipe = self._redis.pipeline(transaction=False)
                pipe.set(self._key, trouble or WELL, ex=EXPIRES)
                pipe.hset(SEEN, self._program, datetime.now(UTC).isoformat())
                pipe.execute()
                if self._predecessor:
                    abandon(self._redis, self._program, self._started)
                    self._predecessor = False
                strike(self._plan.refresh(), Point.PROCESS)
            except RedisError:
                self._next = now + 0.5

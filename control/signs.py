"""Keeps the time of the start, and of each program's last heartbeat, for a Redis that loses its data. Redis has both
(messaging.process.heartbeat), written by others. Without them, a program that was dead before the loss would be shown
as starting for ever. This process reads both, and writes them to Redis again.
"""

from typing import cast

from redis import Redis, RedisError

from messaging.process.heartbeat import SEEN, STARTED


class Signs:
    """Call `turn()` repeatedly. It keeps what Redis had at the last turn in memory, and nothing on disk."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._started: bytes | None = None
        self._seen: dict[bytes, bytes] = {}

    def turn(self) -> None:
        """Never raises: a Redis that is away is tried again."""
        try:
            pipe = self._redis.pipeline(transaction=True)
            pipe.get(STARTED)
            pipe.hgetall(SEEN)
            started, seen = cast(tuple[bytes | None, dict[bytes, bytes]], pipe.execute())
            if started is None and self._started is not None:
                self._write(self._started)
            else:
                self._started, self._seen = started, seen
        except RedisError:
            pass

    def _write(self, started: bytes) -> None:
        """Write the kept values; newer heartbeats, or another start, win."""
        pipe = self._redis.pipeline(transaction=True)
        pipe.set(STARTED, started, nx=True)
        for program, at in self._seen.items():
            pipe.hsetnx(SEEN, program.decode(), at)
        pipe.execute()

"""When everything was started, and when each program beat last, for a Redis that loses its data.

Redis has both (messaging.process.heartbeat), written by others: a program that was dead before the loss would be told as starting
ever after. This process has read them, and tells Redis again.
"""

from typing import cast

from redis import Redis, RedisError

from messaging.process.heartbeat import SEEN, STARTED


class Signs:
    """Call `turn()` again and again. What it knows is what Redis had at the last turn; it keeps nothing on the disk."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._started: bytes | None = None
        self._seen: dict[bytes, bytes] = {}

    def turn(self) -> None:
        """Never raises: a Redis that is away is asked again."""
        try:
            pipe = self._redis.pipeline(transaction=True)
            pipe.get(STARTED)
            pipe.hgetall(SEEN)
            started, seen = cast(tuple[bytes | None, dict[bytes, bytes]], pipe.execute())
            if started is None and self._started is not None:
                self._tell(self._started)
            else:
                self._started, self._seen = started, seen
        except RedisError:
            pass

    def _tell(self, started: bytes) -> None:
        """Whoever has beaten since, or noted another start, is right."""
        pipe = self._redis.pipeline(transaction=True)
        pipe.set(STARTED, started, nx=True)
        for program, at in self._seen.items():
            pipe.hsetnx(SEEN, program.decode(), at)
        pipe.execute()

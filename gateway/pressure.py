"""Back pressure: while the recorder has very much to read the front door accepts no more bookings.

A database keeps its log for the recorder's slot, up to a limit (2 GB); past it the slot is lost, and everything that
was not read is missing from the journal for ever. Asking a buyer to try again later is cheaper.
"""

from redis import Redis, RedisError

from gateway.cached import Cached
from messaging.process.redis import redis_of_requests
from messaging.wal import unread
from serving.problems import Problem
from topology.tuning import Bytes, Seconds

MB = 1024 * 1024
MOST_UNREAD: Bytes = 1024 * MB
"""Of one database's log: half of what it keeps. Some 30,000 bookings, whatever their rate."""
MAX_AGE_S: Seconds = 1.0  # maximum age of the cached report


class Pressure:
    """Checked with each booking; reads Redis once a second. While Redis is away it assumes no pressure, and does not wait."""

    def __init__(self, redis: Redis) -> None:
        self._redis, self._unread = redis, Cached(self._ask, MAX_AGE_S, ("", 0))

    def check(self) -> None:
        """Raises Problem 429."""
        database, size = self._unread.get()
        if size > MOST_UNREAD:
            detail = (
                f"the recorder has not read {size // MB:,} MB of the log of {database}, {MOST_UNREAD // MB:,} MB are "
                "allowed; try again in a moment with the same Idempotency-Key"
            )
            raise Problem(429, "The recorder is behind", detail, headers={"Retry-After": "5"})

    def is_known_to_be_low(self) -> bool:
        """From the cache alone: False also when the cached report has to be refreshed."""
        return self._unread.is_at_hand() and self._unread.get()[1] <= MOST_UNREAD

    def _ask(self) -> tuple[str, int]:
        try:
            return unread.most(self._redis)
        except RedisError:
            return "", 0


PRESSURE = Pressure(redis_of_requests())

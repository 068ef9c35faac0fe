"""Back pressure: while the recorder is late by minutes the front door accepts no more bookings.

A database keeps its log for the recorder's slot, up to a limit (2 GB); past it the slot is lost, and everything that
was not read is missing from the journal for ever. Asking a buyer to try again later is cheaper.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

from redis import Redis, RedisError

from gateway.cached import Cached
from journal.recording.broadcast import STATUS
from messaging.process.redis import redis_of_requests
from serving.problems import Problem
from topology.tuning import Seconds

LATE_S: Seconds = 120  # at 50 bookings a second a database writes 200 MB of log in this time
MAX_AGE_S: Seconds = 1.0  # maximum age of the cached report
STALE = timedelta(seconds=10)  # an older report means that the recorder is down, which is handled elsewhere


class Pressure:
    """Checked with each booking; reads Redis once a second. While Redis is away it assumes no pressure, and does not wait."""

    def __init__(self, redis: Redis) -> None:
        self._redis, self._late_s = redis, Cached(self._ask, MAX_AGE_S, 0.0)

    def check(self) -> None:
        """Raises Problem 429."""
        late_s = self._late_s.get()
        if late_s > LATE_S:
            detail = (
                f"what commits is recorded {late_s:.0f} s late, {LATE_S} s are allowed; try again in a moment with the "
                "same Idempotency-Key"
            )
            raise Problem(429, "The recorder is behind", detail, headers={"Retry-After": "5"})

    def is_known_to_be_low(self) -> bool:
        """From the cache alone: False also when the cached report has to be refreshed."""
        return self._late_s.is_at_hand() and self._late_s.get() <= LATE_S

    def _ask(self) -> float:
        try:
            behind, at = cast("list[Any]", self._redis.hmget(STATUS, ["behind_ms", "at"]))
        except RedisError:
            return 0.0
        if not at or datetime.now(UTC) - datetime.fromisoformat(at.decode()) > STALE:
            return 0.0
        return int(behind or 0) / 1000


PRESSURE = Pressure(redis_of_requests())

"""The safety mechanisms that Booking's API uses. Refreshed now and then, so that a request costs nothing extra."""

import time
from collections.abc import Callable

from redis import Redis, RedisError

from faults import Mechanism, Plan
from messaging.process.redis import redis_of_requests
from topology.tuning import Seconds

EVERY_S: Seconds = 0.5  # between two looks at the switched-off mechanisms
AWAY_S: Seconds = 2.0  # how long to wait before asking a Redis that does not answer again


class Switches:
    """Not thread-safe. While Redis is down every mechanism is on."""

    def __init__(self, redis: Callable[[], Redis] = redis_of_requests) -> None:
        self._redis = redis
        self._plan: Plan | None = None
        self._ask_at = 0.0

    def off(self, mechanism: Mechanism) -> bool:
        if time.monotonic() >= self._ask_at:
            self._ask()
        return self._plan is not None and self._plan.disabled(mechanism)

    def forget(self) -> None:
        """Ask again the next time."""
        self._ask_at = 0.0

    def _ask(self) -> None:
        try:
            self._plan = (self._plan or Plan(self._redis(), "booking")).refresh()
            self._ask_at = time.monotonic() + EVERY_S
        except RedisError:
            self._plan = None
            self._ask_at = time.monotonic() + AWAY_S

"""Which programs on demand should work now. The control process starts and stops them, and publishes the set in Redis.
Programs that are not in it are stopped on purpose: their heartbeat is not expected, and the recorder does not read the
log of such an instance.
"""

import logging
import time
from collections.abc import Collection

import orjson
from redis import Redis, RedisError

from topology.chosen import HOUSE
from topology.parts import postgres
from topology.tuning import Seconds

KEY = "on_demand"
LOOK_S: Seconds = 0.5  # seconds from one look to the next
NAMES = frozenset(program.name for program in HOUSE.programs if program.on_demand)
log = logging.getLogger(__name__)


def tell(redis: Redis, names: Collection[str]) -> None:
    """Publish which programs on demand should work. Raises RedisError."""
    redis.set(KEY, orjson.dumps(sorted(names)))


class OnDemand:
    """Reads Redis twice a second at most, and never if nothing is on demand. The last result stays valid while Redis
    does not answer."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._working: frozenset[str] = frozenset()
        self._look_at = float("-inf")

    def working(self) -> frozenset[str]:
        """Names of programs. Never raises."""
        now = time.monotonic()
        if NAMES and now >= self._look_at:
            self._look_at = now + LOOK_S
            try:
                told = self._redis.get(KEY)
                if told is not None:  # else Redis has lost its data, and gets it again
                    self._working = frozenset(map(str, orjson.loads(told))) & NAMES
            except (RedisError, ValueError, TypeError) as error:
                log.debug("what is on demand is not known: %s", error)
        return self._working

    def stopped(self) -> frozenset[str]:
        """Names of the programs on demand that are stopped on purpose."""
        return NAMES - self.working()

    def stopped_apis(self) -> frozenset[str]:
        """Names of the services whose API is stopped on purpose."""
        stopped = self.stopped()
        return frozenset(one.name for one in HOUSE.apis if f"api-{one.name}" in stopped)

    def stopped_databases(self) -> frozenset[str]:
        """Aliases of the databases whose instance is stopped on purpose."""
        stopped = self.stopped()
        return frozenset(one.alias for one in HOUSE.databases if postgres(one.instance) in stopped)

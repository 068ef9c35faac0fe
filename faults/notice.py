"""Notices of changes of the plan, so that a process whose plan is empty needs no round trip to check it.

A client that adds to the plan publishes on a Redis channel, in the same script or transaction. Pub/sub may lose a
message (for example when Redis restarts), so an empty plan is trusted for a few seconds at most.
"""

from __future__ import annotations

import time
from contextlib import suppress

from redis import Redis, RedisError
from redis.client import PubSub

from topology.tuning import Seconds

CHANNEL = "faults:changed"
BELIEVED_S: Seconds = 5.0
"""How long an empty plan is believed without asking: pub/sub may lose a word. Gained: 213 to 4 us a look at the plan.
"""
CONFIRMED_S: Seconds = 2.0  # how long a subscription may take


def delivered(redis: Redis) -> None:
    """Return when all subscribers have received what this client published before. Raises RedisError.

    Redis answers the publisher before it writes to the subscribers, though in the same turn of its loop. So when a
    second request is answered, the subscribers have been written to. Without this, one batch in some thousands began in
    between and hit no fault.
    """
    redis.ping()


class Notice:
    """One subscription, made at the first check. Not thread-safe."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._patience = min(CONFIRMED_S, redis.connection_pool.connection_kwargs.get("socket_timeout") or CONFIRMED_S)
        self._pubsub: PubSub | None = None
        self._empty_until = 0.0

    def still_empty(self) -> bool:
        """Whether the plan was empty when it was last read, and has not changed since. Costs one check of a socket."""
        if self._pubsub is None or time.monotonic() >= self._empty_until:
            return False
        with suppress(RedisError, OSError):
            if not self._hear(0):
                return True
        self._empty_until = 0.0
        return False

    def about_to_read(self) -> None:
        """Subscribe, or discard earlier notices: the plan that is read next is newer. Raises RedisError."""
        if self._pubsub is None:
            pubsub = self._redis.pubsub()
            pubsub.subscribe(CHANNEL)
            # Where redis-py has read the answer to a PING of its own it says "nothing", whatever stands behind that answer: a
            # batch would meet no fault. A line that has died costs BELIEVED_S at most.
            pubsub.connection.health_check_interval = 0
            self._pubsub = pubsub
            self._hear(self._patience)  # wait for Redis to confirm the subscription: only then no notice can be missed
        while self._hear(0):
            pass

    def read(self, *, empty: bool) -> None:
        """Record whether the plan was empty."""
        self._empty_until = time.monotonic() + BELIEVED_S if empty else 0.0

    def _hear(self, timeout: float) -> bool:
        assert self._pubsub is not None
        try:
            return self._pubsub.get_message(timeout=timeout) is not None
        except (RedisError, OSError):
            self._pubsub.close()
            self._pubsub = None
            raise

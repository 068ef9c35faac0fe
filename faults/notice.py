"""Hearing that the plan has changed, so that a process whose plan was empty need not ask again: no round trip.

Whoever puts something into the plan says so on a Redis channel, in the same script or transaction. Pub/sub may lose a message (a
Redis that restarts does), so an empty plan is believed for a few seconds at most.
"""

from __future__ import annotations

import time
from contextlib import suppress

from redis import Redis, RedisError
from redis.client import PubSub

CHANNEL = "faults:changed"
BELIEVED_S = 5.0
CONFIRMED_S = 2.0  # how long a subscription may take


def delivered(redis: Redis) -> None:
    """Return when whoever listens has what was published before by this client. Raises RedisError.

    Redis answers who publishes before it writes to those who listen, though in one turn: whoever is answered a second time knows
    that they have been written to. Without, one batch in some thousands began in between and met no fault.
    """
    redis.ping()


class Notice:
    """One subscription, made at the first question. Not for several threads."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._patience = min(CONFIRMED_S, redis.connection_pool.connection_kwargs.get("socket_timeout") or CONFIRMED_S)
        self._pubsub: PubSub | None = None
        self._empty_until = 0.0

    def still_empty(self) -> bool:
        """Whether the plan was empty when it was last read, and nobody has changed it since. One look at a socket."""
        if self._pubsub is None or time.monotonic() >= self._empty_until:
            return False
        with suppress(RedisError, OSError):
            if not self._hear(0):
                return True
        self._empty_until = 0.0
        return False

    def about_to_read(self) -> None:
        """Subscribe, or forget what was heard before: what the plan says from now on is newer. Raises RedisError."""
        if self._pubsub is None:
            pubsub = self._redis.pubsub()
            pubsub.subscribe(CHANNEL)
            # Where redis-py has read the answer to a PING of its own it says "nothing", whatever stands behind that answer: a
            # batch would meet no fault. A line that has died costs BELIEVED_S at most.
            pubsub.connection.health_check_interval = 0
            self._pubsub = pubsub
            self._hear(self._patience)  # Redis confirms a subscription: only then nothing can be missed
        while self._hear(0):
            pass

    def read(self, *, empty: bool) -> None:
        """What the plan said."""
        self._empty_until = time.monotonic() + BELIEVED_S if empty else 0.0

    def _hear(self, timeout: float) -> bool:
        assert self._pubsub is not None
        try:
            return self._pubsub.get_message(timeout=timeout) is not None
        except (RedisError, OSError):
            self._pubsub.close()
            self._pubsub = None
            raise

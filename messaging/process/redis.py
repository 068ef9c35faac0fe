"""The Redis clients of a process: how long each waits, and whether it tries again."""

import time
from functools import cache
from typing import Any

from django.conf import settings
from redis import ConnectionPool, Redis
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from topology.tuning import Seconds


@cache
def redis_client() -> Redis:
    """A worker's Redis client: it reconnects by itself and retries a lost command for about two seconds. With a frozen
    Redis each of these attempts waits for `socket_timeout`. Requests use another client: see below.
    """
    return Redis.from_url(
        settings.REDIS_URL,
        retry=Retry(ExponentialBackoff(cap=0.5, base=0.02), 6),
        retry_on_error=[RedisConnectionError, RedisTimeoutError],
        socket_connect_timeout=2,
        socket_timeout=5,
        health_check_interval=10,
    )


REQUEST_S: Seconds = 0.2
"""No request waits for Redis longer than this. Gained: with a frozen Redis, 10 s and a 503 for each booking to 0.2 s for
one request in two seconds."""
AWAY_S: Seconds = 2.0  # after that has happened once, no caller tries for a while


@cache
def redis_of_requests(seconds: float = REQUEST_S) -> Redis:
    """The Redis client for pages and APIs, whose callers wait: an answer arrives within so many seconds or not at all.

    While Redis does not answer, one caller waits that long every AWAY_S, and all others fail immediately, with
    ConnectionError.
    """
    pool = _Breaker.from_url(
        settings.REDIS_URL, retry=Retry(NoBackoff(), 0), socket_connect_timeout=seconds, socket_timeout=seconds
    )
    return Redis(connection_pool=pool)


def impatient_redis() -> Redis:
    """A client that does not retry: its loop has other work, and its own backoff."""
    return Redis.from_url(settings.REDIS_URL, retry=Retry(NoBackoff(), 0), socket_connect_timeout=2, socket_timeout=5)


def redis_of_a_round(seconds: float) -> Redis:
    """The Redis client of a process that tries again in a moment anyway, as the control process does at every turn. A
    command that takes longer than so many seconds fails; the next one is tried anyway.
    """
    return Redis.from_url(
        settings.REDIS_URL, retry=Retry(NoBackoff(), 0), socket_connect_timeout=seconds, socket_timeout=seconds
    )


def redis_is_silent() -> None:
    """Record that Redis has kept a request waiting: the next one does not try."""
    pool: Any = redis_of_requests().connection_pool
    pool.trip()


class _Breaker(ConnectionPool):
    """Gives no connection for AWAY_S after one has been lost or has timed out."""

    _away_until = 0.0

    def trip(self) -> None:
        self._away_until = time.monotonic() + AWAY_S

    def get_connection(self, *args: Any, **options: Any) -> Any:
        if time.monotonic() < self._away_until:
            raise RedisConnectionError("Redis did not answer a moment ago")
        try:
            return super().get_connection(*args, **options)
        except (RedisConnectionError, RedisTimeoutError):
            self.trip()
            raise

    def release(self, connection: Any) -> None:
        if not connection.is_connected:  # redis-py disconnects what has failed
            self.trip()
        super().release(connection)

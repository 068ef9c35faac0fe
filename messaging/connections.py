"""Connections a process keeps for its life."""

from functools import cache

from django.conf import settings
from redis import Redis
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry


@cache
def redis_client() -> Redis:
    """The process's Redis client: it reconnects by itself and tries a lost command again for about two seconds."""
    return Redis.from_url(
        settings.REDIS_URL,
        retry=Retry(ExponentialBackoff(cap=0.5, base=0.02), 6),
        retry_on_error=[RedisConnectionError, RedisTimeoutError],
        socket_connect_timeout=2,
        health_check_interval=10,
    )

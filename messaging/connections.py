"""Connections a process keeps for its life."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

from django.conf import settings
from django.db.backends.postgresql.psycopg_any import BaseTzLoader
from psycopg import DataError
from redis import Redis
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def read_any_moment() -> None:
    """Let no moment take away the list that its row stands in. PostgreSQL holds years that Python does not: they are read as
    the last moment, or the first, that Python has. Called once, before the first query.
    """
    read = BaseTzLoader.load

    def load(loader: Any, data: Any) -> datetime:
        try:
            return read(loader, data)
        except DataError:
            text = bytes(data)
            early = text.endswith(b"BC") or text.startswith(b"-")
            return (FIRST if early else LAST).replace(tzinfo=loader.timezone)

    if read.__name__ != load.__name__ or read.__module__ != load.__module__:
        BaseTzLoader.load = load


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

"""How much log each database keeps for the recorder, which has not read it yet: reported by the control process through Redis."""

from datetime import UTC, datetime, timedelta
from typing import cast

from redis import Redis

KEY = "unread-log"
STALE = timedelta(seconds=10)
"""An older report is none: the control process or its Redis is away."""


def report(redis: Redis, database: str, unread: int) -> None:
    """`unread`: bytes. Raises RedisError."""
    redis.hset(KEY, database, f"{unread} {datetime.now(UTC).isoformat()}")


def most(redis: Redis) -> tuple[str, int]:
    """(database, bytes) of the one that keeps most; ("", 0) if nothing was reported lately. Raises RedisError."""
    found = ("", 0)
    for database, text in cast("dict[bytes, bytes]", redis.hgetall(KEY)).items():
        unread, _, at = text.decode().partition(" ")
        if datetime.now(UTC) - datetime.fromisoformat(at) <= STALE and int(unread) > found[1]:
            found = database.decode(), int(unread)
    return found

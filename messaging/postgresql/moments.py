"""Moments that PostgreSQL has and Python does not: years before 1 and after 9999."""

from datetime import UTC, datetime
from typing import Any

from django.db.backends.postgresql.psycopg_any import BaseTzLoader
from psycopg import DataError

FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def read_any_moment() -> None:
    """Read moments that Python cannot represent, so that they do not break the list their row is in. PostgreSQL has
    years that Python does not have: they are read as Python's last moment, or its first. Called once, before the first
    query.
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

"""Publishes the journal on a Redis Stream, for live pages: entry `pos` has the id `<pos>-0`. PostgreSQL keeps all of it.

The fields of an entry: "e" (JSON of it), "packed" (its rows as they are stored, see journal.packed), "epoch". `published`
reads it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from redis import Redis, RedisError, ResponseError

from journal.entry import EntryDict
from journal.noteworthy import for_live_pages
from journal.reading.queries import latest_packed
from topology.tuning import Count

STREAM, STATUS = "journal", "recorder"
MAXLEN: Count = 5_000  # a page that is further behind than 2,000 reloads
REFILL: Count = 2_000  # entries restored to a stream that was lost; older ones are read from PostgreSQL
log = logging.getLogger(__name__)


class Broadcast:
    """Publishes stored entries. A Redis that fails, or comes back with other data, is refilled from PostgreSQL."""

    def __init__(self, redis: Redis, epoch: str) -> None:
        self._redis, self._epoch = redis, epoch
        self._pos: int | None = None  # last entry known to be in the stream; None: Redis must be asked

    def publish(self, entries: Sequence[EntryDict], status: dict[str, Any]) -> bool:
        """Append entries and set the hash `recorder`. Never raises: False if Redis is down. Call it without entries now
        and then, to notice a Redis that lost its data.
        """
        try:
            if self._pos is None:
                self._top_up(status)
            elif not self._append(entries, status):
                log.warning("the journal's stream in Redis is another one; filling it again")
                self._top_up(status, whole=True)
            return True
        except RedisError as error:
            if self._pos is not None:
                log.warning("the journal's stream is not written: %s", error)
            self._pos = None
            return False

    def _append(self, entries: Sequence[EntryDict], status: dict[str, Any]) -> bool:
        """False if Redis turns out not to hold what was last written to it."""
        end = entries[-1]["pos"] if entries else self._pos
        moved: dict[Any, Any] = {**status, "epoch": self._epoch, "streamed": end}
        pipe = self._redis.pipeline(transaction=True)
        pipe.hmget(STATUS, "epoch", "streamed")
        for entry in entries:
            self._add(pipe, entry)
        pipe.hset(STATUS, mapping=moved)
        try:
            (epoch, streamed), *_ = pipe.execute()
        except ResponseError:  # an id that is not above the last one
            return False
        if _text(epoch) != self._epoch or _text(streamed) != str(self._pos):
            return False
        self._pos = end
        return True

    def _top_up(self, status: dict[str, Any], *, whole: bool = False) -> None:
        """Make the stream end like the journal: add the missing entries, or everything if `whole`."""
        newest: Any = self._redis.xrevrange(STREAM, count=1)
        last = _pos(newest)
        same = _text(self._redis.hget(STATUS, "epoch")) == self._epoch
        entries = latest_packed(REFILL)
        end = entries[-1]["pos"] if entries else 0
        gap = not entries or last < entries[0]["pos"] - 1
        pipe = self._redis.pipeline(transaction=True)
        if whole or not same or gap or last > end:
            pipe.delete(STREAM)
            last = 0
        for entry in entries:
            if entry["pos"] > last:
                self._add(pipe, entry)
        topped: dict[Any, Any] = {**status, "epoch": self._epoch, "streamed": end}
        pipe.hset(STATUS, mapping=topped)
        pipe.execute()
        self._pos = end

    def _add(self, pipe: Any, entry: EntryDict) -> None:
        """Add the epoch, which identifies the journal of an entry. Its rows stay packed: who shows them decodes them."""
        shown = for_live_pages({name: value for name, value in entry.items() if name != "packed"})
        fields: dict[Any, Any] = {"e": orjson.dumps(shown), "packed": entry["packed"], "epoch": self._epoch}
        pipe.xadd(STREAM, fields, id=f"{entry['pos']}-0", maxlen=MAXLEN, approximate=True)


def published(fields: Mapping[bytes, bytes]) -> EntryDict:
    """An entry of the stream, with "packed" and "layouts"."""
    entry: EntryDict = orjson.loads(fields[b"e"])
    return {"layouts": [], **entry, "packed": fields.get(b"packed", b"")}


def _pos(found: list[Any]) -> int:
    """Position of the newest entry of an XREVRANGE's answer; 0 for an empty stream."""
    return int(_text(found[0][0]).partition("-")[0]) if found else 0


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value or "")

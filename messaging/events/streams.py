"""Reads the event streams in Redis: plain data in and out, whatever protocol the client uses."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

from redis import Redis

from messaging.events.cursor import BEGINNING
from topology.chosen import HOUSE
from topology.tuning import Count

FIELD = b"e"
Entry = tuple[str, bytes]
"""(stream id, the JSON of the envelope; empty if the entry has none)"""

_COUNT_LIMIT: Count = 20_000  # entries that are counted, at most: a lag is shown, not measured
# Count on the server: a reader that is far behind would otherwise fetch the entries twice.
_COUNT = "return #redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], '+', 'COUNT', ARGV[2])"


def name(source: str) -> str:
    """The stream of a service's events. Raises TopologyError."""
    return HOUSE.service(source).stream


def read(redis: Redis, positions: Mapping[str, str], *, count: int, block_ms: int) -> dict[str, list[Entry]]:
    """Up to `count` entries of each stream after its position; waits up to `block_ms` if there are none."""
    found = cast(Any, redis.xread(cast(Any, dict(positions)), count=count, block=block_ms)) or []
    pairs = found.items() if isinstance(found, dict) else found
    return {_text(stream): [_entry(item) for item in _flat(items)] for stream, items in pairs}


def tip(redis: Redis, stream: str) -> tuple[str, str]:
    """The id of the stream's last entry and the id of the event in it; ("0-0", "") if the stream is empty."""
    last = cast(Any, redis.xrevrange(stream, count=1))
    if not last:
        return BEGINNING, ""
    stream_id, raw = _entry(last[0])
    try:
        return stream_id, str(json.loads(raw)["id"])
    except (ValueError, KeyError, TypeError):
        return stream_id, ""


def entries_after(redis: Redis, stream: str, stream_id: str) -> int:
    """How many entries come after this one; counted up to 20,000."""
    return int(cast(Any, redis.eval(_COUNT, 1, stream, stream_id, _COUNT_LIMIT)))


def first_after(redis: Redis, stream: str, stream_id: str) -> datetime | None:
    """When the first entry after this one was added; None if there is none."""
    found = cast(Any, redis.xrange(stream, f"({stream_id}", count=1))
    return datetime.fromtimestamp(int(_text(found[0][0]).partition("-")[0]) / 1000, UTC) if found else None


def _entry(item: Any) -> Entry:
    stream_id, fields = item
    return _text(stream_id), (fields or {}).get(FIELD, b"")


def _flat(items: Any) -> Any:
    """RESP3 wraps the entries of a stream in one more list."""
    return items[0] if len(items) == 1 and isinstance(items[0], list) else items


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value

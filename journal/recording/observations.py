"""Reads the observations of other processes (messaging.observe) from their Redis Stream, as candidates for the journal."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import orjson
from redis import Redis, RedisError

from journal.recording.transactions import LONGEST_TITLE, Candidate, distinct, ids
from messaging.observe import STREAM
from messaging.storable import NotStorableError, check, check_moment, storable, storable_text
from messaging.wal.notes import RESETS, UNREADABLE

SOURCE = "observations"
LONGEST_SERVICE = 60  # characters; it is in an index with other columns
log = logging.getLogger(__name__)


class Observations:
    """`poll` returns what is new after `cursor` (an id in the stream)."""

    def __init__(self, redis: Redis, cursor: str) -> None:
        self._redis, self._cursor = redis, cursor or "0"

    def poll(self, limit: int = 500) -> list[Candidate]:
        """Never blocks and never raises: observations are best effort, the journal of the databases is not."""
        try:
            streams: Any = self._redis.xread({STREAM: self._cursor}, count=limit)
        except RedisError as error:
            log.debug("observations not read: %s", error)
            return []
        candidates = []
        for _, messages in streams:
            for stream_id, fields in messages:
                self._cursor = stream_id.decode()
                candidates.append(read_observation(self._cursor, fields.get(b"o", b"")))
        return candidates


def read_observation(cursor: str, text: bytes | str) -> Candidate:
    """A candidate whose cause is the observed message. An invalid observation becomes one that reports that. Never raises."""
    try:
        return _read(cursor, text)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        log.warning("observation %s is not readable: %r", cursor, error)
        begins = text[:LONGEST_TITLE] if isinstance(text, str) else text[:LONGEST_TITLE].decode(errors="replace")
        return Candidate(
            kind="observation",
            source=SOURCE,
            cursor=cursor,
            service="",
            committed_at=datetime.now(UTC),
            title="an observation that cannot be read",
            data={"kind": UNREADABLE, "data": storable({"why": f"{error}", "begins": begins})},
        )


def _read(cursor: str, text: bytes | str) -> Candidate:
    data: Any = orjson.loads(text)
    service, title = (
        storable_text(str(data["service"]), LONGEST_SERVICE),
        storable_text(str(data["text"]), LONGEST_TITLE),
    )
    at = datetime.fromisoformat(data["at"]) if data.get("at") else datetime.now(UTC)
    at = check_moment(at if at.tzinfo else at.replace(tzinfo=UTC))
    if data.get("kind") in RESETS:
        raise NotStorableError(f"only a database's log can say that there is a {data['kind']}")
    observed = storable({name: data[name] for name in ("kind", "messageid", "data") if data.get(name)})
    if not isinstance(observed.get("kind", ""), str) or not isinstance(observed.get("data", {}), dict):
        raise NotStorableError("its kind is no text, or its data no object")
    check(observed)
    return Candidate(
        kind="observation",
        source=SOURCE,
        cursor=cursor,
        service=service,
        committed_at=at,
        title=title,
        causes=ids([data.get("messageid")]),
        correlations=distinct([data.get("correlationid")]),
        data=observed,
    )

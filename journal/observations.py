"""Reading what other processes observed (messaging.observe) from its Redis Stream, as candidates for the journal."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

from redis import Redis, RedisError

from journal.reading import Candidate
from messaging.observe import STREAM

SOURCE = "observations"
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
                candidate = read_observation(self._cursor, fields.get(b"o", b""))
                if candidate is not None:
                    candidates.append(candidate)
        return candidates


def read_observation(cursor: str, text: bytes | str) -> Candidate | None:
    """A candidate whose cause is the message observed; None, with a warning, for what is no observation."""
    try:
        data = json.loads(text)
        service, title = str(data["service"]), str(data["text"])
        at = datetime.fromisoformat(data["at"]) if data.get("at") else datetime.now(UTC)
    except (ValueError, TypeError, KeyError) as error:
        log.warning("observation %s is not readable: %r", cursor, error)
        return None
    return Candidate(
        kind="observation",
        source=SOURCE,
        cursor=cursor,
        service=service,
        committed_at=at if at.tzinfo else at.replace(tzinfo=UTC),
        title=title,
        causes=(str(data["messageid"]),) if data.get("messageid") else (),
        correlations=(str(data["correlationid"]),) if data.get("correlationid") else (),
        data={name: data[name] for name in ("kind", "messageid", "data") if data.get(name)},
    )

"""What a fault holds: a list in Redis, so that a page can show it and a person can resume it.

Resuming removes the entry and records that in a set; an entry that is gone without that was lost with Redis'
data, and is restored: an outage does not end a breakpoint. Each hold has its own time limit, so one whose process died
ends too.
"""

import json
import time
import uuid
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from redis import Redis, RedisError

from faults.fault import HOLD_S, Fault
from faults.points import Action, Point
from faults.target import Target
from topology.tuning import Seconds, WholeSeconds

HELD_KEY, RELEASED_KEY = "faults:held", "faults:released"
RELEASED_FOR_S: WholeSeconds = 7200  # longer than the life of any fault
POLL_S: Seconds = 0.1  # between two looks whether what is held has been released


@dataclass(frozen=True, kw_only=True)
class Held:
    """Something that stands still: by which fault, where, since when, and when it resumes by itself. Times ISO 8601."""

    id: str
    fault: str
    point: str
    action: str
    process: str
    message: str
    booking: str
    since: str
    until: str


class Hold:
    """Standing still by a fault; `ended()` says whether it is over and how. Making one puts it on the list."""

    def __init__(self, redis: Redis, fault: Fault, process: str, target: Target) -> None:
        self.fault = fault
        self._redis, self._id = redis, uuid.uuid4().hex
        self._began, self._longest, self._asked_at = time.monotonic(), longest(fault), time.monotonic()
        now = datetime.now(UTC)
        self._entry = Held(
            id=self._id,
            fault=fault.id,
            point=fault.point,
            action=fault.action,
            process=process,
            message=target.message,
            booking=target.booking,
            since=now.isoformat(),
            until=(now + timedelta(seconds=self._longest)).isoformat(),
        )
        with suppress(RedisError):  # put on the list by `ended`, then
            self._enter()

    def ended(self) -> str:
        """Empty while it stands; else a sentence about how it ended. Cheap: asks Redis ten times a second at most."""
        now = time.monotonic()
        stood = f"after {now - self._began:.1f} s at {self.fault.point}"
        if now - self._began >= self._longest:
            self.leave()
            return f"resumes by itself {stood}"
        if now - self._asked_at < POLL_S:
            return ""
        self._asked_at = now
        try:
            if not self._redis.hexists(HELD_KEY, self._id):
                if self._redis.sismember(RELEASED_KEY, self._id):
                    return f"is resumed {stood}"
                self._enter()
        except RedisError:
            pass
        return ""

    def _enter(self) -> None:
        self._redis.hset(HELD_KEY, self._id, json.dumps(asdict(self._entry)))

    def leave(self) -> None:
        """Remove it from the list."""
        with suppress(RedisError):  # the list shows nothing that is past its time limit
            self._redis.hdel(HELD_KEY, self._id)


def longest(fault: Fault) -> float:
    """The seconds after which it resumes by itself. A pause ends with its fault, if nothing else is said."""
    if fault.seconds:
        return fault.seconds
    if fault.action == Action.PAUSE:
        return max((datetime.fromisoformat(fault.expires_at) - datetime.now(UTC)).total_seconds(), 0)
    return HOLD_S


def held(redis: Redis) -> list[Held]:
    """The present holds, longest first."""
    now = datetime.now(UTC)
    found = [entry for raw in cast(Any, redis.hvals(HELD_KEY)) if (entry := _read(raw))]
    over = [entry.id for entry in found if datetime.fromisoformat(entry.until) <= now]
    if over:
        redis.hdel(HELD_KEY, *over)
    return sorted((entry for entry in found if entry.id not in over), key=lambda entry: entry.since)


def _read(raw: bytes) -> Held | None:
    """An entry of the list; None for one that this version cannot read, which its writer removes again."""
    try:
        entry = Held(**json.loads(raw))
        if not all(isinstance(value, str) for value in asdict(entry).values()):
            return None
        return (
            entry if datetime.fromisoformat(entry.until).tzinfo and datetime.fromisoformat(entry.since).tzinfo else None
        )
    except (ValueError, TypeError, RecursionError):
        return None


def abandon(redis: Redis, process: str, before: datetime) -> None:
    """Remove the holds of a process that has died: its successor starts at `before` and calls this."""
    mine = [entry for entry in held(redis) if entry.process == process]
    gone = [entry.id for entry in mine if datetime.fromisoformat(entry.since) < before]
    if gone:
        redis.hdel(HELD_KEY, *gone)


def held_bookings(redis: Redis) -> set[str]:
    """The bookings whose saga is held. A held projector stops its view, but no saga."""
    views = (Point.PROJECTOR_BEFORE, Point.PROJECTOR_COMMITTED)
    return {entry.booking for entry in held(redis) if entry.booking and entry.point not in views}


def release(redis: Redis, fault_id: str = "") -> int:
    """Resume whatever this fault (or any) holds; return how many. The fault stays armed if it may strike again."""
    ids = [entry.id for entry in held(redis) if fault_id in ("", entry.fault)]
    if not ids:
        return 0
    pipe = redis.pipeline(transaction=True)
    pipe.sadd(RELEASED_KEY, *ids)
    pipe.expire(RELEASED_KEY, RELEASED_FOR_S)
    pipe.hdel(HELD_KEY, *ids)
    return int(pipe.execute()[-1])

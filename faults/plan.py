"""The fault plan: which faults are armed, in a Redis hash that every process reads.

Reading is one round trip a batch. A fault that is due is *claimed* (an atomic script counts it down, in Redis' own
append-only file) before it acts; otherwise a process that crashes on purpose would meet the same fault again for ever.
"""

from __future__ import annotations

import json
import os
import signal
import uuid
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from redis import Redis

from faults.points import ALLOWED, Action, Mechanism, Point

KEY, OFF_KEY = "faults", "mechanisms:off"
LIMIT = 1000

_CLAIM = """
local raw = redis.call('HGET', KEYS[1], ARGV[1])
if not raw then return nil end
local fault = cjson.decode(raw)
if fault.remaining < 1 then return nil end
fault.remaining = fault.remaining - 1
fault.fired = fault.fired + 1
fault.last_fired = ARGV[2]
fault.last_booking = ARGV[3]
local out = cjson.encode(fault)
redis.call('HSET', KEYS[1], ARGV[1], out)
return out
"""


class FaultError(ValueError):
    """The fault asked for makes no sense; the text says what would."""


class InjectedError(RuntimeError):
    """Raised by a fault on purpose; never by an outage of our own."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """An armed fault: it strikes `remaining` more times at `point` of `service` for messages of type `message`."""

    point: Point
    action: Action
    service: str
    message: str = ""  # message type; empty: any
    booking: str = ""  # booking id; empty: any
    reason: str = ""  # the reason a refusal gives
    remaining: int = 1
    fired: int = 0
    seconds: float = 0.0  # length of a delay
    name: str = ""  # label of the toggle it came from
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    armed_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat())
    last_fired: str = ""
    last_booking: str = ""

    def __post_init__(self) -> None:
        if self.action not in ALLOWED[self.point]:
            allowed = ", ".join(sorted(ALLOWED[self.point]))
            raise FaultError(f"action '{self.action}' makes no sense at '{self.point}'; allowed there: {allowed}")
        if not 0 <= self.remaining <= 1_000_000:
            raise FaultError("a fault fires between 1 and 1,000,000 times")

    def matches(self, point: Point, service: str, message: str, booking: str) -> bool:
        return (
            self.remaining > 0
            and self.point == point
            and self.service == service
            and self.message in ("", message)
            and self.booking in ("", booking)
        )


class Plan:
    """The plan as one process sees it. `refresh()` once a batch; then `armed` is a list to look through, empty as a rule."""

    def __init__(self, redis: Redis, service: str) -> None:
        self.redis, self.service = redis, service
        self.armed: list[Fault] = []
        self.off: frozenset[str] = frozenset()
        self._claim = redis.register_script(_CLAIM)

    def refresh(self) -> Plan:
        pipe = self.redis.pipeline(transaction=False)
        pipe.hvals(KEY)
        pipe.smembers(OFF_KEY)
        raw, off = pipe.execute()
        self.off = frozenset(_text(item) for item in off)
        self.armed = sorted((load(item) for item in raw), key=lambda fault: fault.armed_at) if raw else []
        return self

    def concerns(self, message: str, booking: str) -> bool:
        """Whether any armed fault could strike this message here, whatever the point."""
        return any(fault.matches(fault.point, self.service, message, booking) for fault in self.armed)

    def strike(self, point: Point, message: str, booking: str) -> Fault | None:
        """Claim and return the first armed fault that strikes here; None almost always."""
        for fault in self.armed:
            if fault.matches(point, self.service, message, booking):
                claimed = self._claim(keys=[KEY], args=[fault.id, datetime.now(UTC).isoformat(), booking])
                if claimed is not None:
                    return load(claimed)
        return None

    def disabled(self, mechanism: Mechanism) -> bool:
        return mechanism in self.off


def act(fault: Fault | None) -> None:
    """Do what an error or a crash does: raise InjectedError, or kill this process as the kernel would."""
    if fault is None:
        return
    if fault.action == Action.ERROR:
        raise InjectedError(f"injected at {fault.point} ({fault.message})")
    if fault.action == Action.CRASH:
        os.kill(os.getpid(), signal.SIGKILL)


def arm(redis: Redis, fault: Fault) -> Fault:
    if redis.hlen(KEY) >= LIMIT:
        raise FaultError(f"{LIMIT} faults are armed already; clear some first")
    redis.hset(KEY, fault.id, json.dumps(asdict(fault)))
    return fault


def clear(redis: Redis, fault_id: str | None = None) -> int:
    """Clear one fault or all; return how many were there."""
    if fault_id is not None:
        return int(redis.hdel(KEY, fault_id))
    count = int(redis.hlen(KEY))
    redis.delete(KEY)
    return count


def listing(redis: Redis) -> list[Fault]:
    return sorted((load(item) for item in redis.hvals(KEY)), key=lambda fault: fault.armed_at)


def switch(redis: Redis, mechanism: Mechanism, *, off: bool) -> None:
    """Switch a safety mechanism off (to see what it is for) or on again."""
    (redis.sadd if off else redis.srem)(OFF_KEY, str(mechanism))


def load(raw: bytes | str) -> Fault:
    data = json.loads(raw)
    return Fault(**{**data, "point": Point(data["point"]), "action": Action(data["action"])})


def _text(item: bytes | str) -> str:
    return item.decode() if isinstance(item, bytes) else item

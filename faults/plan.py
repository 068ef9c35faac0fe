"""The fault plan as one process sees it: which faults are armed, and claiming one before it acts.

The plan is a Redis hash. Every process reads it, one round trip a batch while anything is in it, none while nothing is
(notice.py). A fault that is due is *claimed* before it acts (an atomic script counts the pass and the strike);
otherwise a process that crashes on purpose would hit the same fault again for ever.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from redis import Redis, ResponseError

from faults.checks import FaultError
from faults.fault import Fault, load
from faults.notice import Notice
from faults.points import BY_CONTROL, IN_A_TRANSACTION, Mechanism, Point
from faults.target import Target
from topology.tuning import WholeSeconds

KEY, OFF_KEY, KNOWN_KEY = "faults", "mechanisms:off", "faults:bookings:"
KNOWN_FOR_S: WholeSeconds = 86_400  # how long the bookings of a fault for a seat or a customer are remembered
log = logging.getLogger(__name__)

# The dice are `draw` below. A fault that does not strike still counts its pass. A value that has become unreadable
# since the plan was read does not strike.
_CLAIM = """
local function count(raw)
    local fault = cjson.decode(raw)
    local trigger = fault.trigger
    local limits = {once = 1, times = trigger.times}
    local limit = limits[trigger.kind]
    if limit and fault.fired >= limit or fault.expires_at <= ARGV[2] then return false, nil end
    fault.passes = fault.passes + 1
    local strikes = fault.passes > trigger.after
    if strikes and trigger.kind == 'probability' then
        local digest = redis.sha1hex(string.format('%d:%d', trigger.seed, fault.passes))
        strikes = tonumber(string.sub(digest, 1, 8), 16) / 4294967296 < trigger.probability
    end
    if strikes then
        fault.fired = fault.fired + 1
        fault.last_fired = ARGV[2]
        fault.last_booking = ARGV[3]
    end
    return strikes, cjson.encode(fault)
end
local raw = redis.call('HGET', KEYS[1], ARGV[1])
if not raw then return nil end
local readable, strikes, counted = pcall(count, raw)
if not readable or not counted then return nil end
redis.call('HSET', KEYS[1], ARGV[1], counted)
return strikes and counted or nil
"""


def draw(seed: int, number: int) -> float:
    """The random number of pass `number` (from 1): in [0, 1), the same in every run. A fault strikes below its probability."""
    digest = hashlib.sha1(f"{seed}:{number}".encode(), usedforsecurity=False).hexdigest()
    return int(digest[:8], 16) / 2**32


class Plan:
    """Call `refresh()` once per batch, then check `armed`. It is normally empty, and then costs nothing.

    Keep one plan per thread from batch to batch: an empty plan is not read again before it changes. `program` is the
    name of the process (worker-seats): a fault may be meant for one process of a service.
    """

    def __init__(self, redis: Redis, service: str, program: str = "") -> None:
        self.redis, self.service, self.program = redis, service, program
        self.armed: list[Fault] = []  # those that may strike in this process
        self.personal: list[Fault] = []  # those for a seat, a customer or a visitor, at any point
        self.off: frozenset[str] = frozenset()
        self.answers: dict[str, Fault] = {}  # message id -> the refusal claimed for it, until the next refresh
        self._known: dict[str, frozenset[str]] = {}
        self._unreadable: dict[bytes, str] = {}
        self._claim = redis.register_script(_CLAIM)
        self._notice = Notice(redis)

    def refresh(self) -> Plan:
        """Read the plan. No round trip while it stays empty, else one, and one more while a fault is armed for a seat
        or a customer.

        Raises RedisError.
        """
        self.answers = {}
        if self._notice.still_empty():
            return self
        self._notice.about_to_read()
        pipe = self.redis.pipeline(transaction=False)
        pipe.hgetall(KEY)
        pipe.smembers(OFF_KEY)
        raw, off = (answered(found, ()) for found in pipe.execute(raise_on_error=False))
        self._notice.read(empty=not raw and not off)
        self.off = frozenset(_text(item) for item in off)
        found, unreadable = read(raw) if raw else ([], {})
        if unreadable.keys() - self._unreadable.keys():  # the control process moves it aside, if it runs
            log.warning("the fault plan holds a value that is not a fault; skipping it: %s", described(unreadable))
        self._unreadable = unreadable
        live = [fault for fault in found if fault.live]
        self.armed = [fault for fault in live if self._mine(fault)]
        self.personal = [fault for fault in live if fault.personal]
        self._known = self._ask_known() if self.personal else {}
        return self

    def concerns(self, target: Target) -> bool:
        """Whether any armed fault could strike this message at any point of its local transaction."""
        return any(fault.point in IN_A_TRANSACTION and self._aims(fault, target) for fault in self.armed)

    def strike(self, point: Point, target: Target) -> Fault | None:
        """Claim and return the first armed fault that strikes here; None almost always. Raises RedisError."""
        for fault in self.armed:
            if fault.point == point and self._aims(fault, target):
                now = datetime.now(UTC).isoformat(timespec="microseconds")
                claimed = self._claim(keys=[KEY], args=[fault.id, now, target.booking])
                if claimed is not None and (found := read({fault.id.encode(): claimed})[0]):
                    return found[0]
        return None

    def learn(self, target: Target) -> None:
        """Record the seat, customer and visitor of a message's booking, for later messages that carry none of them.
        Booking's relay calls it for every message it sends, first the event BookingPlaced, and so before any process
        needs it.
        """
        for fault in self.personal:
            known = self._known.get(fault.id, frozenset())
            if target.booking and target.booking not in known and fault.begins_with(target, known):
                self.redis.sadd(KNOWN_KEY + fault.id, target.booking)
                self.redis.expire(KNOWN_KEY + fault.id, KNOWN_FOR_S)
                self._known[fault.id] = known | {target.booking}

    def disabled(self, mechanism: Mechanism) -> bool:
        return mechanism in self.off

    def _mine(self, fault: Fault) -> bool:
        return fault.service in ("", self.service, self.program) and (fault.point, fault.action) not in BY_CONTROL

    def _aims(self, fault: Fault, target: Target) -> bool:
        return fault.aims_at(target, self._known.get(fault.id, ()))

    def _ask_known(self) -> dict[str, frozenset[str]]:
        pipe = self.redis.pipeline(transaction=False)
        for fault in self.personal:
            pipe.smembers(KNOWN_KEY + fault.id)
        found = zip(self.personal, pipe.execute(), strict=True)
        return {fault.id: frozenset(_text(item) for item in members) for fault, members in found}


def read(raw: Mapping[bytes, bytes]) -> tuple[list[Fault], dict[bytes, str]]:
    """The faults of the plan in the order of arming: an earlier one wins over a later one for the same message. Also
    the values that this version cannot read as faults: field of the hash -> why. Never raises.
    """
    faults, unreadable = [], {}
    for name, value in raw.items():
        try:
            fault = load(value)
            if fault.id.encode() != name:
                raise FaultError(f"it is stored under another id than its own, {fault.id!r}")
            faults.append(fault)
        except Exception as error:  # any client may have written it, also a newer version: no process may die of it
            unreadable[name] = f"{type(error).__name__}: {error}"
    return sorted(faults, key=lambda fault: (fault.armed_at, fault.id)), unreadable


def of_another_type(found: object) -> bool:
    """Whether Redis answered that the key holds another type than requested."""
    return isinstance(found, ResponseError) and str(found).startswith("WRONGTYPE")


def answered(found: Any, instead: Any) -> Any:
    """One answer of a Redis pipeline; `instead` for a key of another type. Raises RedisError."""
    if of_another_type(found):
        return instead
    if isinstance(found, Exception):
        raise found
    return found


def described(unreadable: Mapping[bytes, str]) -> str:
    """One line, of bounded length."""
    few = [f"{_text(name)!r:.80} ({why:.200})" for name, why in sorted(unreadable.items())[:3]]
    return ", ".join(few) + (f" and {len(unreadable) - len(few)} more" if len(unreadable) > len(few) else "")


def _text(item: bytes | str) -> str:
    return item.decode(errors="replace") if isinstance(item, bytes) else item

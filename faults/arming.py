"""Changing the plan: arming, clearing, resuming what is held, switching mechanisms. The control process' side."""

from typing import Any, cast

from redis import Redis

from faults.checks import FaultError
from faults.fault import Fault, dump
from faults.holding import release
from faults.notice import CHANNEL, delivered
from faults.plan import KEY, KNOWN_KEY, OFF_KEY, read
from faults.points import Mechanism

LIMIT = 1000

_ARM = """
if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[3]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('PUBLISH', ARGV[4], ARGV[1])
return 1
"""


def arm(redis: Redis, fault: Fault) -> Fault:
    """Put a fault into the plan. Raises FaultError if the plan is full of faults that may still strike."""
    if not _armed(redis, fault):
        forget_spent(redis)
        if not _armed(redis, fault):
            raise FaultError(f"{LIMIT} faults are armed already; clear some first")
    delivered(redis)
    return fault


def clear(redis: Redis, fault_id: str | None = None) -> int:
    """Take one fault or all out of the plan, and resume what they hold; return how many there were."""
    ids = _ids(redis) if fault_id is None else [fault_id]
    removed = int(redis.hdel(KEY, *ids)) if ids else 0
    if ids:
        redis.delete(*(KNOWN_KEY + one for one in ids))
    release(redis, fault_id or "")
    return removed


def forget_spent(redis: Redis) -> int:
    """Take exhausted and expired faults out of the plan; return how many. What they hold stays held until its bound."""
    spent = [fault.id for fault in listing(redis) if not fault.live]
    return int(redis.hdel(KEY, *spent)) if spent else 0


def listing(redis: Redis) -> list[Fault]:
    """The whole plan, spent faults too, in the order of arming: of two that match the same, the first wins.

    Without what is no fault to this version.
    """
    found, _ = read(cast(dict[bytes, bytes], redis.hgetall(KEY)))
    return found


def switch(redis: Redis, mechanism: Mechanism, *, off: bool) -> None:
    """Switch a safety mechanism off (to see what it is for) or on again."""
    pipe = redis.pipeline(transaction=True)
    (pipe.sadd if off else pipe.srem)(OFF_KEY, str(mechanism))
    pipe.publish(CHANNEL, str(mechanism))
    pipe.execute()
    delivered(redis)


def switched_off(redis: Redis) -> set[Mechanism]:
    off = {_text(item) for item in cast(Any, redis.smembers(OFF_KEY))}
    return {mechanism for mechanism in Mechanism if mechanism in off}


def _armed(redis: Redis, fault: Fault) -> bool:
    return bool(redis.eval(_ARM, 1, KEY, fault.id, dump(fault), str(LIMIT), CHANNEL))


def _ids(redis: Redis) -> list[str]:
    return [_text(item) for item in cast(Any, redis.hkeys(KEY))]


def _text(item: bytes | str) -> str:
    return item.decode(errors="replace") if isinstance(item, bytes) else item

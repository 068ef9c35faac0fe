"""The plan in Redis. The services read it and count strikes there, so strikes are read back from Redis.

The key `faults:epoch` identifies the plan. If it is missing, Redis has lost its data (or is another Redis), and gets
the plan again from the durable copy.
"""

import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from redis import Redis, ResponseError

from control.state import kills
from faults import LIMIT, Fault, Mechanism, listing
from faults.fault import dump
from faults.notice import CHANNEL, delivered
from faults.plan import KEY, OFF_KEY, answered, described, of_another_type, read

EPOCH_KEY = "faults:epoch"
JOURNAL = "journal"
log = logging.getLogger(__name__)
ASIDE = "faults:unreadable"
"""A hash: values found in the plan that are not faults, unchanged, by their field. At most LIMIT of them."""

# Only if the value is unchanged: another client may have armed a fault under that id since.
_PUT_ASIDE = """
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
if redis.call('HLEN', KEYS[2]) < tonumber(ARGV[3]) then redis.call('HSET', KEYS[2], ARGV[1], ARGV[2]) end
return redis.call('HDEL', KEYS[1], ARGV[1])
"""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What Redis holds. `journal_end`: position of the newest journal entry on its stream, read before the faults.

    `unreadable`: values that this version cannot read as faults: (id, value, why). `wrong`: the keys of the plan that
    hold something other than a plan; then its epoch does not count.
    """

    epoch: str
    faults: dict[str, Fault]
    unreadable: dict[str, tuple[bytes, bytes, str]]
    wrong: list[str]
    off: frozenset[str]
    journal_end: int


class Mirror:
    """Raises redis.RedisError when Redis is away."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def read(self) -> Seen:
        pipe = self._redis.pipeline(transaction=False)
        pipe.xrevrange(JOURNAL, count=1)
        pipe.get(EPOCH_KEY)
        pipe.hgetall(KEY)
        pipe.smembers(OFF_KEY)
        found = pipe.execute(raise_on_error=False)
        wrong = [key for key, one in zip((EPOCH_KEY, KEY, OFF_KEY), found[1:], strict=True) if of_another_type(one)]
        newest, epoch, raw, off = (answered(one, None) for one in found)
        raw = raw or {}
        faults, unreadable = read(raw)
        return Seen(
            epoch="" if wrong else (epoch or b"").decode(errors="replace"),
            faults={fault.id: fault for fault in faults},
            unreadable={name.decode(errors="replace"): (name, raw[name], why) for name, why in unreadable.items()},
            wrong=wrong,
            off=frozenset(str(mechanism) for mechanism in Mechanism if mechanism.encode() in (off or ())),
            journal_end=int(newest[0][0].split(b"-")[0]) if newest else 0,
        )

    def put_aside(self, seen: Seen) -> str:
        """Move what is not a fault out of the plan that the services read, and keep it for inspection.

        Returns a sentence for the journal, which is also logged; "" if there is nothing to move.
        """
        if not seen.unreadable and not seen.wrong:
            return ""
        for key in seen.wrong:
            self._redis.rename(key, f"{ASIDE}:{key}")
        for name, value, _ in seen.unreadable.values():
            self._redis.eval(_PUT_ASIDE, 2, KEY, ASIDE, name, value, LIMIT)
        found = described(
            {name: why for name, _, why in seen.unreadable.values()}
            | {key.encode(): "a key of another type" for key in seen.wrong}
        )
        text = f"the fault plan in Redis held values that are not faults, which are kept as {ASIDE} now: {found}"
        log.warning("%s", text)
        return text

    def write_all(self, epoch: str, faults: Iterable[Fault], off: Collection[str]) -> None:
        """Replace the whole plan atomically: for a Redis that does not have this plan yet."""
        pipe = self._redis.pipeline(transaction=True)
        pipe.delete(KEY, OFF_KEY)
        armed: dict[Any, Any] = {fault.id: dump(fault) for fault in faults}
        if armed:
            pipe.hset(KEY, mapping=armed)
        if off:
            pipe.sadd(OFF_KEY, *off)
        pipe.set(EPOCH_KEY, epoch)
        pipe.publish(CHANNEL, epoch)
        pipe.execute()
        delivered(self._redis)

    def add(self, faults: Iterable[Fault]) -> None:
        """Add what is new, and rewrite nothing: that would undo a strike counted since the plan was read."""
        for fault in faults:
            pipe = self._redis.pipeline(transaction=True)
            pipe.hsetnx(KEY, fault.id, dump(fault))
            pipe.publish(CHANNEL, fault.id)
            pipe.execute()
        delivered(self._redis)

    def write_off(self, off: Collection[str]) -> None:
        pipe = self._redis.pipeline(transaction=True)
        pipe.delete(OFF_KEY)
        if off:
            pipe.sadd(OFF_KEY, *off)
        pipe.publish(CHANNEL, OFF_KEY)
        pipe.execute()
        delivered(self._redis)

    def remove(self, ids: Collection[str]) -> None:
        if ids:
            self._redis.hdel(KEY, *ids)


def end_what_kills(redis: Redis) -> None:
    """End those faults in Redis' copy of the plan: processes read it before the control process is up. A key that does
    not hold a plan arms nothing; the control process moves it aside.
    """
    try:
        deadly = [fault.id for fault in listing(redis) if kills(fault)]
    except ResponseError as error:
        if not of_another_type(error):
            raise
        return
    if deadly:
        redis.hdel(KEY, *deadly)

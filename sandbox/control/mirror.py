"""The plan in Redis. The services read it there and count it down there, so Redis is asked what struck.

The key `faults:epoch` says whose plan it is. Where it is missing, Redis has lost its data (or is another Redis), and gets the
plan anew from the durable copy.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from redis import Redis

from faults import Fault, listing
from faults.fault import dump, load
from faults.notice import CHANNEL, delivered
from faults.plan import KEY, OFF_KEY
from sandbox.control.state import kills

EPOCH_KEY = "faults:epoch"
JOURNAL = "journal"


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What Redis holds. `journal_end`: position of the newest journal entry on its stream, read before the faults."""

    epoch: str
    faults: dict[str, Fault]
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
        pipe.hvals(KEY)
        pipe.smembers(OFF_KEY)
        newest, epoch, raw, off = pipe.execute()
        faults = [load(item) for item in raw]
        return Seen(
            epoch=(epoch or b"").decode(),
            faults={fault.id: fault for fault in faults},
            off=frozenset(item.decode() for item in off),
            journal_end=int(newest[0][0].split(b"-")[0]) if newest else 0,
        )

    def write_all(self, epoch: str, faults: Iterable[Fault], off: Collection[str]) -> None:
        """Replace what is there, at once: for a Redis that is not ours yet."""
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
        """Put what is new beside what is there: to write that again would undo a strike counted since it was read."""
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
    """In the copy of the plan that Redis has kept: processes meet it before the control process is up."""
    deadly = [fault.id for fault in listing(redis) if kills(fault)]
    if deadly:
        redis.hdel(KEY, *deadly)

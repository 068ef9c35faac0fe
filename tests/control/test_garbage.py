"""What somebody wrote into the plan in Redis is put aside, once, and said; the keeper keeps the plan."""

import json
import logging
from typing import Any, cast

import pytest
from redis import Redis

import faults
from faults import Fault, Mechanism, Plan, Point, Target
from faults.holding import HELD_KEY
from messaging.observe import STREAM
from sandbox.control.keeper import Keeper
from sandbox.control.mirror import ASIDE, end_what_kills
from tests.control.conftest import NewKeeper
from tests.faults.garbage import DECLINED, GARBAGE, ID

TARGET = Target(message="TakePayment", booking="b-1")


def told(redis: Redis) -> list[str]:
    said = [json.loads(fields[b"o"]) for _, fields in cast(Any, redis.xrange(STREAM))]
    return [one["text"] for one in said if one["kind"] == "fault plan"]


@pytest.mark.parametrize("value", GARBAGE.values(), ids=GARBAGE.keys())
def test_it_is_put_aside_with_one_line_and_one_entry(
    keeper: Keeper, redis: Redis, caplog: pytest.LogCaptureFixture, value: bytes
) -> None:
    armed = keeper.arm(Fault(**DECLINED)).fault
    redis.hset("faults", ID, value)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            keeper.turn()
    (line,) = caplog.messages
    assert ID in line
    assert len(line) < 500
    assert told(redis) == [line]
    assert redis.hgetall(ASIDE) == {ID.encode(): value}
    assert redis.hkeys("faults") == [armed.id.encode()]
    assert [one["id"] for one in keeper.listing()] == [armed.id], "of the garbage the plan has nothing"


def test_a_fault_that_was_spoilt_in_redis_is_mirrored_anew(keeper: Keeper, redis: Redis) -> None:
    armed = keeper.arm(Fault(**DECLINED)).fault
    redis.hset("faults", armed.id, b"\xff")
    keeper.turn()
    keeper.turn()
    assert [one["state"] for one in keeper.listing()] == ["armed"]
    assert Plan(redis, "payments").refresh().strike(Point.ANSWER, TARGET) is not None


def test_a_keeper_starts_beside_it(new_keeper: NewKeeper, redis: Redis) -> None:
    for number, value in enumerate(GARBAGE.values()):
        redis.hset("faults", str(number), value)
    redis.hset(HELD_KEY, "x", b"\xff")
    redis.set("faults:epoch", b"\xff")
    redis.sadd("mechanisms:off", b"\xff", "seat belts")
    end_what_kills(redis)
    keeper = new_keeper()
    armed = keeper.arm(Fault(**DECLINED)).fault
    assert [fault.id for fault in faults.listing(redis)] == [armed.id]
    assert redis.hlen(ASIDE) == len(GARBAGE)
    assert keeper.off() == frozenset()


def test_what_is_no_mechanism_is_not_taken_for_one(keeper: Keeper, redis: Redis) -> None:
    redis.sadd("mechanisms:off", b"\xff", "seat belts", str(Mechanism.BARRIER))
    keeper.turn()
    assert keeper.off() == {"barrier"}


def test_a_journals_stream_that_is_none_keeps_nobody_from_arming(keeper: Keeper, redis: Redis) -> None:
    redis.set("journal", "x")
    keeper.arm(Fault(**DECLINED))
    assert Plan(redis, "payments").refresh().strike(Point.ANSWER, TARGET) is not None
    assert [one["state"] for one in keeper.listing()] == ["exhausted"]


@pytest.mark.parametrize("key", ["faults", "mechanisms:off", "faults:epoch"])
def test_a_key_of_another_type_is_put_aside_too(keeper: Keeper, redis: Redis, key: str) -> None:
    armed = keeper.arm(Fault(**DECLINED)).fault
    keeper.switch(Mechanism.OUTBOX, off=True)
    redis.delete(key)
    redis.xadd(key, {"x": "y"})
    keeper.turn()
    keeper.turn()
    assert [fault.id for fault in faults.listing(redis)] == [armed.id]
    assert faults.switched_off(redis) == {Mechanism.OUTBOX}
    (line,) = told(redis)
    assert key in line

"""What is no plan, in Redis or in the file, is put aside, once, and said; the keeper keeps what is one."""

import json
import logging
from pathlib import Path
from typing import Any, cast

import pytest
from redis import Redis

import faults
from control.keeper import Keeper
from control.mirror import ASIDE, end_what_kills
from faults import Fault, Mechanism, Plan, Point, Target
from faults.holding import HELD_KEY
from messaging.observe import STREAM
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


def kept(**more: Any) -> str:
    """A plan file with one fault, as it is kept, but for one field."""
    record = {"fault": json.loads(faults.dump(Fault(**DECLINED))), "proofs": [], "until": "", **more}
    return json.dumps({"epoch": more.get("epoch", "e"), "off": more.get("off", []), "records": [record]})


END_OF_TIME = {**DECLINED, "armed_at": "9999-12-31T23:59:59Z"}
UNREADABLE = [
    "", "{}", "null", "[1]", kept(fault={}), kept(fault=END_OF_TIME), kept(proofs=7), kept(proofs=[{}]), kept(until=9),
    kept(epoch=7), kept(off=7), kept(off=[7]), "[" * 100_000,
]  # fmt: skip


def test_a_plan_file_is_read_as_it_was_kept(new_keeper: NewKeeper, redis: Redis, tmp_path: Path) -> None:
    """The control of the test below."""
    (tmp_path / "plan.json").write_text(kept())
    assert [one["state"] for one in new_keeper().listing()] == ["armed"]


@pytest.mark.parametrize("text", UNREADABLE, ids=lambda text: text[:40])
def test_a_plan_that_cannot_be_read_is_put_aside(
    new_keeper: NewKeeper, redis: Redis, tmp_path: Path, text: str
) -> None:
    new_keeper().arm(Fault(**DECLINED))
    (tmp_path / "plan.json").write_text(text)
    assert new_keeper().listing() == []
    assert faults.listing(redis) == []
    assert (tmp_path / "plan.unreadable").read_text() == text

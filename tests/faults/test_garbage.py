"""Nothing that somebody writes into the plan in Redis stops a process that reads it."""

import json
import logging
from datetime import UTC, datetime

import pytest
from redis import Redis

import faults
from faults import Action, Fault, Held, Hold, Mechanism, Plan, Point, Target
from faults.holding import HELD_KEY
from messaging.process.heartbeat import Heartbeat
from tests.faults.garbage import DECLINED, GARBAGE, ID

TARGET = Target(message="TakePayment", booking="b-1")
IN_NO_ZONE = json.dumps({**dict.fromkeys(Held.__dataclass_fields__, "x"), "since": "2026-01-01", "until": "2026-01-01"})


@pytest.fixture(params=list(GARBAGE.values()), ids=list(GARBAGE))
def garbage(request: pytest.FixtureRequest, redis: Redis) -> bytes:
    redis.hset("faults", ID, request.param)
    return bytes(request.param)


def test_a_process_passes_over_it_says_so_once_and_meets_the_faults_beside_it(
    garbage: bytes, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    armed = faults.arm(redis, Fault(**DECLINED))
    plan = Plan(redis, "payments")
    with caplog.at_level(logging.WARNING):
        assert [fault.id for fault in plan.refresh().armed] == [armed.id]
        plan.refresh()
    (line,) = caplog.messages
    assert ID in line
    assert len(line) < 500
    struck = plan.strike(Point.ANSWER, TARGET)
    assert struck is not None
    assert struck.id == armed.id
    assert [fault.id for fault in faults.listing(redis)] == [armed.id]
    assert faults.forget_spent(redis) == 1
    assert redis.hget("faults", ID) == garbage, "putting it aside is for the control process"


def test_a_process_beats_beside_it(garbage: bytes, redis: Redis) -> None:
    Heartbeat(redis, "worker-payments").beat()
    assert redis.exists("alive:worker-payments")


def test_a_fault_that_was_spoilt_since_it_was_read_strikes_nobody(redis: Redis) -> None:
    armed = faults.arm(redis, Fault(**DECLINED))
    plan = Plan(redis, "payments").refresh()
    for value in GARBAGE.values():
        redis.hset("faults", armed.id, value)
        assert plan.strike(Point.ANSWER, TARGET) is None


def test_what_is_no_mechanism_switches_nothing_off(redis: Redis) -> None:
    redis.sadd("mechanisms:off", b"\xff", "seat belts", str(Mechanism.BARRIER))
    plan = Plan(redis, "payments").refresh()
    assert [mechanism for mechanism in Mechanism if plan.disabled(mechanism)] == [Mechanism.BARRIER]
    assert faults.switched_off(redis) == {Mechanism.BARRIER}


@pytest.mark.parametrize("value", [*list(GARBAGE.values())[:8], b'{"id":"x"}', IN_NO_ZONE])
def test_what_is_no_hold_is_passed_over(redis: Redis, value: bytes | str) -> None:
    fault = Fault(point=Point.TRANSACTION_INSIDE, action=Action.HOLD, service="payments")
    Hold(redis, fault, "worker-payments", TARGET)
    redis.hset(HELD_KEY, "x", value)
    assert [one.fault for one in faults.held(redis)] == [fault.id]
    assert faults.held_bookings(redis) == {"b-1"}
    faults.abandon(redis, "another", datetime.now(UTC))
    assert faults.release(redis) == 1


@pytest.mark.parametrize("key", ["faults", "mechanisms:off"])
def test_a_key_of_another_type_is_an_empty_plan(redis: Redis, key: str) -> None:
    """Until the control process has put it aside."""
    redis.set(key, "x")
    plan = Plan(redis, "payments").refresh()
    assert (plan.armed, plan.off) == ([], frozenset())
    Heartbeat(redis, "worker-payments").beat()
    assert redis.exists("alive:worker-payments")

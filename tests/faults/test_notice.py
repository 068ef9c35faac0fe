"""An empty plan costs nothing, and is never believed when it is not empty any more."""

import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from redis import ConnectionPool, Redis, RedisError

import faults
from control.mirror import Mirror
from faults import Action, Fault, Mechanism, Plan, Point, notice
from faults.fault import dump
from faults.plan import KEY
from tests.servers import redis_server_in
from tests.waiting import wait_until

FAULT = Fault(point=Point.TRANSACTION_INSIDE, action=Action.ERROR, service="payments")


def plan_of(redis: Redis) -> Plan:
    """A plan that has been read, and was empty."""
    plan = Plan(redis, "payments", "worker-payments").refresh()
    assert not plan.armed
    return plan


def reads(redis: Redis) -> int:
    """How often anybody has asked this Redis for the plan."""
    stats = redis.info("commandstats").get("cmdstat_hgetall", {})
    return int(stats.get("calls", 0))


def test_an_empty_plan_is_not_read_again(redis: Redis) -> None:
    plan = plan_of(redis)
    before = reads(redis)
    for _ in range(100):
        plan.refresh()
    assert reads(redis) == before


def test_a_plan_with_a_fault_is_read_each_time(redis: Redis) -> None:
    plan = plan_of(redis)
    faults.arm(redis, FAULT)
    before = reads(redis)
    for _ in range(10):
        assert plan.refresh().armed
    assert reads(redis) == before + 10
    faults.clear(redis)
    assert not plan.refresh().armed


CHANGES: dict[str, Callable[[Redis], object]] = {
    "armed": lambda redis: faults.arm(redis, FAULT),
    "switched off": lambda redis: faults.switch(redis, Mechanism.BARRIER, off=True),
    "mirrored anew": lambda redis: Mirror(redis).write_all("epoch", [FAULT], {Mechanism.BARRIER}),
    "added by the keeper": lambda redis: Mirror(redis).add([FAULT]),
    "switched off by the keeper": lambda redis: Mirror(redis).write_off({Mechanism.BARRIER}),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_whatever_is_put_into_an_empty_plan_is_known_at_the_next_look(
    redis: Redis, change: Callable[[Redis], object]
) -> None:
    plan = plan_of(redis)
    change(redis)
    plan.refresh()
    assert plan.armed or plan.disabled(Mechanism.BARRIER)


def test_the_first_look_after_an_idle_while_misses_nothing(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """The product's clients send Redis a PING where they have heard nothing for a while."""
    pool = redis.connection_pool
    kept = {**pool.connection_kwargs, "health_check_interval": 2 * notice.BELIEVED_S}
    plan = plan_of(Redis(connection_pool=ConnectionPool(pool.connection_class, **kept)))
    clock, now = [0.0], notice.time.monotonic
    monkeypatch.setattr(notice.time, "monotonic", lambda: now() + clock[0])
    for clock[0] in (1.5 * notice.BELIEVED_S, 2.2 * notice.BELIEVED_S):  # the plan is read, then believed, with a PING
        assert not plan.refresh().armed
    faults.arm(redis, FAULT)
    assert plan.refresh().armed


def test_an_empty_plan_is_not_believed_for_ever(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written past `arm` is told to nobody; after a while everybody looks all the same."""
    plan = plan_of(redis)
    redis.hset(KEY, FAULT.id, dump(FAULT))
    assert not plan.refresh().armed, "the control: the plan is believed to be empty"
    monkeypatch.setattr(notice.time, "monotonic", lambda now=notice.time.monotonic: now() + notice.BELIEVED_S)
    assert plan.refresh().armed


def test_a_redis_that_was_lost_is_asked_again(tmp_path: Path) -> None:
    with redis_server_in(tmp_path) as server:
        redis = server.client()
        plan = plan_of(redis)
        server.end(signal.SIGKILL)
        server.lose_data()
        server.start()
        faults.arm(redis, FAULT)
        wait_until(lambda: _refreshed(plan).armed, notice.BELIEVED_S / 2, "the plan to be read from the new Redis")


def _refreshed(plan: Plan) -> Plan:
    with suppress(RedisError):
        plan.refresh()
    return plan

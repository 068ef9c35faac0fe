"""The plan on a real Redis: claims, triggers, what it costs, and what a person does to it."""

import random
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis import Redis

import faults
from faults import Action, Fault, FaultError, Hold, Mechanism, Plan, Point, Target, Trigger
from faults.plan import draw
from messaging.process.heartbeat import Heartbeat
from payments.commands import handle
from payments.models import Payment
from tests.payments.test_payments import take
from tests.waiting import wait_until

HERE = Point.TRANSACTION_INSIDE
SOMEBODY = Target(message="TakePayment", booking="b-1")


def arm(redis: Redis, **more: Any) -> Fault:
    trigger = Trigger(**more.pop("trigger", {}))
    fault = Fault(**{"point": HERE, "action": Action.ERROR, "service": "payments", "trigger": trigger, **more})
    return faults.arm(redis, fault)


def plan_of(redis: Redis) -> Plan:
    return Plan(redis, "payments", "worker-payments").refresh()


def strikes(redis: Redis, passes: int) -> list[int]:
    """The numbers of the passes (from 1) at which something struck."""
    plan = plan_of(redis)
    return [number for number in range(1, passes + 1) if plan.strike(HERE, SOMEBODY)]


@pytest.mark.parametrize(
    ("trigger", "expected"),
    [
        ({}, [1]),
        ({"after": 3}, [4]),
        ({"kind": "times", "times": 2}, [1, 2]),
        ({"kind": "times", "times": 2, "after": 1}, [2, 3]),
        ({"kind": "always"}, [1, 2, 3, 4, 5, 6]),
        ({"kind": "probability", "probability": 0.0}, []),
        ({"kind": "probability", "probability": 1.0, "after": 4}, [5, 6]),
    ],
)
def test_a_trigger_says_at_which_passes_it_strikes(redis: Redis, trigger: dict[str, Any], expected: list[int]) -> None:
    arm(redis, trigger=trigger)
    assert strikes(redis, 6) == expected
    (fault,) = faults.listing(redis)
    assert fault.fired == len(expected)
    assert fault.last_booking == ("b-1" if expected else "")


def test_a_probability_strikes_the_same_passes_in_every_run(redis: Redis) -> None:
    trigger = {"kind": "probability", "probability": 0.3, "seed": 42}
    arm(redis, trigger=trigger)
    first = strikes(redis, 60)
    faults.clear(redis)
    arm(redis, trigger=trigger)
    assert strikes(redis, 30) + [30 + number for number in strikes(redis, 30)] == first  # whoever asks goes on counting
    assert first == [number for number in range(1, 61) if draw(42, number) < 0.3]


def test_many_processes_claim_no_more_than_there_is(redis: Redis) -> None:
    arm(redis, trigger={"kind": "times", "times": 5})
    plans = [plan_of(redis) for _ in range(20)]
    with ThreadPoolExecutor(20) as pool:
        claimed = list(pool.map(lambda plan: plan.strike(HERE, SOMEBODY), plans))
    assert sorted(fault.fired for fault in claimed if fault) == [1, 2, 3, 4, 5]


def test_the_first_armed_wins_and_both_are_shown(redis: Redis) -> None:
    first, second = arm(redis), arm(redis, action=Action.CRASH)
    plan = plan_of(redis)
    struck = [plan.strike(HERE, SOMEBODY) for _ in range(3)]
    assert [fault.id for fault in struck if fault] == [first.id, second.id]
    assert [fault.state for fault in faults.listing(redis)] == ["exhausted", "exhausted"]


def test_an_expired_fault_strikes_nobody(redis: Redis) -> None:
    soon = arm(redis, expires_at=(datetime.now(UTC) + timedelta(seconds=0.3)).isoformat())
    plan = plan_of(redis)
    assert [fault.id for fault in plan.armed] == [soon.id]
    wait_until(lambda: not faults.listing(redis)[0].live, 5, "the expiry")
    assert plan.strike(HERE, SOMEBODY) is None  # also for a process that read the plan before
    assert plan_of(redis).armed == []


def test_a_service_sees_what_may_strike_in_it(redis: Redis) -> None:
    mine = [arm(redis), arm(redis, service=""), arm(redis, point="process", action="crash", service="worker-payments")]
    arm(redis, service="seats")
    arm(redis, point="process", action="crash", service="relay-payments")
    arm(redis, point="database", action="down")  # for the control process
    assert plan_of(redis).armed == mine


def test_the_plan_is_bounded_and_what_is_spent_makes_room(redis: Redis) -> None:
    for _ in range(faults.LIMIT):
        arm(redis)
    with pytest.raises(FaultError, match="1000 faults are armed already; clear some first"):
        arm(redis)
    assert plan_of(redis).strike(HERE, SOMEBODY)
    arm(redis)
    assert len(faults.listing(redis)) == faults.LIMIT
    assert faults.clear(redis) == faults.LIMIT
    assert faults.clear(redis) == 0


def test_one_fault_can_be_cleared(redis: Redis) -> None:
    first, second = arm(redis), arm(redis)
    assert (faults.clear(redis, first.id), faults.clear(redis, first.id)) == (1, 0)
    assert faults.listing(redis) == [second]


def test_a_booking_is_known_by_its_seat_and_customer_once_somebody_told(redis: Redis) -> None:
    """TakePayment carries no seat; the event BookingPlaced, which the relay sends before, does."""
    seat, customer = arm(redis, seat="A-15"), arm(redis, customer=123, trigger={"kind": "always"})
    placed = {"type": "BookingPlaced", "correlationid": "b-1", "data": {"seats": ["A-15"], "customer_id": 123}}
    other = {"type": "BookingPlaced", "correlationid": "b-2", "data": {"seats": ["B-1"], "customer_id": 9}}
    assert plan_of(redis).strike(HERE, SOMEBODY) is None
    relay = Plan(redis, "booking", "relay-booking").refresh()
    for envelope in (placed, other):
        relay.learn(Target.of(envelope))
    plan = plan_of(redis)
    assert not plan.concerns(Target(message="TakePayment", booking="b-2"))
    struck = [plan.strike(HERE, SOMEBODY) for _ in range(2)]
    assert [fault.id for fault in struck if fault] == [seat.id, customer.id]
    faults.clear(redis)
    assert redis.keys("faults*") == []


def test_a_visitors_next_booking_is_the_first_they_place_after_arming(redis: Redis) -> None:
    """Neither somebody else's, nor one that was under way and whose command comes again, nor the one after the next."""
    before = uuid7(-5)
    fault = arm(redis, visitor="aa", trigger={"kind": "always"})
    others, first, second = uuid7(1), uuid7(2), uuid7(3)
    relay = Plan(redis, "booking", "relay-booking").refresh()
    for booking, who in ((before, "aa"), (others, "bb"), (first, "aa"), (second, "aa"), (first, "aa")):
        data = {"seats": ["A-1"], "customer_id": 123, "placed_by": who}
        relay.learn(Target.of({"type": "BookingPlaced", "correlationid": booking, "data": data}))
    plan = plan_of(redis)
    struck = [plan.strike(HERE, Target(message="TakePayment", booking=one)) for one in (before, others, second, first)]
    assert [one and one.last_booking for one in struck] == [None, None, None, first]
    again = Plan(redis, "booking", "relay-booking").refresh()  # a relay that was restarted sends some of it again
    again.learn(Target(message="BookingAdvanced", booking=second, visitor="aa"))
    assert plan_of(redis).strike(HERE, Target(message="TakePayment", booking=second)) is None
    event = Target(message="BookingAdvanced", booking=second, visitor="aa")
    assert not fault.aims_at(event, {first}), "that it carries the visitor is not enough"


def test_without_the_scope_the_command_that_comes_again_takes_the_shot(redis: Redis) -> None:
    """The control of the test above."""
    before = uuid7(-5)
    arm(redis)
    struck = plan_of(redis).strike(HERE, Target(message="TakePayment", booking=before))
    assert struck is not None


def uuid7(seconds: float) -> str:
    """The id of a booking placed so many seconds from now."""
    milliseconds = int((time.time() + seconds) * 1000)
    return str(uuid.UUID(int=milliseconds << 80 | 7 << 76 | 2 << 62 | random.getrandbits(62)))


def test_what_is_held_is_listed_until_it_is_resumed(redis: Redis) -> None:
    fault = arm(redis, action=Action.HOLD, trigger={"kind": "always"})
    one, two = (Hold(redis, fault, "worker-payments", SOMEBODY) for _ in range(2))
    assert [(entry.fault, entry.booking, entry.process) for entry in faults.held(redis)] == [
        (fault.id, "b-1", "worker-payments")
    ] * 2
    assert faults.held_bookings(redis) == {"b-1"}
    assert (one.ended(), faults.release(redis, "another"), faults.release(redis, fault.id)) == ("", 0, 2)
    assert wait_until(one.ended, 5).startswith("is resumed after")
    assert wait_until(two.ended, 5)
    assert (faults.held(redis), faults.listing(redis)) == ([], [fault])


def test_a_hold_is_bounded_and_clearing_ends_it(redis: Redis) -> None:
    short = arm(redis, action=Action.HOLD, seconds=0.2)
    hold = Hold(redis, short, "worker-payments", SOMEBODY)
    assert wait_until(hold.ended, 5).startswith("resumes by itself after 0.2 s")
    assert faults.held(redis) == []
    long = arm(redis, point="projector.before", action=Action.PAUSE, service="projections")
    hold = Hold(redis, long, "projector-bookings", SOMEBODY)
    assert faults.held_bookings(redis) == set()  # a view stands still, no saga
    faults.clear(redis, long.id)
    assert wait_until(hold.ended, 5)


def test_what_a_dead_process_held_is_taken_off_the_list_by_its_successor(redis: Redis) -> None:
    fault = arm(redis, action=Action.HOLD, trigger={"kind": "always"})
    Hold(redis, fault, "relay-payments", SOMEBODY), Hold(redis, fault, "relay-seats", SOMEBODY)
    successor = Heartbeat(redis, "relay-payments")
    Hold(redis, fault, "relay-payments", SOMEBODY)  # its own
    successor.beat()
    assert sorted(entry.process for entry in faults.held(redis)) == ["relay-payments", "relay-seats"]


def test_mechanisms_are_switched_off_and_on(redis: Redis) -> None:
    for mechanism in Mechanism:
        faults.switch(redis, mechanism, off=True)
        assert plan_of(redis).disabled(mechanism)
    assert faults.switched_off(redis) == set(Mechanism)
    for mechanism in Mechanism:
        faults.switch(redis, mechanism, off=False)
    assert not any(plan_of(redis).disabled(mechanism) for mechanism in Mechanism)


def calls(redis: Redis) -> dict[str, int]:
    stats: Any = redis.info("commandstats")
    return {name.removeprefix("cmdstat_"): found["calls"] for name, found in stats.items()}


@pytest.mark.django_db(databases=["payments"])
def test_with_nothing_armed_a_batch_costs_no_round_trip(redis: Redis) -> None:
    handle([take()])  # connects, and reads the plan
    redis.config_resetstat()
    handle([take() for _ in range(20)])
    assert Payment.objects.count() == 21
    found = calls(redis)
    found.pop("config", None), found.pop("info", None), found.pop("config|resetstat", None), found.pop("ping", None)
    assert found == {}, "the plan was found empty by the batch before, and nobody has changed it"


def test_a_process_beats_without_a_fault(redis: Redis) -> None:
    arm(redis, point="process", action="crash", service="watchdog")
    Heartbeat(redis, "relay-payments").beat()
    assert redis.exists("alive:relay-payments")
    assert faults.listing(redis)[0].fired == 0


def test_what_is_held_stays_held_though_redis_lost_everything(redis: Redis) -> None:
    hold = Hold(redis, arm(redis, action=Action.HOLD), "worker-payments", SOMEBODY)
    redis.flushall()
    wait_until(lambda: hold.ended() or faults.held(redis), 5, "the entry to be put back")
    assert hold.ended() == ""
    assert faults.release(redis, hold.fault.id) == 1
    assert wait_until(hold.ended, 5).startswith("is resumed")

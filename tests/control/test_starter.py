"""What may be started and stopped, in which order, and by how many at a time. The machine is one of memory: its steps are data.

That the real one does these steps is tests/topology/on_demand/test_starting.py's matter.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from redis import Redis

from control.on_demand import starter as module
from control.on_demand.operation import Refused, UnknownName
from control.on_demand.starter import Starter
from messaging.process import on_demand
from tests.control.memory import MEMORY, SUPERVISION, Memory, State
from tests.topology.on_demand.house import HOUSE
from tests.waiting import wait_until

PROGRAMS = ("postgres-vouchers", "relay-vouchers", "worker-vouchers", "api-vouchers")


@pytest.fixture(autouse=True)
def house(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(module, "HOUSE", HOUSE)
    monkeypatch.setattr(module, "BY_NAME", {one.name: one for one in HOUSE.programs})
    monkeypatch.setattr(module, "TELL_S", 0.0)
    monkeypatch.setattr(on_demand, "NAMES", frozenset(one.name for one in HOUSE.programs if one.on_demand))
    monkeypatch.setattr(Starter, "_reading", lambda self, done, program: None)  # there is no server
    yield
    MEMORY.clear()


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def starter(redis: Redis, told: list[str]) -> Starter:
    return Starter(redis, {"SUPERVISION": SUPERVISION}, told.append)


@pytest.fixture
def machine(starter: Starter) -> Memory:
    return MEMORY[-1]


def shown(starter: Starter, name: str = "vouchers") -> dict[str, Any]:
    return next(one for one in starter.listing() if one["name"] == name)


def done(starter: Starter, begin: Callable[[str, str], Any], name: str = "vouchers") -> dict[str, Any]:
    begin(name, "ana")
    wait_until(lambda: not shown(starter, name)["step"], 10, "it to be done")
    return shown(starter, name)


def working(starter: Starter, redis: Redis) -> frozenset[str]:
    starter.turn()
    return on_demand.OnDemand(redis).working()


def test_nothing_is_started_by_itself(starter: Starter, machine: Memory, redis: Redis) -> None:
    assert shown(starter)["state"] == "stopped"
    assert working(starter, redis) == frozenset()
    assert not starter.works("vouchers")
    assert starter.works("seats")
    assert machine.steps == []


def test_a_service_starts_from_its_instance_on_and_stops_the_other_way_round(
    starter: Starter, machine: Memory, redis: Redis, told: list[str]
) -> None:
    assert done(starter, starter.start)["state"] == "running"
    assert machine.steps == ["start postgres-vouchers", "set up vouchers", *(f"start {name}" for name in PROGRAMS[1:])]
    assert working(starter, redis) == frozenset(PROGRAMS)
    assert starter.works("vouchers")
    machine.steps.clear()
    assert done(starter, starter.stop)["state"] == "stopped"
    assert machine.steps == [f"stop {name}" for name in reversed(PROGRAMS)]
    assert working(starter, redis) == frozenset()
    assert told == ["ana starts vouchers", "ana stops vouchers"]


def test_a_program_starts_with_its_instance_and_stops_alone_and_an_instance_takes_all_along(
    starter: Starter, machine: Memory
) -> None:
    done(starter, starter.start, "api-vouchers")
    assert shown(starter)["state"] == "partly"
    assert shown(starter, "worker-vouchers")["state"] == "stopped"
    done(starter, starter.start, "worker-vouchers")
    machine.steps.clear()
    done(starter, starter.stop, "api-vouchers")
    assert machine.steps == ["stop api-vouchers"]
    done(starter, starter.stop, "postgres-vouchers")
    assert machine.steps[1:] == ["stop worker-vouchers", "stop postgres-vouchers"]


def test_one_operation_at_a_time_and_the_same_twice_is_one(starter: Starter, machine: Memory, told: list[str]) -> None:
    machine.go.clear()
    assert starter.start("vouchers", "ana")["state"] == "starting"
    assert starter.start("vouchers", "ben")["state"] == "starting"
    with pytest.raises(Refused, match="vouchers is being started, and one thing is at a time"):
        starter.stop("vouchers", "ben")
    with pytest.raises(Refused, match="one thing is at a time"):
        starter.start("api-vouchers", "ben")
    machine.go.set()
    wait_until(lambda: shown(starter)["state"] == "running", 10, "the start")
    assert told == ["ana starts vouchers"]
    assert machine.steps.count("start postgres-vouchers") == 1


def test_a_start_that_fails_says_why_and_stops_what_it_began(starter: Starter, machine: Memory, redis: Redis) -> None:
    done(starter, starter.start, "postgres-vouchers")
    machine.broken = "worker-vouchers"
    found = done(starter, starter.start)
    waited = "waiting for relay-vouchers, worker-vouchers, api-vouchers"
    assert (found["failure"], found["log"]) == (f"{waited}: worker-vouchers keeps dying", "/log")
    assert found["state"] == "partly", "the instance ran before"
    assert working(starter, redis) == {"postgres-vouchers"}
    machine.broken = ""
    assert done(starter, starter.start)["failure"] == ""


def test_what_runs_is_asked_of_supervisord_and_what_is_half_set_up_is_not_to_work_yet(
    starter: Starter, machine: Memory, redis: Redis
) -> None:
    """A control process that was killed while it started something, and the one after it."""
    for name in PROGRAMS[:2]:
        machine.programs[name] = State("RUNNING", 1)
    assert working(starter, redis) == {"relay-vouchers"}
    done(starter, starter.start)
    assert machine.steps[0] == "set up vouchers"
    assert working(starter, redis) == frozenset(PROGRAMS)


def test_a_redis_that_lost_its_data_is_told_again(starter: Starter, redis: Redis) -> None:
    done(starter, starter.start)
    redis.flushall()
    assert working(starter, redis) == frozenset(PROGRAMS)


def test_what_is_made_anew_begins_with_the_template(starter: Starter, machine: Memory) -> None:
    done(starter, starter.start)
    machine.steps.clear()
    assert done(starter, starter.renew)["state"] == "running"
    stopped = [f"stop {name}" for name in reversed(PROGRAMS)]
    again = ["start postgres-vouchers", "set up vouchers", *(f"start {name}" for name in PROGRAMS[1:])]
    assert machine.steps == [*stopped, "discard vouchers", *again]


def test_each_program_says_how_long_its_start_took(starter: Starter, machine: Memory) -> None:
    assert {one["took_s"] for one in shown(starter)["programs"]} == {None}
    done(starter, starter.start)
    assert all(one["took_s"] >= 0 for one in shown(starter)["programs"])
    done(starter, starter.stop)
    assert {one["took_s"] for one in shown(starter)["programs"]} == {None}


def test_unknown_names_and_containers_are_refused_in_words(starter: Starter, redis: Redis) -> None:
    with pytest.raises(
        UnknownName, match="nothing on demand is called 'seats'; there is vouchers, postgres-vouchers, "
    ):
        starter.start("seats")
    contained = Starter(redis, {"SUPERVISION": "", "COMPOSE_PROFILES": "vouchers, other"}, lambda text: None)
    assert {one["state"] for one in contained.listing()} == {"by compose"}
    with pytest.raises(Refused, match="COMPOSE_PROFILES=vouchers docker compose up -d"):
        contained.start("postgres-vouchers")
    contained.turn()
    assert on_demand.OnDemand(redis).working() == frozenset(PROGRAMS)

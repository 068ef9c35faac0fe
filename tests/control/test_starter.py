"""What may be started and stopped, in which order, and by how many at a time. The machine is one of memory: its steps are data.

That the real one does these steps is tests/topology/on_demand/test_starting.py's matter.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import pytest
from redis import Redis

from control import starter as module
from control.machine import MachineError
from control.starter import Refused, Starter, UnknownName
from messaging.process import on_demand
from tests.topology.on_demand.house import HOUSE
from tests.waiting import wait_until
from topology.processes import Process

PROGRAMS = ("postgres-vouchers", "relay-vouchers", "worker-vouchers", "api-vouchers")
MEMORY: list["Memory"] = []


@dataclass
class State:
    state: str = "STOPPED"
    pid: int = 0
    log: str = "/log"

    @property
    def is_wanted(self) -> bool:
        return self.state == "RUNNING"


@dataclass
class Memory:
    """Notes each step; `broken` programs do not come up; a start waits for `go`."""

    environment: Mapping[str, str]
    steps: list[str] = field(default_factory=list)
    set_ups: set[str] = field(default_factory=set)
    broken: str = ""
    go: Event = field(default_factory=Event)

    def __post_init__(self) -> None:
        self.programs = {one.name: State() for one in HOUSE.programs}
        self.go.set()
        MEMORY.append(self)

    def states(self) -> Mapping[str, State]:
        return dict(self.programs)

    def start(self, program: Process) -> bool:
        self.go.wait(10)
        if self.programs[program.name].is_wanted:
            return False
        self.steps.append(f"start {program.name}")
        self.programs[program.name] = State("RUNNING", 1)
        return True

    def wait(self, *programs: Process) -> None:
        if any(program.name == self.broken for program in programs):
            raise MachineError(f"{self.broken} keeps dying", "/log")

    def stop(self, program: Process) -> None:
        self.steps.append(f"stop {program.name}")
        self.programs[program.name] = State()

    def is_set_up(self, instance: str) -> bool:
        return instance in self.set_ups

    def set_up(self, instance: str) -> None:
        self.steps.append(f"set up {instance}")
        self.set_ups.add(instance)


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
    return Starter(redis, {"SUPERVISION": f"{__name__}.Memory"}, told.append)


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


def test_unknown_names_and_containers_are_refused_in_words(starter: Starter, redis: Redis) -> None:
    with pytest.raises(
        UnknownName, match="nothing on demand is called 'seats'; there is vouchers, postgres-vouchers, "
    ):
        starter.start("seats")
    contained = Starter(redis, {"SUPERVISION": "", "COMPOSE_PROFILES": "vouchers, other"}, lambda text: None)
    assert [one["state"] for one in contained.listing()] == ["by compose"] * 5
    with pytest.raises(Refused, match="COMPOSE_PROFILES=vouchers docker compose up -d"):
        contained.start("postgres-vouchers")
    contained.turn()
    assert on_demand.OnDemand(redis).working() == frozenset(PROGRAMS)

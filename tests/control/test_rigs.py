"""Which rigs may be opened, which gives way, and which closes by itself. The machine is one of memory."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ninja import NinjaAPI
from ninja.testing import TestClient
from pytest_django import Settings
from redis import Redis

from config.house import PARTS
from control.on_demand import rigs as module
from control.on_demand import starter as starting
from control.on_demand.lab_api import router
from control.on_demand.measurement import Measurement
from control.on_demand.operation import Refused, UnknownName
from control.on_demand.rigs import Rigs
from control.on_demand.starter import Starter
from messaging.process import on_demand
from serving.problems import install
from tests.control.memory import MEMORY, SUPERVISION, Memory, State
from tests.waiting import wait_until
from topology import House, Kind, Program, Rig, Service, part

NAMES = ("one", "two", "three")
API = [Program(name=f"api-{name}", kind=Kind.API, service="made-up", on_demand=True) for name in NAMES]
HOUSE = House(
    *PARTS,
    part(Service(name="made-up"), *API, *(Rig(name=name, programs=(f"api-{name}",)) for name in NAMES)),
)


class Clock:
    """What time.monotonic says here."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    found = Clock()
    monkeypatch.setattr(starting, "HOUSE", HOUSE)
    monkeypatch.setattr(starting, "BY_NAME", {one.name: one for one in HOUSE.programs})
    monkeypatch.setattr(on_demand, "NAMES", frozenset(one.name for one in HOUSE.programs if one.on_demand))
    monkeypatch.setattr(module, "HOUSE", HOUSE)
    monkeypatch.setattr(module, "time", found)
    yield found
    MEMORY.clear()


@pytest.fixture
def starter(redis: Redis) -> Starter:
    return Starter(redis, {"SUPERVISION": SUPERVISION}, lambda text: None)


@pytest.fixture
def measuring() -> list[bool]:
    return []


@pytest.fixture
def rigs(starter: Starter, measuring: list[bool]) -> Rigs:
    return Rigs(starter, {"RIG_IDLE_S": "600"}, lambda: bool(measuring))


def state(rigs: Rigs, name: str) -> str:
    return str(next(one["state"] for one in rigs.listing() if one["name"] == name))


def done(rigs: Rigs, act: Callable[[str, str], Any], name: str) -> str:
    act(name, "ana")
    wait_until(lambda: not any(one["step"] for one in rigs.listing()), 10, "it to be done")
    return state(rigs, name)


def test_none_is_open_by_itself_and_one_opens_and_closes(rigs: Rigs) -> None:
    assert [(one["name"], one["state"], one["people"]) for one in rigs.listing() if one["name"] in NAMES] == [
        (name, "closed", 0) for name in NAMES
    ]
    assert done(rigs, rigs.open, "one") == "open"
    assert MEMORY[-1].steps == ["start api-one"]
    assert done(rigs, rigs.close, "one") == "closed"


def test_what_is_open_is_not_opened_and_what_is_closed_is_neither_closed_nor_renewed(rigs: Rigs) -> None:
    done(rigs, rigs.open, "one")
    with pytest.raises(Refused, match="the rig one is open already"):
        rigs.open("one")
    for act in (rigs.close, rigs.renew):
        with pytest.raises(Refused, match="the rig two is not open"):
            act("two")
    with pytest.raises(UnknownName, match=r"no rig is called 'four'; there is .*one, two, three"):
        rigs.open("four")
    with pytest.raises(UnknownName, match="no rig is called 'api-one'"):
        rigs.seen("api-one", "ana")


def test_opening_twice_at_once_is_one_opening(rigs: Rigs) -> None:
    machine = MEMORY[-1]
    machine.go.clear()
    assert {rigs.open("one", who)["state"] for who in ("ana", "ben")} == {"opening"}
    machine.go.set()
    wait_until(lambda: state(rigs, "one") == "open", 10, "it to be open")
    assert machine.steps == ["start api-one"]


def test_the_third_takes_the_place_of_the_one_that_has_been_unused_for_longest(rigs: Rigs, clock: Clock) -> None:
    done(rigs, rigs.open, "one")
    clock.now += 10
    done(rigs, rigs.open, "two")
    clock.now += 10
    rigs.seen("one", "ben")
    clock.now += module.FADE_S + 1
    assert done(rigs, rigs.open, "three") == "open"
    assert (state(rigs, "one"), state(rigs, "two")) == ("open", "closed"), "one was used after two"
    assert MEMORY[-1].steps == ["start api-one", "start api-two", "stop api-two", "start api-three"]


def test_one_that_somebody_is_in_never_gives_way(rigs: Rigs, clock: Clock) -> None:
    done(rigs, rigs.open, "one")
    done(rigs, rigs.open, "two")
    rigs.seen("one", "ben")
    assert rigs.seen("one", "ana")["people"] == 2
    clock.now += 20
    rigs.seen("two", "ben")
    with pytest.raises(Refused, match="2 rigs are open, and somebody is in each of them: one, two"):
        rigs.open("three")
    assert state(rigs, "three") == "closed"
    clock.now += module.FADE_S - 19
    assert done(rigs, rigs.open, "three") == "open"
    assert (state(rigs, "one"), state(rigs, "two")) == ("closed", "open")


def test_one_that_nobody_is_in_closes_by_itself_but_not_while_it_is_measured(
    rigs: Rigs, clock: Clock, measuring: list[bool]
) -> None:
    done(rigs, rigs.open, "one")
    clock.now += 599
    rigs.seen("one", "ben")
    clock.now += 599
    rigs.turn()
    assert state(rigs, "one") == "open"
    clock.now += module.LOOK_S + 1
    measuring.append(True)
    rigs.turn()
    assert state(rigs, "one") == "open"
    clock.now += module.LOOK_S + 1
    measuring.clear()
    rigs.turn()
    assert state(rigs, "one") == "open", "it was used until now"
    clock.now += 601
    rigs.turn()
    wait_until(lambda: state(rigs, "one") == "closed", 10, "it to close")


def test_one_that_an_earlier_control_process_opened_is_given_its_time(
    redis: Redis, rigs: Rigs, starter: Starter, clock: Clock
) -> None:
    MEMORY[-1].programs["api-one"] = State("RUNNING", 1)
    starter.turn()
    rigs.turn()
    clock.now += 590
    rigs.turn()
    assert state(rigs, "one") == "open"
    clock.now += 20
    rigs.turn()
    wait_until(lambda: state(rigs, "one") == "closed", 10, "it to close")


def test_closed_rigs_ask_nobody(rigs: Rigs, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(self: Memory) -> None:
        raise AssertionError("supervisord was asked")

    monkeypatch.setattr(Memory, "states", asked)
    for _ in range(3):
        clock.now += module.LOOK_S + 1
        rigs.turn()


def test_what_fails_says_which_with_the_end_of_its_log(rigs: Rigs, tmp_path: Any) -> None:
    log = tmp_path / "log"
    log.write_text("\n".join(f"line {number}" for number in range(40)))
    MEMORY[-1].broken, MEMORY[-1].log = "api-one", str(log)
    assert done(rigs, rigs.open, "one") == "closed"
    found = next(one for one in rigs.listing() if one["name"] == "one")
    assert found["failure"] == "waiting for api-one: api-one keeps dying"
    assert found["tail"] == [f"line {number}" for number in range(28, 40)]


@pytest.mark.parametrize("person", ["", "x" * 65, "a b", "../x"])
def test_a_person_has_a_name_that_can_be_kept(rigs: Rigs, person: str) -> None:
    with pytest.raises(Refused, match="a person's name"):
        rigs.seen("one", person)


def test_nothing_is_opened_while_the_lab_is_measured_nor_measured_while_something_is_opened(
    rigs: Rigs, starter: Starter, tmp_path: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OPERATOR_TOKEN = "secret"
    measurement = Measurement(tmp_path, "http://127.0.0.1:1")  # where nobody listens
    api = NinjaAPI(urls_namespace="rigs of a test")
    install(api)
    api.add_router("", router(rigs, measurement, starter))
    client, headers = TestClient(api), {"Authorization": "Bearer secret"}
    machine = MEMORY[-1]
    machine.go.clear()
    assert client.post("/rigs/one/open", headers=headers).status_code == 202
    refused = client.post("/measurement", json={"exhibits": ["composition"]}, headers=headers)
    assert (refused.status_code, refused.json()["detail"]) == (
        409,
        "one is being started; nothing is measured meanwhile",
    )
    machine.go.set()
    wait_until(lambda: state(rigs, "one") == "open", 10, "it to be open")
    monkeypatch.setattr(Measurement, "running", True)
    refused = client.post("/rigs/two/open", headers=headers)
    assert (refused.status_code, refused.json()["detail"]) == (
        409,
        "the lab is being measured; try again when that has ended",
    )
    assert client.post("/measurement", json={}, headers=headers).status_code == 409
    assert client.post("/rigs/one/open", headers={"Authorization": "Bearer guess"}).status_code == 401

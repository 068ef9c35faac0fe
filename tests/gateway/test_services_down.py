"""What the banner says: which service is down, and never that an outage was injected when it was not."""

import json
import time
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import httpx
import pytest
from django.test import RequestFactory
from redis import Redis

from gateway import cached, faults_api, readiness, services_down
from gateway.cached import Cached
from gateway.clients import ServiceDown
from gateway.readiness import STARTING
from gateway.services_down import Down, explain
from messaging.process.heartbeat import SEEN, Heartbeat, note_start
from tests.waiting import wait_until

NOW = datetime(2027, 1, 31, 12, 0, tzinfo=UTC)


def fault(service: str, *, ago: float = 1, seconds: float = 20, over: bool = False, **more: Any) -> dict[str, Any]:
    until = "" if over else (NOW + timedelta(seconds=seconds)).isoformat()
    struck = (NOW - timedelta(seconds=ago)).isoformat()
    return {
        "service": service, "action": "down", "seconds": seconds, "until": until, "last_fired": struck, "held": [], **more
    }  # fmt: skip


def test_nothing_is_down() -> None:
    assert explain([], {"redis": "ready", "relay-seats": "ready"}, NOW) == []


def test_an_injected_outage_covers_what_it_takes_with_it() -> None:
    parts = {"relay-payments": "no heartbeat for 10 s", "recorder": "no heartbeat for 10 s", "api-seats": "ready"}
    (found,) = explain([fault("payments")], parts, NOW)
    assert (found.name, found.injected) == ("Payment", True)


def test_redis_is_nobodys_and_the_fault_may_leave_the_service_open() -> None:
    parts = {"redis": "not reachable (ConnectionError)", "worker-seats": "no heartbeat for 10 s"}
    (found,) = explain([fault("", point="redis")], parts, NOW)
    assert (found.name, found.injected) == ("Redis", True)


def test_our_outage_beside_an_injected_one_stands_by_itself() -> None:
    parts = {"api-tickets": "not reachable (ConnectError)", "worker-payments": "no heartbeat for 10 s"}
    injected, ours = explain([fault("payments")], parts, NOW)
    assert injected.injected
    assert ours == Down(name="Ticket's API", text="not reachable (ConnectError)", injected=False)


def test_signs_of_life_that_went_with_redis_are_given_time_to_come_back() -> None:
    parts = {"redis": "ready", "worker-seats": "no heartbeat for 10 s"}
    over = fault("redis", ago=5, seconds=1, over=True)
    assert explain([over], parts, NOW) == []
    (ours,) = explain([over], parts, NOW + timedelta(minutes=1))
    assert not ours.injected


def test_a_process_killed_on_purpose_is_no_outage_of_ours_for_a_moment() -> None:
    killed = fault("worker-seats", action="crash", seconds=0, over=True)
    parts = {"worker-seats": "no heartbeat for 10 s"}
    assert explain([killed], parts, NOW) == []
    assert [one.injected for one in explain([killed], parts, NOW + timedelta(minutes=1))] == [False]


def test_a_fault_that_has_not_struck_excuses_nothing() -> None:
    armed = fault("payments", over=True, last_fired="")
    assert [one.injected for one in explain([armed], {"api-payments": "not reachable"}, NOW)] == [False]


class Control:
    """Stands where the control process stands: keeps what is armed, and goes away."""

    def __init__(self) -> None:
        self.plan: list[dict[str, Any]] = []
        self.away = False

    def __call__(self, service: str, method: str, path: str, **request: Any) -> httpx.Response:
        if self.away:
            raise ServiceDown(service, httpx.ConnectError("refused"))
        if method == "GET":
            return httpx.Response(200, json={"faults": self.plan})
        self.plan.append({**json.loads(request["content"]), "state": "armed", "until": "", "held": []})
        return httpx.Response(200, json={name: value for name, value in self.plan[-1].items() if name != "held"})


@pytest.fixture
def control(monkeypatch: pytest.MonkeyPatch) -> Control:
    found = Control()
    monkeypatch.setattr(faults_api, "call", found)
    monkeypatch.setattr(faults_api, "KNOWN", known := faults_api.Known())
    monkeypatch.setattr(services_down, "KNOWN", known)
    return found


def shown_without(control: Control, part: str) -> list[bool]:
    """For each line of the banner, while control is away, whether it says injected."""
    control.away = True
    parts = {"control": "not reachable (ConnectError)", part: "no heartbeat for 10 s"}
    return [one.injected for one in explain(services_down._armed(), parts, datetime.now(UTC))]


@pytest.mark.parametrize("looked", [True, False])
def test_the_control_process_killed_on_purpose_is_no_outage_of_ours(control: Control, looked: bool) -> None:
    """Nobody else has the plan then: it is as the page knew it last."""
    request = RequestFactory().post("/rail/arm", REMOTE_ADDR="127.0.0.1", headers={"Host": "localhost"})
    faults_api.arm_fault(request, {"point": "process", "action": "crash", "service": "control"})
    if looked:
        assert len(services_down._armed()) == 1
    assert shown_without(control, "control") == []


def test_an_injected_outage_is_still_one_while_the_control_process_is_away(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = (datetime.now(UTC) + timedelta(seconds=20)).isoformat(timespec="microseconds")
    control.plan = [fault("seats", point="database", state="fired") | {"until": ends}]
    services_down._armed()
    assert shown_without(control, "worker-seats") == [True, False], "what control itself is missing for is ours"
    monkeypatch.setattr(faults_api, "HOUSE_EXPIRES_AFTER", timedelta(0))
    assert shown_without(control, "worker-seats") == [False, False], "the control: an old plan excuses nothing"


def test_what_has_not_been_up_since_the_start_is_one_line_with_a_count() -> None:
    parts = {"redis": "ready", "api-seats": "ready", "worker-seats": STARTING, "worker-booking": STARTING}
    (found,) = explain([], parts, NOW)
    assert found == Down(name="Starting", text="2 of 4 parts · Seat's worker next", injected=False, starting=True)


def test_parts_of_one_service_that_are_down_are_one_line() -> None:
    parts = dict.fromkeys(("worker-payments", "relay-payments", "worker-seats"), "no heartbeat for 10 s")
    parts["api-payments"] = "not reachable (ConnectError)"
    payments, seats = explain([], parts, NOW)
    assert payments.name == "Payment"
    assert payments.text.startswith("worker, relay, API: no heartbeat for 10 s; not reachable (ConnectError)")
    assert payments.text.endswith("its steps wait, and continue once it is back")
    assert (seats.name, payments.injected) == ("Seat's worker", False)


def test_one_that_has_been_up_is_not_starting_beside_those_that_are() -> None:
    parts = {"worker-seats": STARTING, "worker-booking": "no heartbeat for 10 s"}
    starting, ours = explain([], parts, NOW)
    assert (starting.starting, ours.starting) == (True, False)
    assert ours.name == "Booking's worker"


def test_an_injected_outage_is_said_at_once_however_long_the_parts_take(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each API waits for a Redis that is down before it says that it is not ready."""
    going_on, until = Event(), (datetime.now(UTC) + timedelta(seconds=6)).isoformat()
    redis_down = {**fault("redis", point="redis"), "until": until}

    def slow() -> dict[str, str]:
        going_on.wait(20)
        return {}

    monkeypatch.setattr(services_down, "ARMED", Cached[list[dict[str, Any]]](lambda: [redis_down], 0, []))
    monkeypatch.setattr(services_down, "PARTS", Cached[dict[str, str]](slow, 2, {}))
    began = time.monotonic()
    (found,) = services_down.down()
    assert time.monotonic() - began < 5
    going_on.set()
    assert (found.name, found.injected) == ("Redis", True)


def test_what_was_so_an_hour_ago_is_not_said_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now, going_on = 100.0, Event()
    monkeypatch.setattr(cached.time, "monotonic", lambda: now)
    looks = iter(["down", "up"])

    def look() -> str:
        found = next(looks)
        if found == "up":
            going_on.wait(20)
        return found

    one = Cached(look, 2, "unknown")
    assert one.at_once() == "down"
    now += 3600
    assert one.at_once() == "unknown"
    going_on.set()
    wait_until(lambda: one.at_once() == "up", 10, "the look that was under way")


def test_a_process_is_starting_until_its_first_sign_of_life(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "_up", set())
    monkeypatch.setattr(readiness, "redis_of_requests", lambda: redis)
    redis.delete(SEEN)
    redis.hset(SEEN, "worker-seats", (datetime.now(UTC) - timedelta(days=1)).isoformat())  # of the sandbox before
    note_start(redis)
    found = dict.fromkeys(("worker-seats", "relay-seats"), readiness.NO_SIGN)
    assert readiness._starting(found) == dict.fromkeys(found, STARTING)
    Heartbeat(redis, "worker-seats").beat()
    redis.delete("alive:worker-seats")
    assert readiness._starting(found) == {"relay-seats": STARTING}
    readiness._starting({"relay-seats": "ready"})
    redis.delete(SEEN)  # a Redis that lost its data
    assert readiness._starting({"relay-seats": readiness.NO_SIGN}) == {}


def test_who_has_lost_his_slot_says_what_that_means(redis: Redis) -> None:
    trouble = "nothing of seats is recorded: the replication slot is lost"
    Heartbeat(redis, "recorder").beat(trouble)
    Heartbeat(redis, "relay-seats").beat()
    nobody = ("booking", "seats", "payments", "tickets", "projections", "journal")
    parts = {name: state for name, state in readiness.parts(nobody).items() if name in ("recorder", "relay-seats")}
    assert parts == {"recorder": trouble, "relay-seats": "ready"}
    assert [(one.name, one.text, one.injected) for one in explain([], parts, NOW)] == [("Recorder", trouble, False)]

"""What the banner says: which service is down, and never that an outage was injected when it was not."""

from datetime import UTC, datetime, timedelta
from typing import Any

from dashboard.outages import Down, explain

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
    parts = {"relay-payments": "no sign of life for 10 s", "recorder": "no sign of life for 10 s", "api-seats": "ready"}
    (found,) = explain([fault("payments")], parts, NOW)
    assert (found.name, found.injected) == ("Payment", True)


def test_redis_is_nobodys_and_the_fault_may_leave_the_service_open() -> None:
    parts = {"redis": "not reachable (ConnectionError)", "worker-seats": "no sign of life for 10 s"}
    (found,) = explain([fault("", point="redis")], parts, NOW)
    assert (found.name, found.injected) == ("Redis", True)


def test_our_outage_beside_an_injected_one_stands_by_itself() -> None:
    parts = {"api-tickets": "not reachable (ConnectError)", "worker-payments": "no sign of life for 10 s"}
    injected, ours = explain([fault("payments")], parts, NOW)
    assert injected.injected
    assert ours == Down(name="Ticket's API", text="not reachable (ConnectError)", injected=False)


def test_signs_of_life_that_went_with_redis_are_given_time_to_come_back() -> None:
    parts = {"redis": "ready", "worker-seats": "no sign of life for 10 s"}
    over = fault("redis", ago=5, seconds=1, over=True)
    assert explain([over], parts, NOW) == []
    (ours,) = explain([over], parts, NOW + timedelta(minutes=1))
    assert not ours.injected


def test_a_process_killed_on_purpose_is_no_outage_of_ours_for_a_moment() -> None:
    killed = fault("worker-seats", action="crash", seconds=0, over=True)
    parts = {"worker-seats": "no sign of life for 10 s"}
    assert explain([killed], parts, NOW) == []
    assert [one.injected for one in explain([killed], parts, NOW + timedelta(minutes=1))] == [False]


def test_a_fault_that_has_not_struck_excuses_nothing() -> None:
    armed = fault("payments", over=True, last_fired="")
    assert [one.injected for one in explain([armed], {"api-payments": "not reachable"}, NOW)] == [False]

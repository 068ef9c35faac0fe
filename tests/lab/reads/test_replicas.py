"""The exhibit about copies over HTTP, in the running sandbox: what it measures, refuses, and shows."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from redis import Redis

from lab.exhibits import REPLICAS
from lab.measuring import measure
from lab.reads.replicas import measuring
from tests.lab.conftest import change, rig_of
from tests.live import Live
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def rig(live: Live, open_rig: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    before = live.http.get("/api/lab/replicas/door-list")
    assert (before.status_code, before.json()["title"]) == (409, "The rig is closed")
    found = open_rig(REPLICAS.rig)
    wait_until(lambda: [one["events"] for one in copies(live)["replicas"]] == [0, 0], 60, "full copies")
    return found


def copies(live: Live) -> dict[str, Any]:
    return dict(live.http.get("/api/lab/replicas").json())


def test_an_open_rig_has_one_light(rig: dict[str, Any]) -> None:
    assert [(one["name"], one["state"]) for one in rig["programs"]] == [("replicator-tickets", "RUNNING")]


def test_the_list_is_one_call_for_ten_bookings(live: Live, rig: dict[str, Any]) -> None:
    answer = live.http.get("/api/lab/replicas/door-list", params={"limit": 10})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["calls"], len(found["spans"]), len(found["rows"])) == (1, 1, 10)
    assert all(row["customer"] and row["section"] == "Lab" and row["bookings"] for row in found["rows"])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/lab/replicas/door-list?limit=51", 422),
        ("GET", "/api/lab/replicas/door-list?limit=x", 422),
        ("GET", "/api/lab/replicas/door-list?network_ms=301", 422),
        ("POST", "/api/lab/replicas/halls/rebuild", 404),
        ("POST", "/api/lab/replicas/..%2f/rebuild", 404),
    ],
)
def test_bad_input_gets_a_problem(live: Live, rig: dict[str, Any], method: str, path: str, status: int) -> None:
    answer = live.http.request(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_the_figures_are_measured(
    live: Live, rig: dict[str, Any], redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A short one."""
    monkeypatch.setattr(measuring, "ROUNDS", 1)
    monkeypatch.setattr(measuring, "ASKS", {1: 2, 10: 1, 50: 1})
    monkeypatch.setattr(measuring, "SECONDS", 0.2)
    monkeypatch.setattr(measuring, "RENAMES", 2)
    with httpx.Client(base_url=live.url, timeout=60) as http:
        found = {one.name: one for one in measure(http, redis, [REPLICAS.name], lambda text: None)}
    assert {*found} == {column.name for column in REPLICAS.columns}
    assert found["calls_10"].value == 1
    assert found["network_10"].value >= 40
    assert 0 < found["fresh_50"].value < 3_000
    assert found["rebuilt_s"].value > 0
    assert found["copy_kb"].value > 0


def test_a_rename_that_the_copy_has_not_seen_says_so(live: Live, rig: dict[str, Any]) -> None:
    fault = live.arm(point="projector.before", action="pause", service="replicator-tickets")
    try:
        assert live.http.post("/api/lab/replicas/rename").json()["seen_ms"] is None
        assert sum(one["events"] for one in copies(live)["replicas"]) >= 1
    finally:
        live.http.delete(f"/api/faults/{fault}")
    wait_until(lambda: sum(one["events"] for one in copies(live)["replicas"]) == 0, 30, "the copy to catch up")
    assert live.http.post("/api/lab/replicas/rename").json()["seen_ms"] is not None


def test_closed_the_list_still_answers_from_what_there_is(live: Live, rig: dict[str, Any]) -> None:
    change(live, REPLICAS.rig, "close")
    assert rig_of(live, REPLICAS.rig)["state"] == "closed"
    assert live.sandbox.processes()["replicator-tickets"].state == "STOPPED"
    url = f"http://127.0.0.1:{live.sandbox.layout.ports['api-tickets']}/api/tickets/door-list?performance=lab-reads"
    assert httpx.get(url).json()["rows"][0]["customer"]
    wait_until(lambda: copies(live)["running"] is False, 20, "its last heartbeat to be old")
    change(live, REPLICAS.rig, "open")

"""The exhibit about composition, with real processes: its rig, its ways, what a role may see, and bad input."""

import json
import socket
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from redis import Redis

from lab.figures import latest
from lab.measuring import measure
from lab.reads import measuring
from lab.reads.composition import HOW
from tests.lab.conftest import change, rig_of
from tests.live import Live
from tests.waiting import wait_until
from topology.processes import HOUSE

pytestmark = pytest.mark.timeout(240)
PROBLEM = "application/problem+json"
CALL = {"service": "a", "call": "b", "began": 1, "took": 1, "status": 200}


@pytest.fixture(scope="module")
def rig(live: Live, open_rig: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    """Open, and with fifty bookings to ask about."""
    states = {name: status.state for name, status in live.sandbox.processes().items()}
    assert states["api-composer"] == "STOPPED", "closed rigs cost nothing"
    assert "api-composer" not in live.http.get("/readyz").json()["parts"]
    before = live.http.get("/api/lab/composition?how=batch")
    assert (before.status_code, before.json()["title"]) == (409, "The rig is closed")
    found = open_rig("reads")
    made = live.http.post("/api/lab/composition/bookings")
    assert (made.status_code, len(made.json()["bookings"])) == (200, 50), made.text
    return found


@pytest.fixture
def payment_down(live: Live, rig: dict[str, Any]) -> Iterator[None]:
    live.arm(point="api", action="down", service="payments", trigger={"kind": "always"}, seconds=60)
    yield
    live.http.delete("/api/faults")


def ask(live: Live, how: str, limit: int = 10, **more: Any) -> dict[str, Any]:
    answer = live.http.get("/api/lab/composition", params={"how": how, "limit": limit, **more})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_an_open_rig_shows_its_light_and_how_long_its_start_took(live: Live, rig: dict[str, Any]) -> None:
    assert rig["state"] == "open"
    (light,) = rig["programs"]
    assert (light["name"], light["state"]) == ("api-composer", "RUNNING")
    assert 0 < light["took_s"] < 60
    assert live.http.get("/readyz").json()["parts"]["api-composer"] == "ready"


def shows(live: Live, page: str, hall: str) -> bool:
    """Whether a line of the page is about the hall."""
    text = live.http.get(page).text
    return f"performance={hall}" in text or f"<small>{hall}</small>" in text


def test_the_composer_has_no_database() -> None:
    given = HOUSE.program("api-composer").keys
    assert "API_URL_SEATS" in given
    assert not [key for key in given if "DATABASE" in key or "PASSWORD" in key]


@pytest.mark.parametrize("limit", [1, 10, 50])
def test_the_calls_are_counted_exactly_and_every_row_is_whole(live: Live, rig: dict[str, Any], limit: int) -> None:
    for how, calls in (("sequential", 1 + 4 * limit), ("parallel", 1 + 4 * limit), ("batch", 5)):
        found = ask(live, how, limit)
        assert (found["calls"], len(found["spans"]), len(found["rows"]), found["missing"]) == (calls, calls, limit, 0)
        for row in found["rows"]:
            id = row["booking"]["id"]
            assert {row[part]["booking_id"] for part in ("hold", "payment", "tickets")} == {id}
            assert row["customer"]["id"] == row["booking"]["customer_id"]
            assert row["hold"]["seats"] == row["booking"]["seats"]


def test_a_simulated_network_is_waited_for_before_each_call(live: Live, rig: dict[str, Any]) -> None:
    slow = ask(live, "sequential", 10, network_ms=40)
    assert slow["took_ms"] > 41 * 40, "over a second and a half, for ten rows"
    assert ask(live, "batch", 10, network_ms=40)["took_ms"] < slow["took_ms"] / 2


def test_the_answer_is_always_fresh(live: Live, rig: dict[str, Any]) -> None:
    row = ask(live, "batch", 1)["rows"][0]
    number, name = row["customer"]["id"], row["customer"]["name"]
    try:
        for turn in range(20):
            given = {"name": f"Fresh {turn}"}
            headers = {"Idempotency-Key": str(uuid.uuid4())}
            live.http.patch(f"/api/customers/{number}", json=given, headers=headers).raise_for_status()
            how = ("sequential", "parallel", "batch")[turn % 3]
            assert ask(live, how, 1)["rows"][0]["customer"]["name"] == given["name"]
    finally:
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        live.http.patch(f"/api/customers/{number}", json={"name": name}, headers=headers).raise_for_status()


@pytest.mark.usefixtures("payment_down")
def test_with_payment_down_it_says_what_is_missing_or_answers_nothing(live: Live) -> None:
    for how in ("sequential", "parallel", "batch"):
        found = ask(live, how, 10)
        assert (found["missing"], {row["payment"] for row in found["rows"]}) == (10, {None})
        assert {gap["why"] for row in found["rows"] for gap in row["missing"]} == {"payments answers 503"}
        whole = live.http.get("/api/lab/composition", params={"how": how, "missing": "fail"})
        assert (whole.status_code, whole.headers["content-type"]) == (502, PROBLEM)
        assert whole.json()["detail"] == "payments answers 503"


def test_four_calls_decide_each_for_itself_and_the_composed_one_once(live: Live, rig: dict[str, Any]) -> None:
    subject = live.http.get("/lab/composition/subject").json()
    ids = {"booking": subject["booking"], "customer": subject["customer"], "payment": subject["booking"]}
    ids["tickets"] = subject["booking"]
    door = [live.http.get(f"/lab/net/{part}?viewer=door&id={id}").status_code for part, id in ids.items()]
    assert door == [200, 403, 200, 200]
    support = [live.http.get(f"/lab/net/{part}?viewer=support&id={id}").status_code for part, id in ids.items()]
    assert support == [200, 200, 200, 200]
    composed = live.http.get("/lab/net/composed?viewer=door")
    assert composed.status_code == 200
    (row,) = composed.json()["rows"]
    assert (row["customer"], row["missing"][0]["part"]) == (None, "customer")
    theirs = ask(live, "batch", 50, viewer="customer", customer=subject["customer"])["rows"]
    assert {row["booking"]["customer_id"] for row in theirs} == {subject["customer"]}


def test_what_the_lab_books_is_left_out_of_ordinary_figures_unless_asked(live: Live, rig: dict[str, Any]) -> None:
    hall = live.http.post("/api/lab/composition/bookings?count=1").json()["performance"]
    for page in ("/sales", "/bookings"):
        wait_until(partial(shows, live, f"{page}?lab=1", hall), 30, f"{page} to show it")
        assert not shows(live, page, hall)
    assert f'value="{hall}"' not in live.http.get("/").text


@pytest.mark.parametrize(
    ("method", "path", "status", "said"),
    [
        ("GET", "/api/lab/composition", 422, "how"),
        ("GET", "/api/lab/composition?how=guess", 422, "'sequential', 'parallel' or 'batch'"),
        ("GET", "/api/lab/composition?how=batch&limit=51", 422, "50"),
        ("GET", "/api/lab/composition?how=batch&limit=0", 422, "1"),
        ("GET", "/api/lab/composition?how=batch&missing=perhaps", 422, "'say' or 'fail'"),
        ("GET", "/api/lab/composition?how=batch&viewer=king", 422, "'support', 'door' or 'customer'"),
        ("GET", "/api/lab/composition?how=batch&network_ms=301", 422, "300"),
        ("POST", "/api/lab/composition/bookings?count=51", 422, "50"),
        ("POST", "/api/lab/rigs/nowhere/open", 404, "no rig is called 'nowhere'; there is reads"),
        ("POST", "/api/lab/rigs/reads/explode", 422, "'open', 'close' or 'renew'"),
        ("POST", "/api/lab/rigs/reads/open", 409, "the rig reads is open already"),
    ],
)
def test_bad_input(live: Live, rig: dict[str, Any], method: str, path: str, status: int, said: str) -> None:
    answer = live.http.request(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)
    assert said in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/lab/nothing", 404),
        ("/lab/nothing/standing", 404),
        ("/lab/net/everything?viewer=door&id=1", 404),
        ("/lab/net/booking?viewer=king&id=1", 422),
        ("/lab/net/booking?viewer=door&id=../../healthz", 422),
        ("/lab/net/booking?viewer=door&id=1&rtt=5000", 422),
        ("/lab/net/customer?viewer=support&id=7", 404),
    ],
)
def test_bad_addresses_of_pages(live: Live, rig: dict[str, Any], path: str, status: int) -> None:
    assert live.http.get(path).status_code == status


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("ask", {"how": "guess", "rows": "10", "missing": "say", "network": "0"}),
        ("ask", {"how": "batch", "rows": "11", "missing": "say", "network": "0"}),
        ("ask", {"how": "batch", "rows": "10", "missing": "x", "network": "0"}),
        ("ask", {"how": "batch", "rows": "10", "missing": "say", "network": "41"}),
        ("outage", {"down": "2"}),
        ("draw", {"own": "7", "composed": "[]"}),
        ("draw", {"own": "[{}]", "composed": "[]"}),
        ("draw", {"own": json.dumps([{**CALL, "began": "nan"}]), "composed": "[]"}),
        (
            "draw",
            {"own": json.dumps([CALL] * 21), "composed": "[]"},
        ),
    ],
)
def test_bad_forms(live: Live, rig: dict[str, Any], path: str, data: dict[str, str]) -> None:
    page = live.http.get("/lab/composition")
    token = page.cookies.get("csrftoken") or live.http.cookies["csrftoken"]
    headers = {"X-CSRFToken": token, "Origin": live.url}
    assert live.http.post(f"/lab/composition/{path}", data=data, headers=headers).status_code == 422


def test_a_get_starts_nothing_and_the_commands_open_close_and_refuse(live: Live, rig: dict[str, Any]) -> None:
    change(live, "reads", "close")
    try:
        for path in ("/lab", "/lab/composition", "/lab/composition/standing", "/api/lab", "/lab/composition/price"):
            assert live.http.get(path).status_code == 200
        assert rig_of(live, "reads")["state"] == "closed"
        assert live.sandbox.processes()["api-composer"].state == "STOPPED"
        closed = live.http.post("/api/lab/measurement", json={"exhibits": ["composition"]})
        assert (closed.status_code, closed.json()["title"]) == (409, "Not now")
        unknown = live.http.post("/api/lab/measurement", json={"exhibits": ["nothing"]})
        assert (unknown.status_code, unknown.json()["title"]) == (404, "Unknown exhibit")
        with socket.create_server(("127.0.0.1", live.sandbox.layout.ports["api-composer"])):
            failed = live.command("lab", "open", "composition")
        assert "the rig reads could not be opened: starting api-composer: port" in failed.stderr
        assert "which api-composer needs, is taken by another program" in live.http.get("/lab/composition").text
        assert rig_of(live, "reads")["state"] == "closed"
        listed = live.command("lab", "list")
        assert "composition    rig reads, closed: sequential, parallel, batch" in listed.stdout, listed.stderr
        opened = live.command("lab", "open", "composition")
        assert "reads is open: api-composer " in opened.stdout, opened.stderr
        again = live.command("lab", "open", "composition", "--json")
        assert (again.returncode, again.stderr.strip()) == (1, "CommandError: Not now: the rig reads is open already")
        nothing = live.command("lab", "open", "nothing")
        assert "there is no exhibit 'nothing'; there is composition" in nothing.stderr
        assert json.loads(live.command("lab", "close", "composition", "--json").stdout)["state"] == "closed"
    finally:
        if rig_of(live, "reads")["state"] == "closed":
            change(live, "reads", "open")


def test_the_ways_are_measured_in_turns_and_kept_with_what_was_armed(
    live: Live, rig: dict[str, Any], redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A short one; the whole is in tests/lab/reads/test_measure.py."""
    monkeypatch.setattr(measuring, "ROUNDS", 1)
    monkeypatch.setattr(measuring, "ASKS", {1: 1, 10: 1})
    monkeypatch.setattr(measuring, "SECONDS", 0.2)
    live.arm(point="api", action="delay", service="tickets", seconds=0.2, trigger={"kind": "always"})
    said: list[str] = []
    try:
        found = measure(live.http, redis, ["composition"], said.append)
    finally:
        live.http.delete("/api/faults")
    assert {one.key: one for one in found} == latest(redis)
    values = {(one.way, one.name): one for one in found}
    assert {way: values[way, "calls_10"].value for way in HOW} == {"sequential": 41, "parallel": 41, "batch": 5}
    assert values["sequential", "p50_10"].value > 10 * 200 > values["batch", "p50_10"].value
    assert values["batch", "p95_20"].count == 4
    assert {one.faults for one in found} == {("delay at api tickets",)}
    assert said[0] == "API composition: round 1 of 1"


def test_started_over_it_is_another_process(live: Live, rig: dict[str, Any]) -> None:
    was = live.sandbox.processes()["api-composer"].pid
    found = change(live, "reads", "renew")
    assert found["state"] == "open"
    assert live.sandbox.processes()["api-composer"].pid not in (0, was)

"""Off this machine: a visitor sees the story of every booking and in full what is theirs, and changes nothing else."""

import re
import time
import uuid
from itertools import chain
from typing import Any

import httpx
import pytest
from websockets import Origin
from websockets.sync.client import connect

from tests.flow.people.visiting import CUSTOMER, NAME, PERFORMANCE, World, place, plan, shown, world
from tests.routes import Route, changing, route_of, routes
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(180)
__all__ = ["world"]  # the fixture
HARMLESS = {"point": "bus", "action": "drop", "service": "seats", "seat": "nobody's"}
"""Somebody else's fault, that strikes nothing."""
NO_BOOKING = {
    "/replay/imports/{id}": "an import's progress",
    "/api/runs/imports/{id}": "the same",
    "/seats/differing": "labels of seats, and states",
    "/lab": "figures",
    "/lab/comparison": "the same",
    "/lab/{exhibit}": "figures, and how a rig stands",
    "/lab/{exhibit}/standing": "how a rig stands",
    "/lab/{exhibit}/price": "figures",
    "/lab/composition/subject": "for operators: tests/lab/test_pages.py",
    "/lab/net/composed": "the same",
    "/lab/net/{part}": "the same",
    "/api/lab": "names of exhibits, and how their rigs stand",
    "/api/lab/figures": "figures",
    "/api/lab/measurement": "what is being measured",
    "/api/lab/composition": "for operators: tests/lab/test_pages.py",
    "/lab/replicas/copies": "how stale copies are",
    "/api/lab/replicas": "for operators: tests/lab/test_pages.py",
    "/api/lab/replicas/door-list": "the same",
}
"""Routes that show no booking, and are looked at elsewhere."""


def test_a_stranger_finds_no_secret_word_anywhere(world: World) -> None:
    assert {what: found for what, found in shown(world, world.stranger, moments=True).items() if found} == {}


def test_who_has_no_cookie_neither(world: World) -> None:
    with httpx.Client(base_url=world.live.url, timeout=60, headers={"X-Forwarded-For": "192.0.2.9"}) as nobody:
        assert {what: found for what, found in shown(world, nobody).items() if found} == {}


def test_the_owner_sees_theirs_and_an_operator_everything(world: World) -> None:
    owners = shown(world, world.owner, moments=True)
    assert all(owners[what] for what in owners if what != "e-mail"), owners
    theirs = set(chain(*owners.values()))
    assert not any("events" in one or "/customers" in one or "export" in one for one in theirs)
    operators = shown(world, world.live.http)
    assert all(operators.values()), operators
    token = world.live.sandbox.environments.secrets["OPERATOR_TOKEN"]
    headers = {"X-Forwarded-For": "192.0.2.10", "Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=world.live.url, timeout=60, headers=headers) as away:
        assert NAME in away.get("/customers").text
        assert world.code in away.get(f"/bookings/{world.booking}").text


def test_the_story_of_a_strangers_booking_is_there(world: World) -> None:
    page = world.stranger.get(f"/?booking={world.booking}").text
    assert "CONFIRMED" in page
    assert "COMPLETED" in page
    assert "•••" in page
    assert "cancel-booking" not in page
    assert "cancel-booking" in world.owner.get(f"/?booking={world.booking}").text


def test_the_live_line_brings_a_stranger_no_secret(world: World) -> None:
    """Booked while both lines are open, so that each entry comes by them."""
    live = world.live
    standing = live.http.get("/live/head").json()

    def line(client: httpx.Client, address: str) -> Any:
        cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        url = httpx.URL(f"{live.url}/ws/journal".replace("http", "ws", 1), params={
            "after": standing["pos"], "epoch": standing["epoch"], "log": "1"})  # fmt: skip
        headers = {"Cookie": cookies, **({"X-Forwarded-For": address} if address else {})}
        return connect(str(url), origin=Origin(live.url), additional_headers=headers)

    with line(world.stranger, "192.0.2.8") as theirs, line(live.http, "") as ours:
        booking = place(live, world.owner, live.free_seats(1, PERFORMANCE)[0])
        ((code,),) = live.rows("tickets", "select code from tickets_ticket where issuance_id = %s::uuid", booking)

        def until(connection: Any, ended: str) -> str:
            text, give_up = "", time.monotonic() + 30
            while not re.search(ended, text) and time.monotonic() < give_up:
                text += str(connection.recv(15))
            return text

        end = f'data-bookings="{booking}"[^>]*>.*booking CONFIRMED'
        seen = until(theirs, end)
        assert "booking CONFIRMED" in seen
        assert code not in seen
        assert code in until(ours, re.escape(code))


BODIES: dict[Route, dict[str, Any]] = {
    ("PATCH", "/api/customers/{customer_id}"): {"name": "pwned"},
    ("POST", "/customers/{customer}/rename"): {"name": "pwned"},
    ("POST", "/api/bookings/{booking_id}/cancel"): {"customer": CUSTOMER},
    ("POST", "/bookings/{booking}/cancel"): {"customer": str(CUSTOMER)},
    ("POST", "/api/faults"): {"point": "bus", "action": "drop"},
    ("POST", "/rail/arm"): {"point": "bus", "action": "drop"},
    ("PUT", "/api/mechanisms"): {"barrier": False},
    ("PATCH", "/api/runs/{id}"): {"name": "mine"},
    ("POST", "/replay/{run}/rename"): {"name": "mine"},
    ("POST", "/console/run"): {"service": "seats", "sql": "select 1"},
    ("POST", "/api/operator/sagas/{booking_id}/{verb}"): {"who": "a", "why": "b"},
}
"""What a stranger would send, where an empty body could be refused for another reason than who they are."""
FOR_ALL = {
    ("POST", "/api/bookings"): "whoever comes may book",
    ("POST", "/book"): "the same",
    ("POST", "/first-run"): "the first booking of an empty sandbox, and no other",
    ("POST", "/rail/operator"): "signing in",
    ("POST", "/api/runs"): "whoever comes may start a run of theirs",
    ("POST", "/replay/start"): "the same",
    ("POST", "/faults/{name}"): "arms for the visitor's own next booking alone",
}
FORBIDDEN = [route for route in changing() if route not in FOR_ALL]


def test_the_lists_name_routes_that_there_are() -> None:
    assert FOR_ALL.keys() | BODIES.keys() <= set(changing())


@pytest.mark.parametrize(("method", "path"), FORBIDDEN)
def test_a_stranger_changes_nothing(world: World, method: str, path: str) -> None:
    live = world.live
    run = live.http.get("/api/runs").json()["runs"][0]["id"]
    armed = live.http.post("/api/faults", json=HARMLESS).json()["id"]
    body = BODIES.get((method, path), {})
    values = {"booking": world.booking, "booking_id": world.booking, "run": run, "customer": CUSTOMER, "fault": armed,
              "customer_id": CUSTOMER, "id": run, "letter": run, "letter_id": run, "what": "discard",
              "service": "seats", "name": "barrier", "exhibit": "composition", "rig": "reads",
              "verb": "discard" if "letters" in path else "skip"}  # fmt: skip
    content = {"json" if path.startswith("/api/") else "data": body} if method != "DELETE" else {}
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    try:
        answer = world.stranger.request(method, path.format_map(values), headers=headers, **content)  # type: ignore[arg-type]
        assert re.search("Operators only|Not your (booking|run)", answer.text), (answer.status_code, answer.text)
        if path.startswith("/api/"):
            assert answer.status_code in (401, 403)
        assert [one["state"] for one in plan(live) if one["id"] == armed] == ["armed"]
        assert not [one for one in plan(live) if one["who"].startswith("visitor")]
    finally:
        for _ in range(2):  # the first clears it, the second forgets it
            live.http.delete(f"/api/faults/{armed}")
    assert live.booking(world.booking)["state"] == "CONFIRMED"
    assert live.http.get(f"/api/customers/{CUSTOMER}").json()["name"] == NAME


def test_whatever_can_be_looked_at_is_looked_at_above(world: World) -> None:
    looked = {route_of(address) for address in [*world._addresses(), *world._moments()]}
    assert {path for method, path in routes() if method == "GET"} - looked == NO_BOOKING.keys()


def test_a_visitor_carries_their_own_run_away_and_nobody_elses(world: World) -> None:
    """What it says of others is masked, and it imports as any other file."""
    live = world.live
    # ends a visitor's, if one is open
    assert live.http.post("/api/runs", json={"name": "the operator's"}).status_code == 201
    begun = world.owner.post("/api/runs", json={"name": "mine"})
    assert begun.status_code == 201, begun.text
    run = begun.json()["id"]
    imported = ""
    try:
        mine = place(live, world.owner, live.free_seats(1, PERFORMANCE)[0])
        theirs = place(live, world.stranger, live.free_seats(1, PERFORMANCE)[0])
        codes = dict(live.rows(
            "tickets", "select issuance_id::text, code from tickets_ticket where issuance_id = any(%s::uuid[])", [mine, theirs]
        ))  # fmt: skip
        wait_until(
            lambda: codes[mine] in live.http.get(f"/api/runs/{run}/export").text, 30, "the journal to have it all"
        )
        wait_until(
            lambda: codes[mine] in world.owner.get(f"/bookings/{mine}").text, 30, "the views to know whose it is"
        )
        file = world.owner.get(f"/api/runs/{run}/export")
        assert file.status_code == 200, file.text
        assert codes[mine] in file.text
        others = {**world.secrets, "code": codes[theirs]}
        theirs_too = ("payment", "returned payment", "refund", "void code")  # of the owner's bookings before the run
        assert [what for what, word in others.items() if what not in theirs_too and word in file.text] == []
        taken = live.http.post("/api/runs/import", content=file.content)
        assert taken.status_code == 201, taken.text
        imported = taken.json()["id"]
        for method, path in (("GET", "export"), ("POST", "stop"), ("PATCH", ""), ("DELETE", "")):
            body = {"json": {"name": "theirs"}} if method == "PATCH" else {}
            answer = world.stranger.request(method, f"/api/runs/{run}/{path}".rstrip("/"), **body)  # type: ignore[arg-type]
            assert (answer.status_code, answer.json()["title"]) == (403, "Not your run"), answer.text
        refused = world.stranger.post("/api/runs", json={})
        assert refused.status_code == 409, "theirs is being recorded"
        assert re.search(r"another visitor's run .* or in 1[45] min$", refused.json()["detail"])
        assert world.owner.patch(f"/api/runs/{run}", json={"name": "ours"}).json()["name"] == "ours"
        page = world.owner.get("/replay").text
        assert page.count("/export") == 1
        assert "/export" not in world.stranger.get("/replay").text
        assert world.owner.post(f"/api/runs/{run}/stop").json()["open"] is False
        assert world.owner.delete(f"/api/runs/{run}").status_code == 200
        assert live.http.get(f"/api/runs/{run}").status_code == 404
    finally:
        live.http.post(f"/api/runs/{run}/stop")
        if imported:
            live.http.delete(f"/api/runs/{imported}")

"""/api/faults from outside: what it refuses, and what it says would be allowed."""

import json
import uuid
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests.live import Live
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(180)
NOBODY = "00000000-0000-7000-8000-000000000000"
REFUSE = {"point": "answer", "action": "refuse", "service": "payments", "message": "TakePayment"}

HOLD: dict[str, Any] = {
    "point": "relay.before_publish",
    "action": "hold",
    "service": "booking",
    "message": "TakePayment",
}
HOLD |= {"trigger": {"kind": "times", "times": 2}}


@pytest.fixture(autouse=True)
def nothing_armed(live: Live) -> Any:
    clear(live)
    yield
    clear(live)


def clear(live: Live) -> None:
    for _ in range(2):  # the first clears what is live, the second forgets it
        live.http.delete("/api/faults")


def arm(live: Live, **fault: Any) -> Any:
    return live.http.post("/api/faults", json=fault)


def held(live: Live, fault: str) -> str:
    """Place a booking, and return its id once the fault holds it."""
    booking = live.place(live.free_seats(1), "concert-2024")

    def holds() -> list[Any]:
        plan = live.http.get("/api/faults").json()["faults"]
        return [one for armed in plan if armed["id"] == fault for one in armed["held"] if one["booking"] == booking]

    wait_until(holds, 20, "the booking to be held")
    return booking


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        ({"point": "nowhere", "action": "crash"}, "transaction.inside"),
        ({"point": "answer", "action": "explode"}, "refuse"),
        ({"point": "answer", "action": "crash"}, "allowed there: refuse"),
        ({"point": "database", "action": "down"}, "payments"),
        ({"point": "answer", "action": "refuse", "service": "booking"}, "seats, payments, tickets"),
        ({**REFUSE, "trigger": {"kind": "probability", "probability": 1.5}}, "has to be at most 1"),
        ({**REFUSE, "trigger": {"kind": "probability", "probability": -0.1}}, "has to be at least 0"),
        ({**REFUSE, "trigger": {"kind": "sometimes"}}, "'once', 'times', 'probability' or 'always'"),
        ({**REFUSE, "booking": NOBODY}, f"no booking {NOBODY}"),
        ({**REFUSE, "booking": "mine"}, "UUID"),
        ({**REFUSE, "fired": 7}, "is no field that is known here"),
        ({"point": "database", "action": "down", "service": "seats", "booking": NOBODY}, "no booking"),
        ({"point": "bus", "action": "delay"}, "a delay needs seconds"),
    ],
)
def test_what_makes_no_sense_is_refused_and_says_what_does(live: Live, fault: dict[str, Any], named: str) -> None:
    answer = arm(live, **fault)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert named in answer.json()["detail"]
    assert live.http.get("/api/faults").json()["faults"] == []


def test_arm_see_clear(live: Live) -> None:
    first = arm(live, **REFUSE, reason="card_declined")
    assert first.status_code == 201
    second = arm(live, **REFUSE, reason="insufficient_funds", trigger={"kind": "times", "times": 2})
    assert second.status_code == 201
    (row,) = live.ended(live.place(live.free_seats(1), "concert-2024"))
    assert row["reason"] == "card_declined", "of two that contradict the first armed wins"
    one, other = live.http.get("/api/faults").json()["faults"]
    assert (one["state"], one["fired"], one["last_booking"]) == ("exhausted", 1, row["id"])
    assert other["state"] == "armed"
    assert live.http.delete(f"/api/faults/{other['id']}").json()["state"] == "cleared"
    assert live.http.delete("/api/faults/unknown").status_code == 404
    assert live.http.post("/api/faults/unknown/resume").status_code == 404


def test_off_this_machine_it_takes_the_operator_token(live: Live) -> None:
    away = {"X-Forwarded-For": "192.0.2.7"}
    token = live.sandbox.environments.secrets["OPERATOR_TOKEN"]
    with httpx.Client(base_url=live.url, timeout=30) as nobody:  # without a visitor's cookie
        for headers in (away, {**away, "Authorization": "Bearer guess"}):
            assert nobody.post("/api/faults", json=REFUSE, headers=headers).status_code == 401
            assert nobody.delete("/api/faults", headers=headers).status_code == 401
            assert nobody.put("/api/mechanisms", json={"barrier": False}, headers=headers).status_code == 401
    allowed = {**away, "Authorization": f"Bearer {token}"}
    assert live.http.post("/api/faults", json=REFUSE, headers=allowed).status_code == 201
    foreign = {"Origin": "https://example.com"}
    assert live.http.post("/api/faults", json=REFUSE, headers=foreign).status_code == 403


def test_off_this_machine_the_page_asks_for_the_token_and_keeps_it(live: Live) -> None:
    with httpx.Client(
        base_url=live.url, headers={"X-Forwarded-For": "192.0.2.7", "Origin": live.url}, timeout=30
    ) as away:
        assert "Operator token" in away.get("/").text
        csrf = {"X-CSRFToken": away.cookies["csrftoken"]}
        assert "Operators only" in away.post("/rail/clear", headers=csrf).text
        assert "not the operator token" in away.post("/rail/operator", data={"token": "guess"}, headers=csrf).text
        token = live.sandbox.environments.secrets["OPERATOR_TOKEN"]
        away.post("/rail/operator", data={"token": token}, headers=csrf)
        assert "armed, once" in away.post("/faults/card_declined", headers=csrf).text
        assert "Operators only" not in away.post("/rail/clear", headers=csrf).text
        assert "Operator token" not in away.get("/").text


def test_every_point_is_listed_with_a_sentence(live: Live) -> None:
    points = live.http.get("/api/faults/points").json()["points"]
    assert {"transaction.inside", "relay.after_publish", "bus", "database", "redis"} <= {one["point"] for one in points}
    assert all(one["sentence"].endswith(".") and one["actions"] for one in points)


def test_mechanisms_are_on_until_switched(live: Live) -> None:
    def states(answer: Any) -> dict[str, bool]:
        return {one["name"]: one["on"] for one in answer.json()["mechanisms"]}

    assert all(states(live.http.get("/api/mechanisms")).values())
    assert states(live.http.put("/api/mechanisms", json={"outbox": False}))["outbox"] is False
    assert all(states(live.http.put("/api/mechanisms", json={"outbox": True})).values())
    assert live.http.put("/api/mechanisms", json={"seatbelt": False}).status_code == 422


def test_the_command_line(live: Live) -> None:
    armed = live.command("faults", "arm", "answer", "refuse", "--service", "payments", "--times", "2")
    assert armed.returncode == 0, armed.stderr
    listed = live.command("faults", "--json", "list")
    (fault,) = json.loads(listed.stdout)["faults"]
    assert (fault["id"], fault["trigger"]["times"]) == (armed.stdout.strip(), 2)
    assert live.command("faults", "clear", fault["id"]).returncode == 0
    refused = live.command("faults", "arm", "answer", "crash")
    assert refused.returncode == 1
    assert "allowed there: refuse" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_the_old_name_of_resume_answers_as_it_does_and_is_marked_deprecated(live: Live) -> None:
    fault = arm(live, **HOLD).json()["id"]
    bookings = [held(live, fault)]
    old, new = (live.http.post(f"/api/faults/{fault}/{verb}") for verb in ("go-on", "resume"))
    assert (old.json(), new.json()) == ({"released": 1}, {"released": 0})
    assert old.headers["Deprecation"].startswith("@"), "a date, as RFC 9745 writes it"
    assert datetime.fromtimestamp(int(old.headers["Deprecation"][1:]), UTC) < datetime.now(UTC)
    assert old.headers["Link"] == f'</api/faults/{fault}/resume>; rel="successor-version"'
    assert "Deprecation" not in new.headers
    paths = live.http.get("/api/openapi.json").json()["paths"]
    deprecated = {path for path, verbs in paths.items() if any(one.get("deprecated") for one in verbs.values())}
    assert deprecated == {"/api/faults/{fault}/go-on"}
    bookings.append(held(live, fault))
    old_words, words = (live.command("faults", verb, fault) for verb in ("go-on", "resume"))
    assert (old_words.returncode, old_words.stdout) == (0, "1 resumed\n")
    assert (words.returncode, words.stdout, words.stderr) == (0, "0 resumed\n", "")
    assert "deprecated" in old_words.stderr
    assert [row["state"] for row in live.ended(*bookings)] == ["CONFIRMED", "CONFIRMED"]


def test_the_command_line_clears_while_the_page_is_away(live: Live) -> None:
    armed = live.http.post("/api/faults", json=REFUSE).json()["id"]
    live.sandbox.stop_process("web")
    try:
        assert armed in live.command("faults", "list").stdout
        cleared = live.command("faults", "clear", "--all")
        assert (cleared.returncode, cleared.stdout.strip()) == (0, "1 cleared"), cleared.stderr
        assert live.command("faults", "clear", "nobody").returncode == 1
        refused = live.command("faults", "arm", "answer", "refuse")
        assert "no sandbox answers" in refused.stderr
    finally:
        live.sandbox.start_process("web")
        live.sandbox.wait_healthy("web")
    assert live.http.get("/api/faults").json()["faults"][0]["state"] == "cleared"


def test_two_visitors_and_the_one_who_armed_is_hit(live: Live) -> None:
    def visitor() -> closing[httpx.Client]:
        client = httpx.Client(base_url=live.url, timeout=30, headers={"Origin": live.url})
        client.get("/")
        return closing(client)

    def book(client: httpx.Client) -> str:
        body = {
            "performance": "concert-2024",
            "customer": 123,
            "payment_method": "tok_visa",
            "seats": live.free_seats(1),
        }
        answer = client.post("/api/bookings", json=body, headers={"Idempotency-Key": str(uuid.uuid4())})
        assert answer.status_code == 202
        live.ended(answer.json()["id"])
        return str(answer.json()["id"])

    with visitor() as ours, visitor() as theirs:
        ours.post("/faults/card_declined", headers={"X-CSRFToken": ours.cookies["csrftoken"]})
        assert live.booking(book(theirs))["state"] == "CONFIRMED"
        assert live.booking(book(live.http))["state"] == "CONFIRMED", "nor a script's"
        hit = live.booking(book(ours))
        assert (hit["state"], hit["reason"]) == ("CANCELLED", "card_declined")
        assert live.booking(book(ours))["state"] == "CONFIRMED"
        kept = live.rows(
            "booking", "select distinct placed_by from booking_booking where placed_by = %s", hit["placed_by"]
        )
        assert kept == [(hit["placed_by"],)]
        assert hit["placed_by"] not in ours.cookies["visitor"]
        assert ours.post("/api/faults", json={**REFUSE, "mine": True}).status_code == 201
        assert live.booking(book(theirs))["state"] == "CONFIRMED"
        assert live.booking(book(ours))["state"] == "CANCELLED"
    with httpx.Client(base_url=live.url) as script:
        assert "cookie that a page has set" in script.post("/api/faults", json={**REFUSE, "mine": True}).text

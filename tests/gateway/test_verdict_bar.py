"""The words of the verdict's chip: each of what the auditor has found, and none before it has."""

import json
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.test import Client

from audit.verdict import judge
from gateway.audit import verdict
from gateway.cached import Cached
from tests.audit.test_invariants import hold_left_behind, paid_without_tickets
from tests.audit.world import CONFIRMED, DECLINED, World
from tests.dashboard.markup import compact

pytestmark = pytest.mark.urls("dashboard.urls")


def chips(world: World) -> str:
    found = judge(world.truth()).as_dict()
    return render_to_string("verdict/verdict.html#chips", {"verdict": found, "digest": ""})


def waived(world: World, booking: str, step: str, action: str, reason: str = "by hand") -> None:
    row = world.row("booking", "saga", booking)
    row.update(waived=[*(row["waived"] or ()), {"step": step, "action": action, "reason": reason}])


def test_what_is_waived_is_no_part_of_what_holds() -> None:
    world = World()
    assert "Holds for 3 bookings that have ended.</p>" in compact(chips(world))
    hold_left_behind(world)
    waived(world, DECLINED, "ReserveSeats", "compensation", "sold at the door")
    text = compact(chips(world))
    assert "Holds for 3 bookings that have ended, except for what was waived.</p>" in text
    assert ": ReserveSeats was skipped, “sold at the door”" in text
    assert "ReserveSeats was skipped: ReserveSeats was skipped" not in text


def test_a_saga_ended_by_hand_was_not_skipped() -> None:
    world = World()
    paid_without_tickets(world)
    waived(world, CONFIRMED, "whole saga", "end", "put right")
    text = chips(world)
    assert "paid, no tickets: its saga was ended by hand, “put right”" in text
    assert "whole saga was skipped" not in text


def test_the_chip_counts_all_that_is_waived() -> None:
    world = World()
    for number in range(30):
        waived(world, DECLINED, "ReserveSeats", "compensation", f"no. {number}")
    assert "<span>waived</span> 30</b>" in chips(world)


class Server(ThreadingHTTPServer):
    found: dict[str, Any]

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.asked: list[str] = []


class Answering(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        content = json.dumps(self.server.found).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: Any) -> None:
        pass


class Auditor:
    """What answers where the auditor's API is: `says` is its next answer. `ends`: from then on nobody listens there."""

    def __init__(self) -> None:
        self._server = Server()
        self.asked = self._server.asked
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.says(None)
        Thread(target=self._server.serve_forever, daemon=True).start()

    def says(self, verdict: dict[str, Any] | None, age_s: float = 1.0) -> None:
        self._server.found = {"age_s": age_s if verdict else None, "verdict": verdict}

    def ends(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def auditor(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[Auditor]:
    one = Auditor()
    settings.API_URLS = {**settings.API_URLS, "auditor": one.url}
    monkeypatch.setattr(verdict, "LATEST", Cached(verdict._look, 0, verdict.Known({})))
    yield one
    one.ends()


def verdict_of(world: World) -> dict[str, Any]:
    document = judge(world.truth()).as_dict()
    for one in document["invariants"]:
        for piece in (*one["evidence"], *one["waived"]):
            piece |= {"pos": None, "url": ""}
    return {"at": "2030-01-01T12:03:04+00:00", "took_ms": 7, **document}


def bar(client: Client, seen: str = "") -> tuple[int, str]:
    answer: Any = client.get("/verdict", {"seen": seen}, HTTP_HOST="localhost")
    return answer.status_code, answer.content.decode()


def test_before_the_first_verdict_the_bar_says_nothing_of_it(client: Client, auditor: Auditor) -> None:
    assert bar(client) == (204, "")


def test_the_bar_shows_what_the_auditor_found_and_no_note(client: Client, auditor: Auditor) -> None:
    auditor.says(verdict_of(World()))
    status, text = bar(client)
    assert (status, "8 promises hold" in compact(text), "verdict-old" in text) == (200, True, False)
    assert auditor.asked == ["/audit/verdict"], "a bar waits for no reading"
    (digest,) = re.findall(r'name="seen" value="(\w+)"', text)
    assert bar(client, seen=digest) == (204, "")


def pending(world: World) -> dict[str, Any]:
    """The verdict while one invariant waits for bookings that are under way."""
    document = verdict_of(world)
    document["invariants"][0]["status"] = document["status"] = "pending"
    return document


def test_while_it_reads_the_chip_keeps_the_tick_of_the_verdict_before_and_no_other(
    client: Client, auditor: Auditor
) -> None:
    auditor.says(pending(World()))
    assert ("reading …" in bar(client)[1], "faint" in bar(client)[1]) == (True, False), "nothing has been settled yet"
    auditor.says(verdict_of(World()))
    bar(client)
    auditor.says(pending(World()))
    assert ("reading …" in bar(client)[1], "faint" in bar(client)[1]) == (True, True)
    broken = World()
    paid_without_tickets(broken)
    auditor.says(verdict_of(broken))
    bar(client)
    auditor.says(pending(World()))
    assert ("reading …" in bar(client)[1], "faint" in bar(client)[1]) == (True, False), "the last one was broken"


def test_what_is_broken_stands_beside_the_one_chip_and_not_in_its_list(client: Client, auditor: Auditor) -> None:
    broken = World()
    paid_without_tickets(broken)
    found = verdict_of(broken)
    red = [one["name"] for one in found["invariants"] if one["status"] == "violated"]
    assert red
    auditor.says(found)
    beside, _, listed = bar(client)[1].partition('class="verdict-all"')
    assert re.findall(r'data-status="violated" id="verdict-(\w+)"', beside) == red
    assert not set(red) & set(re.findall(r'id="verdict-(\w+)"', listed))
    assert f"{len(red)} of 8 promises broken" in compact(listed)


def test_while_the_auditor_is_away_its_last_verdict_is_said_to_be_old(client: Client, auditor: Auditor) -> None:
    auditor.says(verdict_of(World()))
    _, fresh = bar(client)
    (digest,) = re.findall(r'name="seen" value="(\w+)"', fresh)
    auditor.ends()
    status, text = bar(client, seen=digest)
    assert status == 200, "what has changed is the note alone, and it has to be seen"
    assert "The auditor does not answer. This is its verdict of 12:03:04 UTC, and may no longer be true." in text
    assert ">old</span>" in text
    assert "promises hold" not in compact(text)
    assert 'data-status="holds"' in text, "what it said last is still there"
    assert "/verdict" in text.split("every 3s")[0], "the bar asks on"


def test_without_an_auditor_and_without_a_verdict_nobody_knows(client: Client, auditor: Auditor) -> None:
    auditor.ends()
    _, text = bar(client)
    assert "The auditor does not answer: nobody knows whether the invariants hold." in text
    assert ">unknown</span>" in text


def test_an_auditor_that_has_just_come_back_says_of_when_its_verdict_is(client: Client, auditor: Auditor) -> None:
    auditor.says(verdict_of(World()))
    bar(client)
    auditor.says(None)
    assert "The auditor has just started. This is its verdict of 12:03:04 UTC." in bar(client)[1]


def test_a_reading_that_takes_long_makes_the_verdict_before_it_old(client: Client, auditor: Auditor) -> None:
    auditor.says(verdict_of(World()), age_s=31.0)
    assert "This verdict is of 12:03:04 UTC: the auditor still reads." in bar(client)[1]


def test_the_api_asks_for_a_reading_now_and_says_when_there_is_none(client: Client, auditor: Auditor) -> None:
    auditor.says(verdict_of(World()))
    answer: Any = client.get("/api/verdict", HTTP_HOST="localhost")
    assert (answer.status_code, answer.json()["status"]) == (200, "holds")
    assert auditor.asked == ["/audit/verdict?now=1"]
    auditor.ends()
    answer = client.get("/api/verdict", HTTP_HOST="localhost")
    assert answer.status_code == 503
    assert answer.json()["detail"] == "service 'auditor' does not answer: ConnectError"

"""Reading over real HTTP: what is cut off, refused or away counts as silence, never as a verdict."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from audit import reader
from audit.truth import Views
from tests.audit.world import CONFIRMED, DECLINED, World

Body = Callable[[str], tuple[int, str, bytes]]


def lines(world: World, service: str) -> bytes:
    """What the service would answer."""
    rows = [{**row, "kind": kind} for kind, found in world.rows[service].items() for row in found]
    told = [{**world.meta[service], "kind": "meta"}, *rows, {"kind": "end", "rows": len(rows)}]
    return "".join(json.dumps(line) + "\n" for line in told).encode()


@contextmanager
def services(body: Body) -> Iterator[dict[str, str]]:
    """Serve `body(service)` -> (status, content type, content) for all four services; yields their URLs."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, kind, content = body(self.path.split("/")[2])
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        yield dict.fromkeys(("booking", "seats", "payments", "tickets"), url)
    finally:
        server.shutdown()
        server.server_close()


def test_a_world_in_order_holds_over_http() -> None:
    world = World()
    with services(lambda service: (200, "application/x-ndjson", lines(world, service))) as urls:
        verdict = reader.verdict(urls, world.views)
    assert (verdict.status, verdict.bookings["ended"]) == ("holds", 3)


def test_a_reading_that_rests_asks_one_after_the_other_and_finds_the_same() -> None:
    world = World()
    said: list[str] = []
    took: list[float] = []

    def body(service: str) -> tuple[int, str, bytes]:
        said.append(f"{service} is asked")
        whole = lines(world, service)
        said.append(f"{service} answers")
        return 200, "application/x-ndjson", whole

    with services(body) as urls:
        verdict = reader.verdict(urls, world.views, rest=took.append)
    order = ("booking", "seats", "payments", "tickets")
    assert len(took) == 5, "after each service, and after the views"
    assert said == [f"{service} {does}" for service in order for does in ("is asked", "answers")]
    assert (verdict.status, verdict.bookings["ended"]) == ("holds", 3)


def test_else_the_participants_are_asked_at_once() -> None:
    world, together = World(), threading.Barrier(3)

    def body(service: str) -> tuple[int, str, bytes]:
        if service != "booking":
            together.wait(timeout=10)
        return 200, "application/x-ndjson", lines(world, service)

    with services(body) as urls:
        assert reader.verdict(urls, world.views).status == "holds"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (
            lambda whole: (200, "application/x-ndjson", whole[: len(whole) // 2].rpartition(b"\n")[0] + b"\n"),
            "broke off",
        ),
        (lambda whole: (200, "application/x-ndjson", whole[:-5]), "does not answer: JSONDecodeError"),
        (lambda whole: (200, "application/x-ndjson", b""), "broke off after 0 lines"),
        (lambda whole: (200, "text/html", b"<h1>It works</h1>\n"), "does not answer: JSONDecodeError"),
        (lambda whole: (200, "application/x-ndjson", b"[1]\n"), "does not answer: TypeError"),
        (
            lambda whole: (503, "application/problem+json", b'{"detail": "the database is away"}'),
            "the database is away",
        ),
        (lambda whole: (404, "text/html", b"no"), "it answered 404"),
    ],
)
def test_an_answer_that_is_not_whole_is_no_answer(answer: Any, told: str) -> None:
    world = World()

    def body(service: str) -> tuple[int, str, bytes]:
        whole = lines(world, service)
        return answer(whole) if service == "payments" else (200, "application/x-ndjson", whole)

    with services(body) as urls:
        verdict = reader.verdict(urls, world.views)
    assert verdict.status == "pending"
    assert told in verdict.unavailable["payments"]


def test_nobody_answers() -> None:
    def no_views() -> Views:
        raise reader.SilentError("the read models' database does not answer")

    urls = dict.fromkeys(("booking", "seats", "payments", "tickets"), "http://127.0.0.1:1")
    verdict = reader.verdict(urls, no_views)
    assert {finding.status for finding in verdict.findings} == {"pending"}
    assert set(verdict.unavailable) == {"booking", "seats", "payments", "tickets", "views"}


def test_a_booking_that_moves_between_the_readings_is_under_way() -> None:
    """It had ended, and was cancelled while the others were read: what they say is of another moment."""
    world = World()
    world.row("seats", "hold", CONFIRMED).update(status="RELEASED")
    world.rows["seats"]["seat"][0].update(status="AVAILABLE", booking_id=None)
    world.row("payments", "payment", CONFIRMED).update(status="REFUNDED")
    asked: list[str] = []

    def body(service: str) -> tuple[int, str, bytes]:
        asked.append(service)
        if asked.count("booking") == 2:
            world.row("booking", "booking", CONFIRMED).update(state="CANCELLING", version=3)
        return 200, "application/x-ndjson", lines(world, service)

    with services(body) as urls:
        verdict = reader.verdict(urls, world.views)
    assert asked.count("booking") == 2
    assert verdict.status == "pending"
    assert verdict.bookings == {"ended": 2, "running": 1, "stuck": 0}


def test_a_hold_of_a_booking_placed_after_booking_was_read_is_no_orphan() -> None:
    world, later = World(), World()
    for kind in ("booking", "saga"):
        later.rows["booking"][kind] = [row for row in later.rows["booking"][kind] if row["booking_id"] != DECLINED]
    world.row("seats", "hold", DECLINED).update(status="HELD")
    world.runs(DECLINED)
    world.bookings.pop(DECLINED)
    asked: list[str] = []

    def body(service: str) -> tuple[int, str, bytes]:
        asked.append(service)
        source = later if service == "booking" and asked.count("booking") == 1 else world
        return 200, "application/x-ndjson", lines(source, service)

    with services(body) as urls:
        verdict = reader.verdict(urls, world.views)
    assert verdict.status == "pending"

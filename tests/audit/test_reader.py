"""Reading over real HTTP: what is cut off, refused or away counts as silence, never as a verdict."""

import threading
from typing import Any

import pytest

from audit import reader
from audit.truth import Views
from tests.audit.served import lines, services
from tests.audit.world import CONFIRMED, DECLINED, World

Query = dict[str, list[str]]


def test_a_world_in_order_holds_over_http() -> None:
    world = World()
    with services(lambda service, query: (200, "application/x-ndjson", lines(world, service))) as urls:
        verdict = reader.verdict(urls, world.views)
    assert (verdict.status, verdict.bookings["ended"]) == ("holds", 3)


def test_the_participants_are_asked_at_once() -> None:
    world, together = World(), threading.Barrier(3)

    def body(service: str, query: Query) -> tuple[int, str, bytes]:
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

    def body(service: str, query: Query) -> tuple[int, str, bytes]:
        whole = lines(world, service)
        return answer(whole) if service == "payments" else (200, "application/x-ndjson", whole)

    with services(body) as urls:
        verdict = reader.verdict(urls, world.views)
    assert verdict.status == "pending"
    assert told in verdict.unavailable["payments"]


@pytest.mark.parametrize("stopped", ["payments", "booking"])
def test_a_service_on_demand_that_is_stopped_makes_its_invariants_not_applicable(stopped: str) -> None:
    world = World()
    world.row("seats", "seat", CONFIRMED).update(status="AVAILABLE", booking_id=None)
    with services(lambda service, query: (200, "application/x-ndjson", lines(world, service))) as urls:
        verdict = reader.verdict({name: url for name, url in urls.items() if name != stopped}, world.views)
    judged = [one for one in verdict.findings if stopped not in one.invariant.needs]
    assert [one.invariant.name for one in judged if one.status == "violated"] == (
        ["no_orphan_hold"] if stopped == "payments" else []
    )
    reason = f"{stopped} is on demand, and stopped"
    for one in verdict.findings:
        if one not in judged:
            assert one.status == "not_applicable"
            assert one.evidence[0]["what"].startswith(reason)
    assert verdict.unavailable == {}
    assert verdict.status == ("violated" if stopped == "payments" else "not_applicable")


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

    def body(service: str, query: Query) -> tuple[int, str, bytes]:
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

    def body(service: str, query: Query) -> tuple[int, str, bytes]:
        asked.append(service)
        source = later if service == "booking" and asked.count("booking") == 1 else world
        return 200, "application/x-ndjson", lines(source, service)

    with services(body) as urls:
        verdict = reader.verdict(urls, world.views)
    assert verdict.status == "pending"

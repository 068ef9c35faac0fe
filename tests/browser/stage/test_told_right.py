"""What the page says of bookings that fail, of runs, outages and faults is what happened: read in a real browser."""

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Response, expect
from redis import Redis

from messaging.process.heartbeat import SEEN, STARTED, note_start
from tests.breaking import frozen
from tests.browser.breaking.test_faults import arm, choose, nothing_armed
from tests.browser.stage.test_page import PATIENCE, OpenPage, state
from tests.dashboard.replay.exporting import exported
from tests.live import Live
from tests.waiting import wait_until

__all__ = ["nothing_armed"]
pytestmark = pytest.mark.timeout(180)

ANSWER = {"point": "answer", "action": "refuse"}
TWICE = {"kind": "times", "times": 2}
PLAN_S = 0.5  # the page may know the plan of faults as it was that long ago
MARK = '(element) => getComputedStyle(element, "::before").content'
COLOUR = "(element) => getComputedStyle(element).color"
QUIET_S = 2
STILL = ("projector-sales", "projector-customer-history", "sweeper-seats")


def boxes(page: Page, service: str, title: str) -> Locator:
    """The boxes of the lanes with this title, in the order in which they happened. Their lines are wrapped: see `words`."""
    return page.locator(f'#lanes-svg .box[data-service="{service}"][aria-label*=": {title}"]')


def words(text: str) -> re.Pattern[str]:
    """The words, however their lines are wrapped."""
    return re.compile(text.replace(" ", r"\s*"))


def test_a_seat_that_is_sold_is_refused_and_not_answered_again(live: Live, open_page: OpenPage) -> None:
    seats = live.free_seats(1)
    live.ended(live.place(seats, "concert-2024"))
    second = live.place(seats, "concert-2024")
    assert live.ended(second)[0]["state"] == "CANCELLED"
    page = open_page(f"/?booking={second}")
    box = boxes(page, "seats", "ReserveSeats")
    expect(box).to_have_count(1, timeout=PATIENCE)
    expect(box).to_contain_text(words("refused: seat_taken"))
    expect(box).to_have_attribute("data-tone", "bad")
    expect(page.locator("#lanes-svg")).not_to_contain_text("again")
    expect(page.locator("#lanes-text")).not_to_contain_text("again")


def test_a_refused_compensation_waits_and_is_tried_again_until_it_is_settled(live: Live, open_page: OpenPage) -> None:
    seats = live.free_seats(1)
    for fault in (
        {"service": "tickets", "message": "IssueTickets", "reason": "printer_refused"},
        {"service": "payments", "message": "RefundPayment", "reason": "refund_refused", "trigger": TWICE},
    ):
        answer = live.http.post("/api/faults", json={**ANSWER, **fault, "seat": seats[0]})
        assert answer.status_code == 201, answer.text
    booking = live.place(seats, "concert-2024")
    page = open_page(f"/?booking={booking}")
    expect(state(page)).to_have_text("CANCELLED", timeout=PATIENCE)
    refunds = boxes(page, "payments", "RefundPayment")
    expect(refunds).to_have_count(3, timeout=PATIENCE)
    for number in (0, 1):
        expect(refunds.nth(number)).to_contain_text(words("refused: refund_refused"))
        expect(refunds.nth(number)).to_have_attribute("data-tone", "bad")
    expect(refunds.last).to_have_attribute("data-tone", "compensation")
    refused = boxes(page, "booking", "Refused")
    expect(refused).to_have_count(2)
    for box in refused.all():
        expect(box).to_contain_text("refund_refused")
        expect(box).to_contain_text(words(r"waits [\d.]+ m?s, tries again"))
    expect(page.locator("#lanes .band", has_text="waits after the refusal")).not_to_have_count(0)
    for wrong in ("no answer in time", "answers again"):
        expect(page.locator("#lanes")).not_to_contain_text(words(wrong))
    paid = live.rows("payments", "select status from payments_payment where booking_id = %s", booking)
    assert paid == [("REFUNDED",)]


def test_the_inspector_of_a_declined_booking_says_undone_of_what_was(live: Live, open_page: OpenPage) -> None:
    booking = live.place(live.free_seats(1), "concert-2024", "tok_declined")
    live.ended(booking)
    page = open_page(f"/bookings/{booking}")
    saga = page.locator("#saga .panel.saga")
    expect(saga).to_have_attribute("data-state", "COMPENSATED", timeout=PATIENCE)
    steps = saga.locator(".saga-steps li")
    expect(steps.locator(".known")).to_have_text(["compensated", "refused", "not reached", "not reached"])
    expect(steps.nth(0).locator(".undo")).to_have_text("undone by ReleaseSeats")
    expect(steps.locator(".undo")).to_have_count(1)
    compensated, cancelled = saga.locator("h2 .state"), page.locator("#saga .standing .state")
    expect(cancelled).to_have_text("CANCELLED")
    assert [one.evaluate(MARK)[:2] for one in (compensated, cancelled)] == ['"↶', '"✕']
    assert compensated.evaluate(COLOUR) == steps.nth(0).locator(".undo").evaluate(COLOUR) != cancelled.evaluate(COLOUR)


def test_the_form_offers_the_reasons_of_the_message_it_refuses(open_page: OpenPage) -> None:
    page = open_page()
    reasons = page.locator("#arm-reason option")
    choose(page, service="payments", point="answer", action="refuse", message="RefundPayment")
    expect(reasons).to_have_text(["refund_refused"])
    choose(page, service="seats", point="answer", action="refuse", message="ReserveSeats")
    expect(reasons).to_have_text(["seat_taken", "unknown_seat"])


def test_a_run_that_is_opened_before_anything_commits_is_empty(live: Live, open_page: OpenPage) -> None:
    live.ended(live.place(live.free_seats(1), "concert-2024"))
    quiet(live)
    page = open_page("/replay")
    page.locator("#run-name").fill("opened at once")
    page.get_by_role("button", name="Start").click()
    page.locator("#runs li", has_text="opened at once").get_by_role("link", name="opened at once").click()
    expect(page.locator("#run-title")).to_contain_text("opened at once")
    expect(page.locator("#booking h2").first).to_contain_text("Nothing recorded yet")
    expect(page.locator("#booking")).to_contain_text("Nothing has been recorded in this run yet.")
    expect(page.locator("#booking")).not_to_contain_text("Entry #")
    expect(page.locator("#everything table")).to_have_count(0)


def quiet(live: Live) -> None:
    """Wait until nothing has been journaled for some time."""
    seen, since = 0, time.monotonic()

    def nothing_new() -> bool:
        nonlocal seen, since
        ((last,),) = live.rows("journal", "select max(pos) from journal_entry where tape = 0")
        if last != seen:
            seen, since = last, time.monotonic()
        return time.monotonic() - since > QUIET_S

    wait_until(nothing_new, 60, "everything to be quiet")


def test_redis_that_is_taken_down_is_named_at_the_first_poll(live: Live, open_page: OpenPage) -> None:
    page = open_page(outage=True)
    polls: list[Response] = []
    page.on("response", lambda answer: polls.append(answer) if answer.url.endswith("/rail/outages") else None)
    arm(page, service="redis", point="redis", action="down", seconds="5")
    banner = page.locator('#outages .outage[data-injected="true"]')
    expect(banner).to_contain_text("Redis is down", timeout=PATIENCE)
    expect(banner).to_have_count(0, timeout=PATIENCE)
    (struck,) = [one["last_fired"] for one in live.http.get("/api/faults").json()["faults"]]
    known = datetime.fromisoformat(struck).timestamp() + PLAN_S
    first = next(poll for poll in polls if poll.request.timing["startTime"] / 1000 >= known)
    assert "Redis" in first.text()
    assert 'data-injected="false"' not in first.text()


@contextmanager
def just_started(live: Live) -> Iterator[None]:
    """The sandbox is as it is while it starts: some programs have sent no heartbeat since, nobody has seen them ready."""
    processes = live.sandbox.processes()
    with Redis.from_url(live.sandbox.environments.control()["REDIS_URL"]) as redis, ExitStack() as stack:
        before = redis.get(STARTED)
        if before is None:  # a Redis that lost its data in an earlier test
            stack.callback(redis.delete, STARTED)
        else:
            stack.callback(redis.set, STARTED, before)
        for name in STILL:
            stack.enter_context(frozen(processes[name].pid))
        redis.delete(*(f"alive:{name}" for name in STILL))
        redis.hdel(SEEN, *STILL)
        note_start(redis)
        live.sandbox.restart("web")  # the one before has seen them
        live.sandbox.wait_healthy("web")
        yield


def test_what_has_not_been_up_since_the_start_is_one_line_with_a_count(live: Live, open_page: OpenPage) -> None:
    with just_started(live):
        page = open_page()
        lines = page.locator("#outages .outage")
        expect(lines).to_have_text(re.compile(r"Starting\s+\d+ of \d+ parts · .+ next\."), timeout=PATIENCE)
        expect(lines).to_have_count(1)
        expect(lines).to_have_attribute("data-injected", "starting")
    expect(lines).to_have_count(0, timeout=PATIENCE)


@pytest.fixture
def imported(live: Live, open_page: OpenPage) -> Iterator[Callable[..., tuple[Page, list[dict[str, Any]]]]]:
    """Open a recorded story, imported as a run, with its booking; at the entry whose title begins with `at`."""
    (newest, *_) = live.http.get("/api/runs").json()["runs"]
    with live.http.stream("GET", f"/api/runs/{newest['id']}/export") as answer:
        tables = json.loads(next(answer.iter_lines()))["data"]["tables"]
    runs = []

    def open_story(name: str, at: str = "", until: str = "") -> tuple[Page, list[dict[str, Any]]]:
        booking, entries, file = exported(name, tables, until)
        header = {"Content-Type": "application/x-ndjson"}
        answer = live.http.post("/api/runs/import", content=file, headers=header)
        assert answer.status_code == 201, answer.text
        runs.append(answer.json()["id"])
        there = next((entry["pos"] for entry in entries if at and entry["title"].startswith(at)), entries[-1]["pos"])
        return open_page(f"/replay/{runs[-1]}?booking={booking}&pos={there}"), entries

    yield open_story
    for run in runs:
        live.http.delete(f"/api/runs/{run}").raise_for_status()


def test_a_crash_after_the_commit_stands_on_the_box_that_crashed(imported: Any) -> None:
    page, _ = imported("crashed_after_commit", until="crash at transaction.committed")
    takes = boxes(page, "payments", "TakePayment")
    expect(takes).to_have_count(1)
    expect(takes).to_contain_text("crashed")
    page, _ = imported("crashed_after_commit")
    takes = boxes(page, "payments", "TakePayment")
    expect(takes).to_have_count(2)
    expect(takes.first).to_contain_text("crashed")
    expect(takes.first).not_to_contain_text("again")
    expect(takes.last).to_contain_text(words("answers again"))
    expect(takes.last).to_contain_text(words("duplicate absorbed"))
    expect(takes.last).not_to_contain_text("crashed")
    expect(boxes(page, "booking", "ISSUING")).not_to_contain_text("absorbed")


def test_a_saga_stuck_in_a_compensation_has_something_to_undo_and_nothing_to_do(imported: Any) -> None:
    page, _ = imported("skipped_by_hand", at="BookingStuck")
    expect(state(page)).to_have_text("STUCK")
    saga = page.locator("#booking .saga")
    expect(saga.locator("h3")).to_contain_text("2 of 4 done · to undo: RefundPayment, ReleaseSeats")
    expect(saga.locator(".stands")).to_contain_text("Stuck.")
    steps = saga.locator(".steps li > span")
    expect(steps).to_have_text(["done", "stuck, attempt 8 of 8: waits for a person", "refused", "not reached"])
    expect(saga).not_to_contain_text("to do")

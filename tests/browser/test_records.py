"""The pages beside the stage, in a browser: find a booking, look into its saga, rename its customer, ask the console."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_accessible import violations
from tests.live import Live
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(180)
OpenPage = Callable[..., Page]
PATIENCE = 30_000


def barriers(page: Page) -> list[str]:
    """What axe-core finds on a page that the navigation does not name, in both schemes."""
    found = []
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        found += [f"{scheme}: {one}" for one in violations(page)]
    return found


def test_a_booking_is_found_and_looked_into(live: Live, open_page: OpenPage) -> None:
    booking = live.place(live.free_seats(1), "concert-2024", "tok_declined", customer=1042)
    kept = live.place(live.free_seats(2)[:1], "concert-2024", customer=1042)
    live.ended(booking, kept)
    page = open_page("/bookings")
    page.get_by_label("Customer").fill("1042")
    page.get_by_label("State").select_option("CANCELLED")
    expect(page).to_have_url(re.compile(r"/bookings\?state=CANCELLED&customer=1042$"), timeout=PATIENCE)
    states = page.locator("#list tbody .state")
    expect(states.first).to_have_text("CANCELLED")
    assert set(states.all_inner_texts()) == {"CANCELLED"}
    page.goto("/bookings")
    page.get_by_label("Search").fill(booking[-8:])
    row = page.locator("#list tbody tr")
    expect(row).to_have_count(1, timeout=PATIENCE)
    expect(row).to_contain_text("card_declined")
    row.get_by_role("link").first.click()
    expect(page).to_have_url(re.compile(booking))
    steps = page.locator(".saga-steps li")
    expect(steps).to_have_count(4)
    expect(steps.nth(0)).to_contain_text(re.compile("compensatable.*compensated.*ReleaseSeats: succeeded", re.DOTALL))
    expect(steps.nth(1)).to_contain_text(re.compile("refused.*card_declined", re.DOTALL))
    expect(steps.nth(2)).to_contain_text(re.compile("pivot.*not reached", re.DOTALL))
    message = page.locator(".messages li", has_text="TakePaymentReply").first
    message.locator("summary b").click()
    assert json.loads(message.locator("pre").inner_text())["reason"] == "card_declined"
    entry = page.locator("table a", has_text="#").first
    expect(entry).to_have_attribute("href", re.compile(rf"/\?booking={booking}&pos=\d+"))
    assert barriers(page) == []
    page.goto(f"/bookings/{kept}")
    page.get_by_role("link", name=re.compile("^Ticket")).click()
    expect(page.locator(".ticket-code svg path").first).to_be_visible()
    expect(page.locator(".void")).to_have_count(0)
    assert barriers(page) == []
    for path in ("/customers", "/sales"):
        page.goto(path)
        expect(page.locator("tbody tr").first).to_be_visible()


def test_a_stuck_saga_is_retried_from_its_page(live: Live, open_page: OpenPage) -> None:
    """Made stuck in its row: eight attempts with their backoff take minutes."""
    fault: Any = {"point": "bus", "action": "drop", "service": "booking", "message": "ConfirmSeats"}
    armed = live.http.post("/api/faults", json={**fault, "trigger": {"kind": "always"}})
    assert armed.status_code == 201, armed.text
    booking = live.place(live.free_seats(1), "concert-2024")
    wait_until(lambda: live.booking(booking)["state"] == "CONFIRMING", 20, "the saga to wait for ConfirmSeats")
    stuck = "update booking_saga set state = 'STUCK', due_at = null, awaiting = '' where booking_id = %s returning id"
    live.rows("booking", stuck, booking)
    live.http.delete("/api/faults")
    page = open_page(f"/bookings/{booking}")
    expect(page.locator(".saga")).to_contain_text("a person decides")
    expect(page.locator(".done")).to_contain_text(re.compile("Remains.*ConfirmSeats", re.DOTALL))
    page.locator("#why").fill("the network is back")
    page.get_by_role("button", name="Retry now").click()
    expect(page.locator("#answer")).to_contain_text("tried again")
    assert live.ended(booking)[0]["state"] == "CONFIRMED"
    expect(page.locator(".standing .state")).to_have_text("CONFIRMED", timeout=PATIENCE)
    found = live.http.get("/bookings?fault=drop").text
    assert f"/bookings/{booking}" in found


def test_a_rename_is_seen_to_reach_the_views(live: Live, open_page: OpenPage) -> None:
    page = open_page("/customers/99")
    names = page.locator("#names")
    before = int(names.locator('tr[data-service="booking"] .number').inner_text())
    page.get_by_label("New name").fill("John\u202e evil")
    page.get_by_role("button", name="Rename").click()
    expect(page.locator("#rename-said")).to_contain_text("U+202E) is a control of the writing direction")
    name = f"John <i>the {before}th</i>"
    page.get_by_label("New name").fill(name)
    page.get_by_role("button", name="Rename").click()
    expect(page.locator("#rename-said")).to_contain_text(f"version {before + 1}")
    # it may have been renamed, and agreed, before
    expect(names.locator("bdi")).to_have_text([name] * 4, timeout=PATIENCE)
    expect(names.locator(".same")).to_have_count(2, timeout=PATIENCE)
    assert names.locator("i").count() == 0
    assert barriers(page) == []


def test_the_console_answers_and_is_refused(live: Live, open_page: OpenPage) -> None:
    page = open_page("/console?service=seats&example=status")
    page.locator("#sql").focus()
    page.keyboard.press("Control+Enter")
    expect(page.locator("#result thead")).to_contain_text(re.compile("status.*text", re.DOTALL))
    page.get_by_role("link", name="The textbook JOIN across services").click()
    page.get_by_role("button", name="Run").click()
    expect(page.locator("#result .words")).to_contain_text("cross-database references are not implemented")
    expect(page.locator("#result .lesson")).to_contain_text("API composition")
    assert barriers(page) == []
    page.get_by_label("Statement for seats").fill("update seats_seat set status = 'AVAILABLE'")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#result")).to_contain_text("cannot execute UPDATE in a read-only transaction")

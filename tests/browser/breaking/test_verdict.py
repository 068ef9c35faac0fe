"""The verdict bar: calm while all is well, and named, linked and repaired without a reload when it is not."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.flow.test_verdict import damaged, verdict
from tests.live import Live
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(180)
OpenPage = Callable[..., Page]
PATIENCE = 30_000


def test_what_is_broken_is_seen_linked_and_seen_repaired(live: Live, open_page: OpenPage) -> None:
    booking = live.place(live.free_seats(1), "concert-2024")
    live.ended(booking)
    wait_until(lambda: verdict(live)["status"] == "holds", 20, "the views to converge")
    page = open_page()
    page.evaluate("window.sameDocument = true")
    paid = page.locator("#verdict-paid_iff_ticketed")
    expect(page.locator('.verdict-chip[data-status="holds"]')).to_have_count(8, timeout=PATIENCE)
    damage = f"update tickets_issuance set status = 'REFUSED', reason = 'lost' where booking_id = '{booking}'"
    repair = f"update tickets_issuance set status = 'ISSUED', reason = '' where booking_id = '{booking}'"
    with damaged(live, "tickets", [damage], [repair]):  # without an event: only a reading of everything finds it
        page.locator(".verdict-all > summary").click()
        page.get_by_role("button", name="Check now").click()
        expect(paid).to_have_attribute("data-status", "violated", timeout=PATIENCE)
        expect(paid.locator("summary")).to_contain_text("violated")
        page.keyboard.press("Escape")
        paid.locator("summary").click()
        link = paid.get_by_role("link").first
        expect(link).to_have_attribute("href", re.compile(rf"\?booking={booking}(&pos=\d+)?$"))
        page.keyboard.press("Escape")
        expect(paid).not_to_have_attribute("open", "")
        marked = "select from journal_entry where data ->> 'kind' = 'violation' and data -> 'data' ->> 'invariant' = %s"
        wait_until(lambda: live.rows("journal", marked, "paid_iff_ticketed"), 10, "the violation's mark in the journal")
    expect(paid).to_have_attribute("data-status", "holds", timeout=PATIENCE)
    assert page.evaluate("window.sameDocument"), "the page was reloaded"


def test_an_open_chip_is_not_taken_away(live: Live, open_page: OpenPage) -> None:
    page = open_page()
    money = page.locator("#verdict-money_conserved")
    page.locator(".verdict-all > summary").click(timeout=PATIENCE)
    money.locator("summary").click()
    expect(money).to_contain_text("held +")
    with page.expect_response(lambda answer: "/verdict" in answer.url and answer.status == 200, timeout=PATIENCE):
        live.place(live.free_seats(1), "concert-2024")
    expect(money).to_have_attribute("open", "")


def test_a_service_that_is_down_is_pending_not_broken(live: Live, open_page: OpenPage) -> None:
    page = open_page()
    live.sandbox.stop_process("api-tickets")
    try:
        live.place(live.free_seats(1), "concert-2024")
        paid = page.locator("#verdict-paid_iff_ticketed")
        expect(paid).to_have_attribute("data-status", "pending", timeout=PATIENCE)
        page.locator(".verdict-all > summary").click()
        paid.locator("summary").click()
        expect(paid).to_contain_text("does not answer")
        page.keyboard.press("Escape")
    finally:
        live.sandbox.start_process("api-tickets")
        live.sandbox.wait_healthy("api-tickets")
    expect(page.locator('.verdict-chip[data-status="holds"]')).to_have_count(8, timeout=PATIENCE)


def test_a_phone_has_no_sideways_scroll(live: Live, open_page: OpenPage) -> None:
    page = open_page()
    page.set_viewport_size({"width": 390, "height": 800})
    expect(page.locator(".verdict-all")).to_be_visible(timeout=PATIENCE)
    page.locator(".verdict-all > summary").click()
    expect(page.locator(".verdict-list")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_quiet_page_does_not_ask_in_a_loop(live: Live, open_page: OpenPage) -> None:
    """While nothing commits, nothing is asked; what the page asks at the start is bounded."""
    page = open_page()
    expect(page.locator(".verdict-all")).to_be_visible(timeout=PATIENCE)
    wait_until(lambda: verdict(live)["status"] == "holds", 20, "everything to hold")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/verdict" in request.url else None)
    page.wait_for_timeout(6000)  # a length of time is what is measured here
    assert len(asked) <= 5, asked

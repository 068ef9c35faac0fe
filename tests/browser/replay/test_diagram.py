"""The space-time diagram in a real browser: filter, search, trace, zoom, by mouse and by the keyboard alone."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_accessible import violations
from tests.live import Live
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(180)


KEY_AT_ONCE = """() => document.body.addEventListener("htmx:afterSwap", () => {
  const before = document.activeElement;
  before.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowDown", bubbles: true, cancelable: true }));
  window.moved = [before.id, document.activeElement.id];
}, { once: true })"""
"""Presses a key when the next picture has come and has not settled yet."""


def test_search_trace_zoom_and_filter(live: Live, open_page: Callable[..., Page]) -> None:
    declined = live.place(live.free_seats(1), "concert-2024", method="tok_declined")
    live.ended(declined)
    (payment,) = live.rows("payments", "select id::text from payments_payment where booking_id = %s", declined)[0]
    views = "select count(*) from journal_mention m join journal_entry e using (tape, pos) where m.correlation = %s"
    wait_until(
        lambda: live.rows("journal", views + " and e.service = 'projections'", declined)[0][0] > 3, 20, "its views"
    )

    page = open_page(f"/replay/diagram?booking={declined}")
    nodes = page.locator("#diagram-svg .node")
    release = nodes.filter(has_text="ReleaseSeats").first
    expect(release).to_have_attribute("data-service", "seats")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert not violations(page), scheme

    refused = nodes.filter(has_text="DECLINED").and_(page.locator('[data-service="payments"]'))
    release.hover()  # what led to it, over two services
    expect(refused).to_contain_class("past")
    expect(refused).not_to_contain_class("future")
    refused.hover()
    expect(release).to_contain_class("future")
    expect(page.locator("#diagram-said")).to_contain_text("TakePayment: payment DECLINED")

    page.get_by_label("Booking", exact=True).fill("")  # everybody's again, and the payment by its id
    search = page.get_by_role("searchbox", name="Search")
    search.fill(payment)
    search.press("Enter")
    found = page.locator('#diagram-svg .node[aria-current="true"]')
    expect(page.locator(".hits")).to_contain_text(f"payments_payment {payment}")
    expect(found).to_have_attribute("data-service", "payments")
    expect(found).to_be_in_viewport()
    expect(page).to_have_url(re.compile(rf"/replay/diagram\?q={payment}$"))
    expect(page.locator("#diagram-svg[data-tracing] .edge.past").first).to_be_attached()

    found.focus()  # from here on by the keyboard alone
    before = page.locator("#picture").get_attribute("data-zoom")
    page.keyboard.press("-")
    expect(page.locator("#picture")).not_to_have_attribute("data-zoom", str(before))
    expect(found).to_be_focused()
    page.keyboard.press("]")
    focused = page.locator("#diagram-svg .node:focus")
    expect(focused).to_have_attribute("data-service", "booking")
    expect(focused).to_contain_class("here")
    page.keyboard.press("[")
    expect(found).to_be_focused()
    assert page.locator('#diagram-svg .node[tabindex="0"]').count() == 1
    page.keyboard.press("ArrowUp")
    expect(focused).not_to_have_attribute("data-row", str(found.get_attribute("data-row")))

    page.evaluate(KEY_AT_ONCE)
    page.keyboard.press("+")
    page.wait_for_function("() => window.moved")
    assert page.evaluate("moved[0] !== moved[1]"), "a key was lost while the picture was being replaced"

    page.get_by_label("Service").select_option("payments")
    expect(page.locator('#diagram-svg .node:not([data-service="payments"])')).to_have_count(0)
    expect(found).to_have_count(1)
    page.go_back()
    expect(page.locator('#diagram-svg .node[data-service="booking"]').first).to_be_attached()
    expect(found).to_have_attribute("href", re.compile(rf"^/\?booking={declined}&pos=\d+$"))

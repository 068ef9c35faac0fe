"""What a person selects, points at or focuses stays while entries come."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.live.test_socket import book, brought, consecutive, logged
from tests.browser.standing import PATIENCE, newest
from tests.live import Live

pytestmark = pytest.mark.timeout(180)


def select(page: Page, selector: str) -> str:
    """Select the text of an element, as by a double click; the selected text."""
    return str(
        page.evaluate(
            """(selector) => {
              getSelection().selectAllChildren(document.querySelector(selector));
              return getSelection().toString();
            }""",
            selector,
        )
    )


HELD = {  # what is selected, or focused -> where the page says that it has heard of the newest booking and waits
    "#booking-title code": '#booking[data-waits]:not([data-booking="{newest}"])',
    "#recent li": '#recent[data-newest="{newest}"]',
    "#lag-bookings": '#recent[data-newest="{newest}"]',
    "#feed .line:not([data-bookkeeping])": "#feed-more:not([hidden])",
}


def test_what_is_selected_stays_while_entries_come(live: Live, visit: Any) -> None:
    page, _ = visit()
    for selector, waits in HELD.items():
        begun = newest(live)
        expect(page.locator(f'#booking[data-booking="{begun}"]')).to_be_attached(timeout=PATIENCE)
        text = select(page, selector)
        assert text.strip()
        expect(page.locator(waits.format(newest=newest(live)))).to_be_attached(timeout=PATIENCE)
        assert page.evaluate("getSelection().toString()") == text, selector
        page.evaluate("getSelection().removeAllRanges()")
    brought(page, live.http.get("/live/head").json()["pos"])
    assert consecutive(logged(page))


def test_a_log_that_is_pointed_at_stands_still_and_says_what_came(live: Live, visit: Any) -> None:
    page, _ = visit()
    page.locator("#feed").hover()
    before = logged(page)
    book(live, 1)
    more = page.get_by_role("button", name=re.compile(r"^\d+ new, show$"))
    expect(more).to_be_visible(timeout=PATIENCE)
    assert logged(page) == before
    more.click()
    page.wait_for_function("(last) => Number(document.querySelector('#feed .line').dataset.pos) > last", arg=before[-1])
    assert consecutive(logged(page))


def test_a_list_that_is_pointed_at_stands_still_and_is_brought_when_it_is_left(live: Live, visit: Any) -> None:
    page, _ = visit()
    begun = newest(live)
    expect(page.locator(f"#recent-{begun}")).to_be_visible(timeout=PATIENCE)
    page.locator(f"#recent-{begun}").hover()
    came = newest(live)
    expect(page.locator(f'#recent[data-newest="{came}"]')).to_be_attached(timeout=PATIENCE)
    expect(page.locator(f"#recent-{came}")).to_have_count(0)
    page.locator("#booking-title").hover()
    expect(page.locator(f"#recent-{came}")).to_be_visible(timeout=PATIENCE)


FOCUSED = {
    "#recent li:nth-child(6) a": '#recent[data-newest="{newest}"]',  # the one that a newer booking drops from the list
    "#tables .by a": "#booking[data-waits]",
    "#lanes .box": "#booking[data-waits]",
}


def test_the_focus_stays_where_it_is_while_the_page_follows(live: Live, visit: Any) -> None:
    page, _ = visit()
    while page.locator("#recent li").count() < 6:
        expect(page.locator(f"#recent-{newest(live)}")).to_be_visible(timeout=PATIENCE)
    for selector, waits in FOCUSED.items():
        begun = newest(live)
        expect(page.locator(f'#booking[data-booking="{begun}"]')).to_be_attached(timeout=PATIENCE)
        page.locator(selector).first.focus()
        expect(page.locator(waits.format(newest=newest(live)))).to_be_attached(timeout=PATIENCE)
        there = page.evaluate("(selector) => document.activeElement.matches(selector)", selector)
        assert there, f"{selector}: {page.evaluate('document.activeElement.outerHTML.slice(0, 200)')}"
        page.evaluate("document.activeElement.blur()")


ANOTHER_AT_ITS_HEELS = """() => document.body.addEventListener("htmx:afterSwap", () => {
  const banner = document.getElementById("outages");
  const detail = { elt: banner, target: banner, shouldSwap: true, requestConfig: { elt: banner, verb: "get" } };
  banner.dispatchEvent(new CustomEvent("htmx:beforeSwap", { bubbles: true, detail }));
}, { once: true })"""
"""Has another element be replaced as well, before the first one has settled."""


@pytest.mark.parametrize(("path", "list_id"), [("/sales", "table"), ("/replay", "runs")])
def test_a_list_that_renews_itself_keeps_the_focus_and_waits_for_a_selection(
    live: Live, open_page: Any, path: str, list_id: str
) -> None:
    newest(live)
    page = open_page(path)
    renewed = "() => !window.old.isConnected"
    page.evaluate("(id) => { window.old = document.getElementById(id); }", list_id)
    link = page.locator(f"#{list_id} a").first
    link.focus()
    leads_to = link.get_attribute("href")
    page.evaluate(ANOTHER_AT_ITS_HEELS)
    page.evaluate("htmx.trigger(old, 'refresh')")
    page.wait_for_function(renewed, timeout=PATIENCE)
    expect(page.locator(f"#{list_id} a").first).to_be_focused()
    assert page.evaluate("document.activeElement.getAttribute('href')") == leads_to

    page.evaluate("(id) => { window.old = document.getElementById(id); }", list_id)
    text = select(page, f"#{list_id} a")
    with page.expect_response(lambda answer: answer.request.headers.get("hx-target", "") == list_id) as answered:
        page.evaluate("htmx.trigger(old, 'refresh')")
    answered.value.finished()
    expect(page.locator(f"#{list_id}.htmx-request")).to_have_count(0)
    assert page.evaluate("old.isConnected")
    assert page.evaluate("getSelection().toString()") == text
    page.evaluate("getSelection().removeAllRanges()")
    page.wait_for_function(renewed, timeout=PATIENCE)


RENEWALS = """() => document.body.addEventListener("htmx:afterRequest", ({ detail }) => {
  window.renewed = [...(window.renewed ?? []), detail.pathInfo.requestPath];
})"""


def renew(page: Page, place: str, path: str) -> None:
    """Have an element renew itself; returns when its answer has been drawn, or refused."""
    page.evaluate("window.renewed = []")
    page.evaluate("(place) => htmx.trigger(place, 'refresh')", place)
    page.wait_for_function("(path) => window.renewed.some((one) => one.startsWith(path))", arg=path, timeout=PATIENCE)


def test_a_press_is_not_lost_to_a_renewal_between_its_halves(live: Live, visit: Any) -> None:
    """Neither one by the space bar nor one by the mouse, on a part that is replaced out of band."""
    booking = newest(live)
    page, _ = visit(f"/?booking={booking}")
    page.evaluate(RENEWALS)
    page.get_by_text("Switch a safety off").click()
    barrier = page.locator("#mechanism-barrier")
    barrier.focus()
    try:
        page.keyboard.down("Space")
        renew(page, "#faults", "/rail/mechanisms")
        page.keyboard.up("Space")
        expect(barrier).to_have_attribute("aria-checked", "false", timeout=PATIENCE)
    finally:
        live.http.put("/api/mechanisms", json={"barrier": True})
    expect(barrier).to_have_attribute("aria-checked", "true", timeout=PATIENCE)  # by itself: nothing is held any more

    page.locator("#step-previous").hover()
    page.mouse.down()
    renew(page, "#booking", f"/bookings/{booking}/panel")
    page.mouse.up()
    expect(page.locator("#badge")).to_have_text("REPLAY", timeout=PATIENCE)


def test_what_is_typed_into_a_list_that_renews_itself_is_not_taken_away(live: Live, open_page: Any) -> None:
    """A visitor types the operator's token into the rail, which is brought again by each fault that strikes."""
    page = open_page(extra_http_headers={"X-Forwarded-For": "192.0.2.7"})
    token = page.locator("#operator-token")
    token.fill("half of i")
    with page.expect_response("**/faults") as answered:
        page.evaluate("htmx.trigger('#faults', 'refresh')")
    answered.value.finished()
    expect(page.locator("#faults.htmx-request")).to_have_count(0)
    expect(token).to_have_value("half of i")
    expect(token).to_be_focused()

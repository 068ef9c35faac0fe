"""What a person selects, points at or focuses stays while entries come."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.standing import PATIENCE, newest
from tests.browser.test_socket import book, brought, consecutive, logged
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


FOCUSED = {
    "#recent a": '#recent[data-newest="{newest}"]',
    "#tables .by a": "#booking[data-waits]",
    "#lanes .box": "#booking[data-waits]",
}


def test_the_focus_stays_where_it_is_while_the_page_follows(live: Live, visit: Any) -> None:
    page, _ = visit()
    for selector, waits in FOCUSED.items():
        begun = newest(live)
        expect(page.locator(f'#booking[data-booking="{begun}"]')).to_be_attached(timeout=PATIENCE)
        page.locator(selector).first.focus()
        expect(page.locator(waits.format(newest=newest(live)))).to_be_attached(timeout=PATIENCE)
        there = page.evaluate("(selector) => document.activeElement.matches(selector)", selector)
        assert there, f"{selector}: {page.evaluate('document.activeElement.outerHTML.slice(0, 200)')}"
        page.evaluate("document.activeElement.blur()")

"""The stage as a newcomer, a keyboard and a phone meet it; and what its first load weighs."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.stage.test_page import book, seat, state
from tests.live import Live

pytestmark = pytest.mark.timeout(180)
OpenPage = Callable[..., Page]
PATIENCE = 30_000
BUDGET = 150_000


def in_order(text: str, *words: str) -> None:
    """Each word comes after the one before it."""
    at = 0
    for word in words:
        found = text.find(word, at)
        assert found >= 0, f"{word!r} does not come after position {at} of: {text}"
        at = found + len(word)


def test_a_declined_card_is_told_in_causal_order(live: Live, open_page: OpenPage) -> None:
    page = open_page()
    page.locator("#toggle-card_declined").click()
    expect(page.locator("#toggle-card_declined")).to_contain_text("armed")
    book(page, live.free_seats(1)[0])
    expect(state(page)).to_have_text("CANCELLED", timeout=PATIENCE)
    expect(page.locator(".tables .lag").first).to_have_text("in step", timeout=PATIENCE)
    page.locator("#lanes-switch").click()
    told = page.locator("#lanes-text").inner_text()
    in_order(told, "HELD", "DECLINED", "RELEASED", "CANCELLED")
    steps = page.locator("#booking .steps")
    expect(steps).to_contain_text("undone by ReleaseSeats")
    expect(steps).to_contain_text("refused")
    for group in page.locator(".tables .group:has(td)").all():
        by = group.locator(".by a").first
        expect(by).to_have_text(re.compile(r"#\d+"))
        expect(by).to_have_attribute("title", re.compile(r"xid \d+ · [0-9A-F]+/[0-9A-F]+ · \d\d:\d\d:\d\d"))


def test_book_and_walk_back_with_the_keyboard_alone(live: Live, open_page: OpenPage) -> None:
    page = open_page("/?performance=studio-night")

    def tab_to(name: str) -> None:
        for _ in range(120):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.id") == name:
                return
        raise AssertionError(f"Tab never reaches {name}")

    tab_to("free-seats")
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    third = page.locator("#free-seats").input_value()
    expect(page.locator("#chosen-note")).to_have_text(f"Enter chooses {third}.")
    expect(page.locator("#chosen")).to_have_text("Click a seat.")  # an arrow key only moves in the list
    page.keyboard.press("Enter")
    expect(page.locator("#chosen")).to_contain_text(f"{third} · €")
    expect(page.locator("#say")).to_contain_text("€")
    tab_to("book-button")
    page.keyboard.press("Enter")
    expect(page.locator("#booking")).to_have_attribute("data-follow", "false")
    expect(state(page)).to_have_text("CONFIRMED", timeout=PATIENCE)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Home")
    expect(page.locator(".where")).to_contain_text("entry 1 of")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".where")).to_contain_text("entry 2 of")
    page.keyboard.press("[")
    expect(page.locator(".where")).to_contain_text("entry 1 of")
    page.keyboard.press("l")
    expect(page.locator("#booking")).to_have_attribute("data-live", "true")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys and words")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_phone_has_three_tabs(live: Live, open_page: OpenPage) -> None:
    page = open_page(reduced_motion="reduce")
    page.set_viewport_size({"width": 390, "height": 844})
    label = live.free_seats(1)[0]
    expect(page.locator(".story")).to_be_hidden()
    seat(page, label).click()
    book(page)
    expect(page.get_by_role("tab", name="Story")).to_have_attribute("aria-selected", "true")
    expect(state(page)).to_have_text("CONFIRMED", timeout=PATIENCE)
    expect(page.locator("#seats")).to_be_hidden()
    page.get_by_role("tab", name="Story").press("ArrowRight")
    expect(page.locator(".tables")).to_be_visible()
    expect(page.locator(".story")).to_be_hidden()
    expect(page.locator("#step-previous")).to_be_in_viewport()
    for tab in page.get_by_role("tab").all():
        tab.click()
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "it scrolls sideways"
    assert page.locator(".top").bounding_box()["height"] < 90, "the header is more than two lines"  # type: ignore[index]
    for name in ("Stage", "Lab"):
        expect(page.get_by_role("link", name=name, exact=True)).to_be_in_viewport()


def test_the_first_load_is_small_and_can_be_kept(browser: Browser, live: Live) -> None:
    page = browser.new_page(base_url=live.url)
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    sizes: dict[str, float] = {}
    network.on("Network.loadingFinished", lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]}))
    static: dict[str, str] = {}
    page.on("response", lambda answer: static.update({answer.url: answer.headers.get("cache-control", "")}))
    page.goto("/", wait_until="networkidle")
    weight = sum(sizes.values())
    assert 20_000 < weight < BUDGET, f"{weight:.0f} bytes over the wire"
    kept = {url: told for url, told in static.items() if "/static/" in url}
    assert len(kept) > 10
    assert all("immutable" in told for told in kept.values()), kept
    page.close()

"""What a newcomer meets without scrolling, and whether it can be read: at a desk, on a tablet, on a phone."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from dashboard.navigation import ENTRIES
from tests.browser.cut import cut, first_screen
from tests.browser.stage.test_page import state
from tests.live import Live

pytestmark = pytest.mark.timeout(180)
OpenPage = Callable[..., Page]
PATIENCE = 30_000
WORDS, CONTROLS, KEYS = 300, 35, 12
WIDTHS = ((1920, 1080), (1440, 900), (1024, 768), (390, 844))


def test_the_first_screen_can_be_taken_in(live: Live, open_page: OpenPage) -> None:
    for _ in range(2):  # what is cleared is listed until it is cleared once more
        live.http.delete("/api/faults")
    booking = live.place(live.free_seats(1), "concert-2024")
    live.ended(booking)
    page = open_page(f"/?booking={booking}")
    expect(state(page)).to_have_text("CONFIRMED", timeout=PATIENCE)
    expect(page.locator(".verdict-all")).to_have_attribute("data-status", "holds", timeout=PATIENCE)
    found = first_screen(page)
    assert 100 < len(found["words"]) < WORDS, f"{len(found['words'])} words: {' '.join(found['words'])}"
    assert 10 < len(found["controls"]) < CONTROLS, f"{len(found['controls'])} controls: {found['controls']}"
    assert not found["small"], found["small"]


def test_nothing_is_cut_on_any_page_at_any_width(live: Live, open_page: OpenPage) -> None:
    booking = live.place(live.free_seats(1), "concert-2024", method="tok_declined")
    live.ended(booking)
    page = open_page()
    links = page.get_by_role("navigation", name="Pages").get_by_role("link", include_hidden=True)
    paths = [str(link.get_attribute("href")) for link in links.all()]
    assert len(paths) == len(ENTRIES)
    wrong = {}
    for path in [*(path for path in paths if path != "/api/docs"), f"/?booking={booking}", f"/bookings/{booking}"]:
        page.set_viewport_size({"width": 1440, "height": 900})
        page.goto(path)
        page.locator(".verdict-all").wait_for(timeout=PATIENCE)
        for fold in page.locator("#anything > summary").all():
            fold.click()
        for width, height in WIDTHS:
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_function("width => innerWidth === width", arg=width)
            if found := cut(page):
                wrong[f"{path} at {width}"] = found
    assert not wrong


TOO_LONG = """() => {
  const main = document.querySelector("main");
  main.innerHTML = `<p>far too long for it</p><select><option>far too long for it</option></select>
    <input placeholder="far too long">`;
  for (const one of main.children) one.style.width = "4rem";
  Object.assign(main.firstElementChild.style, { overflow: "hidden", whiteSpace: "nowrap" });
}"""


def test_what_is_cut_is_found(open_page: OpenPage) -> None:
    page = open_page("/sales")
    page.evaluate(TOO_LONG)
    assert len(cut(page)) == 3


def test_choose_and_book_in_few_keys_and_the_focus_stays_on_the_booking(live: Live, open_page: OpenPage) -> None:
    page = open_page("/?performance=studio-night")
    keys = 0

    def press(key: str) -> None:
        nonlocal keys
        keys += 1
        page.keyboard.press(key)

    while page.evaluate("document.activeElement.id") != "skip-seats":
        press("Tab")
    press("Enter")
    while page.locator("#seats .seat:focus").get_attribute("data-status") != "AVAILABLE":
        press("ArrowRight")
    label = page.locator("#seats .seat:focus").get_attribute("data-label")
    press("Space")
    press("Enter")
    expect(page.locator("#booking")).to_have_attribute("data-follow", "false")
    expect(state(page)).to_have_text("CONFIRMED", timeout=PATIENCE)
    expect(page.locator("#booking-title")).to_be_focused()
    expect(page.locator("#booking")).to_contain_text(str(label))
    assert keys < KEYS

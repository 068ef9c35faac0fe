"""What the page says is so: a view that stands still, tables' cells, the lanes after a resize, the API's documentation."""

import re

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.browser.breaking.test_faults import nothing_armed
from tests.browser.stage.test_page import PATIENCE, OpenPage, book, seat, state
from tests.browser.standing import twice
from tests.live import Live

__all__ = ["nothing_armed"]
pytestmark = pytest.mark.timeout(180)

BROKEN = """() => [...document.querySelectorAll("#tables td, #tables th")].flatMap((cell) => {
  const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT), broken = [];
  for (let text = texts.nextNode(); text; text = texts.nextNode()) {
    for (const word of text.data.matchAll(/\\S+/g)) {
      const range = document.createRange();
      range.setStart(text, word.index);
      range.setEnd(text, word.index + word[0].length);
      if (new Set([...range.getClientRects()].map((rect) => Math.round(rect.top))).size > 1) broken.push(word[0]);
    }
  }
  return broken;
})"""
"""The words and numbers in the tables' cells that stand in more than one line."""
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
WIDE_AT_LAST = """() => window.sent.includes("narrow") && window.sent.at(-1) === "wide"
  && !document.getElementById("lanes-picture").hasAttribute("data-narrow")"""


def test_a_paused_view_stands_still_and_holds_no_saga(live: Live, open_page: OpenPage) -> None:
    page = open_page()
    live.settled()  # else an event of an earlier test's booking meets the fault, and this one's passes
    paused = {
        "point": "projector.before", "action": "pause", "service": "projector-seat-map", "trigger": {"kind": "always"}
    }  # fmt: skip
    live.arm(**paused)
    label = live.free_seats(1)[0]
    book(page, label)
    expect(state(page)).to_have_text("CONFIRMED", timeout=PATIENCE)
    expect(page.locator("#lag-seat_map")).to_contain_text("stands still", timeout=PATIENCE)
    shown = page.locator('[data-lag-line="seat_map"]')
    expect(shown).to_have_attribute("data-still", "", timeout=PATIENCE)
    expect(shown.locator(".lag-way")).to_have_attribute("d", re.compile("M.+L"))
    expect(page.locator("#lag-lines [data-still]")).to_contain_text("seat_map")
    expect(seat(page, label)).to_have_attribute("data-truth", "SOLD", timeout=PATIENCE)  # Seat has sold it
    expect(seat(page, label)).to_have_attribute("title", "The view shows available; Seat has it sold")
    expect(page.locator("#seats [data-truth]")).to_have_count(1)
    expect(page.get_by_text("A fault holds this saga")).to_have_count(0)
    live.http.delete("/api/faults")
    expect(seat(page, label)).to_have_attribute("data-status", "SOLD", timeout=PATIENCE)
    expect(page.locator("#lag-seat_map")).not_to_contain_text("stands still", timeout=PATIENCE)
    expect(page.locator("#seats [data-truth]")).to_have_count(0, timeout=PATIENCE)
    expect(shown).not_to_have_attribute("data-still", "")


def test_no_word_and_no_number_of_the_tables_is_broken(live: Live, open_page: OpenPage) -> None:
    booking = live.place(live.free_seats(1), "concert-2024")
    assert live.ended(booking)[0]["state"] == "CONFIRMED"
    page = open_page(f"/?performance=concert-2024&customer=123&booking={booking}")
    twice(page.locator("#cancel-booking"))
    expect(state(page)).to_have_text("CANCELLED", timeout=PATIENCE)
    expect(page.locator("#tables")).to_contain_text("cancelled_by_customer", timeout=PATIENCE)
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(BROKEN) == []
        assert page.evaluate(SIDEWAYS) <= 0


def test_the_lanes_are_wide_again_after_a_moment_in_a_narrow_window(live: Live, open_page: OpenPage) -> None:
    booking = live.place(live.free_seats(1), "concert-2024")
    live.ended(booking)
    page = open_page(f"/?performance=concert-2024&booking={booking}")
    expect(state(page)).to_have_text("CONFIRMED", timeout=PATIENCE)
    page.evaluate(
        """() => { window.sent = []; document.body.addEventListener("htmx:beforeRequest", ({ target }) => {
          if (target.id === "booking") window.sent.push(/lanes=(\\w+)/.exec(document.cookie)[1]); }); }"""
    )
    for _ in range(2):
        with page.expect_request(lambda request: "lanes=narrow" in request.all_headers().get("cookie", "")):
            page.set_viewport_size({"width": 900, "height": 900})
        page.set_viewport_size({"width": 1440, "height": 900})
    page.wait_for_function(WIDE_AT_LAST, timeout=PATIENCE)


@pytest.mark.parametrize("how", ["on its way here", "on its way there", "refused"])
def test_the_lanes_fit_the_window_though_an_answer_is_lost(live: Live, open_page: OpenPage, how: str) -> None:
    booking = live.place(live.free_seats(1), "concert-2024")
    live.ended(booking)
    page = open_page(f"/?performance=concert-2024&booking={booking}", outage=True)
    expect(state(page)).to_have_text("CONFIRMED", timeout=PATIENCE)
    lost: list[str] = []

    def lose(route: Route) -> None:
        """The first answer; the server has made it, unless the request was lost before."""
        lost.append(route.request.url)
        if len(lost) > 1:
            route.continue_()
        elif how == "refused":
            route.fulfill(status=503)
        else:
            answer = route.fetch() if how == "on its way here" else None
            assert answer is None or "data-narrow" not in answer.text(), "the wide one was asked for"
            route.abort("connectionreset")

    page.set_viewport_size({"width": 900, "height": 900})
    narrow = page.locator("#lanes-picture[data-narrow]")
    expect(narrow).to_have_count(1, timeout=PATIENCE)
    page.route(re.compile(f"/bookings/{booking}/panel"), lose)
    page.set_viewport_size({"width": 1440, "height": 900})
    expect(narrow).to_have_count(0, timeout=PATIENCE)
    assert len(lost) == 2


def test_the_apis_documentation_fits_a_phone_and_the_dark(live: Live, browser: Browser) -> None:
    context = browser.new_context(
        base_url=live.url, viewport={"width": 390, "height": 844}, device_scale_factor=1, color_scheme="dark"
    )
    page = context.new_page()
    page.goto("/api/docs")
    expect(page.locator(".opblock-tag").first).to_be_visible(timeout=PATIENCE)
    page.locator(".opblock-summary-control").first.click()
    expect(page.locator(".opblock-body").first).to_be_visible()
    assert page.evaluate(SIDEWAYS) <= 0
    colour = page.evaluate("getComputedStyle(document.documentElement).backgroundColor.match(/\\d+/g).map(Number)")
    assert max(colour[:3]) < 80, colour
    assert "invert" in page.locator("#swagger-ui").evaluate("(element) => getComputedStyle(element).filter")
    context.close()

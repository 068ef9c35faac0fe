"""While entries stream nobody reads along: the page asks for less and does not jump. When that is so, and what it does then."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.stage.test_page import book, state
from tests.live import Live
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(180)
OpenPage = Callable[..., Page]
PATIENCE = 30_000
PACE_MS = 2_900  # of a panel, in a stream: three seconds, all but the time that its handlers take


def module(page: Page, name: str) -> str:
    """Address of a module as the page has loaded it: whoever imports that gets the page's own."""
    loaded: list[str] = page.evaluate("performance.getEntriesByType('resource').map((one) => one.name)")
    return next(url for url in loaded if name in url)


RATE = """
async ([url, steps]) => {
  const {count, streaming} = await import(url);
  return steps.map(([bookings, times]) => {
    for (let time = 0; time < times; time += 1) count([{bookings}]);
    return streaming();
  });
}
"""


def test_a_stream_is_known_by_its_bookings_and_by_how_often_it_is_told_of(live: Live, open_page: OpenPage) -> None:
    """The controls: one booking told of as often as one is, and three at a time, are none."""
    page = open_page()
    rate = module(page, "/live/rate")

    def streams(name: str, *steps: tuple[list[str], int]) -> list[bool]:
        found: list[bool] = page.evaluate(RATE, [f"{rate}?{name}", steps])  # a module of its own: nobody else counts
        return found

    assert streams("lone", (["a"], 30)) == [False]
    assert streams("few", (["a"], 5), (["b"], 5), (["c", "a"], 5)) == [False] * 3
    assert streams("many", (["a"], 1), (["b"], 1), (["c"], 1), (["d"], 1)) == [False, False, False, True]
    assert streams("batch", (["a", "b", "c", "d"], 1)) == [True]
    assert streams("of nobody", ([], 50), ([], 50)) == [False, True]
    page.wait_for_function("async (url) => !(await import(url)).streaming()", arg=f"{rate}?many", timeout=PATIENCE)


FEIGN = """
async (url) => {
  const {count} = await import(url);
  const tell = () => count([..."abcdef"].map((booking) => ({bookings: [booking]})));
  tell();
  setInterval(tell, 100);
}
"""


def shown_to_the_end(live: Live, open_page: OpenPage) -> Page:
    """A page that shows a booking which has ended."""
    page = open_page()
    book(page, live.free_seats(1)[0])
    expect(state(page)).to_have_text("CONFIRMED", timeout=PATIENCE)
    expect(page.locator(".tables .lag").first).to_have_text("in step", timeout=PATIENCE)
    return page


def bring_the_newest(page: Page) -> None:
    page.evaluate("document.getElementById('booking').dataset.before = ''")
    page.evaluate("htmx.ajax('GET', '/bookings/newest/panel', {target: '#booking', swap: 'outerHTML'})")
    expect(page.locator("#booking:not([data-before])")).to_have_count(1, timeout=PATIENCE)


def test_what_stands_below_the_booking_does_not_jump(live: Live, open_page: OpenPage) -> None:
    """The control: where nothing streams, a booking takes the room that it needs."""
    page = shown_to_the_end(live, open_page)
    # 0 of a story that another one has just replaced.
    room = wait_until(lambda: page.locator(".story").evaluate("(story) => story.offsetHeight"), 10, "a story's height")
    bring_the_newest(page)
    assert page.locator(".story").evaluate("(story) => story.style.minHeight") == ""
    page.evaluate(FEIGN, module(page, "/live/rate"))
    page.locator(".story").evaluate("(story, room) => { story.style.height = `${room + 500}px` }", room)
    bring_the_newest(page)
    assert page.locator(".story").evaluate("(story) => story.style.minHeight") == f"{room + 500}px"


WATCH = """
async (url) => {
  const {streaming} = await import(url);
  const {body} = document;
  body.addEventListener("htmx:afterSwap", ({target}) => {
    if (target.id === "booking") [window.brought, window.streamed] = [performance.now(), streaming()];
  });
  body.addEventListener("htmx:beforeRequest", ({detail}) => {
    if (detail.elt.id === "booking") window.asked ??= performance.now() - window.brought; // its answer is brought soon
  });
}
"""
CONCERN = """
async (url) => {
  const {refreshWatching} = await import(url);
  const booking = document.getElementById("booking").dataset.booking;
  window.asked = undefined;
  refreshWatching([{service: "booking", kind: "transaction", bookings: [booking]}], false);
}
"""


def test_a_panel_that_was_just_brought_is_not_asked_for_again(live: Live, open_page: OpenPage) -> None:
    """It is asked for later: what concerned it is not forgotten. The control: where nothing streams, it is at once."""
    page = shown_to_the_end(live, open_page)
    page.evaluate(WATCH, module(page, "/live/rate"))

    def brought(streams: bool) -> bool:
        bring_the_newest(page)
        return bool(page.evaluate("streamed") == streams)  # a page that had no time for a second saw no stream

    def asked_after(streams: bool) -> float:
        wait_until(lambda: brought(streams), PATIENCE / 1000, "a panel to be brought in a stream, or in none")
        page.evaluate(CONCERN, module(page, "/live/refresh"))
        page.wait_for_function("() => window.asked !== undefined", timeout=PATIENCE)
        after: float = page.evaluate("asked")
        return after

    assert asked_after(streams=False) < PACE_MS
    page.evaluate(FEIGN, module(page, "/live/rate"))
    assert asked_after(streams=True) >= PACE_MS


def test_a_panel_that_is_told_to_stay_is_not_emptied(live: Live, open_page: OpenPage) -> None:
    """What a panel holds is taken out before htmx swaps it; the control is a swap that nobody refuses."""
    page = shown_to_the_end(live, open_page)
    # a panel with the focus in it is not emptied: the focus would be lost
    page.evaluate("document.activeElement.blur()")
    # The lag lines are drawn in the browser, whenever lags are known.
    held = "document.querySelectorAll('#booking *:not(.lag-lines *)').length"
    before: int = page.evaluate(held)
    page.evaluate("window.old = document.getElementById('booking')")
    page.evaluate(
        "document.body.addEventListener('htmx:beforeSwap', ({detail}) => { if (window.refuse) detail.shouldSwap = false })"
    )
    page.evaluate("window.refuse = true")
    with page.expect_response(lambda answer: "/panel" in answer.url) as answered:
        page.evaluate("htmx.trigger('#booking', 'refresh')")
    answered.value.finished()
    expect(page.locator("#booking.htmx-request")).to_have_count(0)
    assert page.evaluate("old.isConnected")
    assert page.evaluate(held) == before
    page.evaluate("window.refuse = false")
    page.evaluate("htmx.trigger('#booking', 'refresh')")
    page.wait_for_function("() => !old.isConnected", timeout=PATIENCE)
    assert page.evaluate("old.childElementCount") == 0
    assert page.evaluate(held) > 0

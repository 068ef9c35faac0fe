"""The live page in other people's browsers: away for long, a clock that is set, no WebSockets, large letters, no scripts."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserType, Page, WebSocketRoute, expect

from tests.browser.test_socket import LISTEN, Wire, book, brought, consecutive, logged
from tests.live import Live

pytestmark = pytest.mark.timeout(180)
PATIENCE = 30_000
OpenPage = Callable[..., Page]
NEXT_CURSOR_IS_NONE = """() => {
  const Real = window.WebSocket;
  window.WebSocket = class extends Real {
    constructor(url) {
      const changed = new URL(url);
      changed.searchParams.set("after", "none");
      super(changed);
      window.WebSocket = Real;
    }
  };
}"""


@pytest.fixture
def visit(browser: Browser, live: Live) -> Iterator[Callable[..., tuple[Page, Wire]]]:
    contexts = []

    def visit_one(path: str = "/", clock: bool = False, wire: Wire | None = None) -> tuple[Page, Wire]:
        context = browser.new_context(base_url=live.url, viewport={"width": 1440, "height": 900})
        contexts.append(context)
        page = context.new_page()
        wire = (wire or Wire()).lay(page)
        if clock:
            page.clock.install()
        page.goto(path)
        if not wire.broken:
            page.locator('#socket[data-state="live"]').wait_for(timeout=PATIENCE)
        expect(page.locator("#opening")).to_have_count(0, timeout=PATIENCE)  # else the page is loaded again soon
        page.locator("#first-run").wait_for(state="detached", timeout=PATIENCE)
        page.evaluate(LISTEN)
        return page, wire

    yield visit_one
    for context in contexts:
        context.close()


@pytest.fixture
def with_setting(
    browser_type: BrowserType, browser_type_launch_args: dict[str, Any]
) -> Iterator[Callable[[str], Browser]]:
    """A browser in which one of Blink's settings is not the usual one."""
    browsers = []

    def launch(setting: str) -> Browser:
        arguments = [*browser_type_launch_args["args"], f"--blink-settings={setting}"]
        browsers.append(browser_type.launch(**{**browser_type_launch_args, "args": arguments}))
        return browsers[-1]

    yield launch
    for one in browsers:
        one.close()


def choose(page: Page, label: str) -> None:
    page.locator(f'#seats .seat[data-label="{label}"]').click()
    expect(page.locator("#chosen")).to_contain_text(label)


def test_a_page_that_was_away_for_too_long_catches_up_and_keeps_what_was_typed(live: Live, visit: Any) -> None:
    page, wire = visit()
    label = live.free_seats(3)[0]  # the last are booked below
    choose(page, label)
    page.evaluate(NEXT_CURSOR_IS_NONE)
    wire.cut()
    wire.broken = False
    expect(page.locator('#socket[data-state="live"]')).to_be_visible(timeout=PATIENCE)
    missed = book(live, 1)
    brought(page, missed)
    assert consecutive(logged(page))
    assert page.evaluate("window.sameDocument"), "the page was reloaded"
    expect(page.locator("#chosen")).to_contain_text(label)


def test_a_page_without_a_log_takes_the_new_cursor_only(live: Live, visit: Any) -> None:
    page, wire = visit("/console")
    page.locator("textarea").first.fill("select 'mine'")
    page.evaluate("document.documentElement.dataset.epoch = crypto.randomUUID()")
    wire.cut()
    wire.broken = False
    page.wait_for_function("() => document.querySelector('#socket').dataset.state === 'live'", timeout=PATIENCE)
    assert page.evaluate("window.sameDocument"), "the page was reloaded"
    expect(page.locator("textarea").first).to_have_value("select 'mine'")


def test_a_page_of_another_journal_asks_before_it_takes_away_what_was_chosen(live: Live, visit: Any) -> None:
    """The control, nothing chosen: tests/browser/test_socket.py, a page of another journal is made anew."""
    page, wire = visit()
    choose(page, live.free_seats(1)[0])
    page.evaluate("document.documentElement.dataset.epoch = crypto.randomUUID()")
    wire.cut()
    wire.broken = False
    again = page.get_by_role("button", name="Load it again")
    expect(again).to_be_visible(timeout=PATIENCE)
    assert page.evaluate("window.sameDocument"), "the page was reloaded"
    again.click()
    page.wait_for_function("() => !window.sameDocument", timeout=PATIENCE)
    expect(page.locator('#socket[data-state="live"]')).to_be_visible(timeout=PATIENCE)


def test_a_mark_from_a_wrong_clock_delays_a_reload_by_seconds_only(live: Live, visit: Any) -> None:
    page, wire = visit()
    page.evaluate("sessionStorage.setItem('sagabox.anew', String(Date.now() + 3_600_000))")
    page.evaluate("document.documentElement.dataset.epoch = crypto.randomUUID()")
    wire.cut()
    wire.broken = False
    page.wait_for_function("() => !window.sameDocument", timeout=PATIENCE)


def test_a_clock_that_is_set_back_does_not_keep_a_dead_line_live(live: Live, visit: Any) -> None:
    page, wire = visit(clock=True)
    page.evaluate("const now = Date.now; Date.now = () => now() - 3_600_000; 0")
    wire.muted = True
    missed = book(live, 1)
    page.clock.fast_forward(40_000)
    brought(page, missed)
    assert wire.opened == 2


def listeners(page: Page, id: str) -> int:
    line = page.context.new_cdp_session(page)
    found = line.send("Runtime.evaluate", {"expression": f"document.getElementById('{id}')"})
    count = len(line.send("DOMDebugger.getEventListeners", {"objectId": found["result"]["objectId"]})["listeners"])
    line.detach()
    return count


def test_no_listener_is_left_behind_by_a_request(open_page: OpenPage) -> None:
    page = open_page()
    ask = """(id) => new Promise((done) => {
      const element = document.getElementById(id);
      element.addEventListener("htmx:afterRequest", done, { once: true });
      htmx.trigger(element, "refresh");
    })"""
    for id in ("outages", "verdict"):
        page.evaluate(ask, id)
        before = listeners(page, id)
        for _ in range(8):
            page.evaluate(ask, id)
        assert listeners(page, id) == before


def test_where_websockets_are_refused_the_page_asks_instead_and_says_so(live: Live, visit: Any) -> None:
    wire = Wire()
    wire.broken = True
    page, _ = visit(wire=wire)
    expect(page.locator("#notice")).to_contain_text("No live line", timeout=PATIENCE)
    (label,) = live.free_seats(1)
    choose(page, label)
    page.get_by_role("button", name="Book", exact=True).click()
    expect(page.locator("#booking-title .state")).to_have_text("CONFIRMED", timeout=PATIENCE)
    expect(page.locator(f'#seats .seat[data-label="{label}"]')).to_have_attribute(
        "data-status", "SOLD", timeout=PATIENCE
    )
    assert consecutive(logged(page))
    expect(page.locator("#socket")).to_have_text("Asking every 2 s", timeout=PATIENCE)
    wire.broken = False
    expect(page.locator("#socket")).to_have_text("Live", timeout=PATIENCE)
    expect(page.locator("#notice")).to_be_hidden()


def test_a_line_that_is_held_up_is_told_from_one_that_works(live: Live, browser: Browser) -> None:
    """A proxy that takes the handshake and passes no frame on."""
    context = browser.new_context(base_url=live.url)
    page = context.new_page()

    def take(line: WebSocketRoute) -> None:
        """And do not connect it to the server."""

    page.route_web_socket(re.compile("/ws/journal"), take)
    page.goto("/")
    expect(page.locator("#notice")).to_contain_text("No live line", timeout=PATIENCE)
    context.close()


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


def newest(live: Live) -> str:
    """A booking, from start to end."""
    booking = live.place(live.free_seats(1), "concert-2024")
    live.ended(booking)
    return booking


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


def test_without_javascript_a_sentence_says_what_works(live: Live, with_setting: Callable[[str], Browser]) -> None:
    page = with_setting("scriptEnabled=false").new_page(base_url=live.url)
    page.goto("/")
    expect(page.locator("noscript")).to_be_visible()
    expect(page.locator("#socket")).to_be_hidden()


def test_in_forced_colours_what_can_be_pressed_has_a_border(open_page: OpenPage) -> None:
    page = open_page(forced_colors="active")
    for selector in ("#book-button", "#socket"):
        assert page.locator(selector).evaluate("element => getComputedStyle(element).borderTopWidth") != "0px"


@pytest.mark.parametrize("width", [1280, 1440, 1920])
def test_letters_twice_as_large_fit_the_window(live: Live, with_setting: Callable[[str], Browser], width: int) -> None:
    page = with_setting("defaultFontSize=32").new_page(base_url=live.url, viewport={"width": width, "height": 900})
    for path in ("/", "/bookings", "/customers", "/sales", "/replay", "/operate"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    page.goto("/")
    overlap = """() => [...document.querySelectorAll("#seats .grid .seat")].filter((seat) => {
      const range = document.createRange();
      range.selectNodeContents(seat);
      return range.getBoundingClientRect().width > seat.getBoundingClientRect().width;
    }).length"""
    assert page.evaluate(overlap) == 0, "numbers that do not fit their seats"


def test_a_booking_that_no_number_can_be_is_said_to_be_none(live: Live, visit: Any) -> None:
    live.ended(live.place(live.free_seats(1), "concert-2024"))
    answer = live.http.get("/?booking=nonsense")
    assert answer.status_code == 404
    page, _ = visit("/?booking=nonsense")
    expect(page.locator("#booking-title")).to_have_text("No such booking")
    expect(page.locator("#booking")).to_contain_text("nonsense")
    page.get_by_role("link", name="Follow the newest").click()
    expect(page.locator("#booking-title .state")).to_be_visible(timeout=PATIENCE)


def test_each_section_of_a_hall_is_a_grid_with_a_tab_stop(open_page: OpenPage) -> None:
    page = open_page()
    grids = page.locator("#seats .grid")
    assert grids.count() > 1
    for grid in grids.all():
        assert grid.get_attribute("aria-multiselectable") == "true"
        assert grid.locator('.seat[tabindex="0"]').count() == 1

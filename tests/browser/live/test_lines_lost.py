"""The page whose line is lost: away for long, another journal, a clock that is set, no WebSockets at all."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, WebSocketRoute, expect

from tests.browser.live.test_socket import Wire, book, brought, consecutive, logged
from tests.browser.standing import PATIENCE, choose
from tests.live import Live
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(180)
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


def test_a_page_that_was_away_for_too_long_catches_up_and_keeps_what_was_typed(live: Live, visit: Any) -> None:
    page, wire = visit()
    label, _, taken = live.free_seats(3)  # the last is booked meanwhile
    choose(page, label)
    page.evaluate(NEXT_CURSOR_IS_NONE)
    wire.cut()
    booking = live.place([taken], "concert-2024")
    live.ended(booking)
    wait_until(lambda: live.seat(taken, "concert-2024")["status"] == "SOLD", 20, "the seat map to show the seat sold")
    missed = live.http.get("/live/head").json()["pos"]
    wire.broken = False
    expect(page.locator('#socket[data-state="live"]')).to_be_visible(timeout=PATIENCE)
    brought(page, missed)
    assert consecutive(logged(page))
    assert page.evaluate("window.sameDocument"), "the page was reloaded"
    expect(page.locator("#chosen")).to_contain_text(label)
    expect(page.locator(f'#seats .seat[data-label="{taken}"]')).to_have_attribute("data-status", "SOLD")
    expect(page.locator(f"#recent-{booking}")).to_be_visible(timeout=PATIENCE)


def test_a_page_without_a_log_takes_the_new_cursor_only(live: Live, visit: Any) -> None:
    page, wire = visit("/console")
    page.locator("textarea").first.fill("select 'mine'")
    page.evaluate("document.documentElement.dataset.epoch = crypto.randomUUID()")
    wire.cut()
    wire.broken = False
    page.wait_for_function("() => document.querySelector('#socket').dataset.state === 'live'", timeout=PATIENCE)
    assert page.evaluate("window.sameDocument"), "the page was reloaded"
    expect(page.locator("textarea").first).to_have_value("select 'mine'")


BEGUN: dict[str, Callable[[Page, Live], None]] = {
    "a seat": lambda page, live: choose(page, live.free_seats(1)[0]),
    "a fault": lambda page, live: page.locator("#anything > summary").click(),
    "help": lambda page, live: page.locator("#help-open").click(),
}


@pytest.mark.parametrize("what", BEGUN)
def test_a_page_of_another_journal_asks_before_it_takes_away_what_was_begun(live: Live, visit: Any, what: str) -> None:
    """The control, nothing begun: tests/browser/live/test_socket.py, a page of another journal is made restarting."""
    page, wire = visit()
    BEGUN[what](page, live)
    page.evaluate("document.documentElement.dataset.epoch = crypto.randomUUID()")
    wire.cut()
    wire.broken = False
    again = page.get_by_role("button", name="Load it again")
    expect(again).to_be_visible(timeout=PATIENCE)
    assert page.evaluate("window.sameDocument"), "the page was reloaded"
    page.keyboard.press("Escape")  # out of the help
    again.click()
    page.wait_for_function("() => !window.sameDocument", timeout=PATIENCE)
    expect(page.locator('#socket[data-state="live"]')).to_be_visible(timeout=PATIENCE)


def test_a_mark_from_a_wrong_clock_delays_a_reload_by_seconds_only(live: Live, visit: Any) -> None:
    page, wire = visit()
    page.evaluate("sessionStorage.setItem('sagabox.reloaded', String(Date.now() + 3_600_000))")
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


def test_where_websockets_are_refused_the_page_asks_instead_and_says_so(live: Live, visit: Any) -> None:
    wire = Wire()
    wire.broken = True
    page, _ = visit(wire=wire)
    expect(page.locator("#notice")).to_contain_text("No live connection", timeout=PATIENCE)
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
    expect(page.locator("#notice")).to_contain_text("No live connection", timeout=PATIENCE)
    context.close()

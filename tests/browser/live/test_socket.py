"""The line between page and server, broken in every way: the log then has each entry of the journal once, and none is missing."""

import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, WebSocketRoute, expect

from tests.live import Live
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(180)
PATIENCE = 30_000
LISTEN = """
window.sameDocument = true;
window.heard = [];
document.body.addEventListener("sagabox:entries", (event) => heard.push(...event.detail.entries.map((entry) => entry.pos)));
"""


class Wire:
    """What lies between one page and the server. `cut` it, or `mute` it: a line that is dead and does not say so."""

    def __init__(self) -> None:
        self.broken = self.muted = False
        self.opened = 0
        self._open: list[WebSocketRoute] = []

    def lay(self, page: Page) -> "Wire":
        page.route_web_socket(re.compile("/ws/journal"), self._connect)
        return self

    def _connect(self, line: WebSocketRoute) -> None:
        self.opened += 1
        if self.broken:
            line.close(code=1012)
            return
        number, server = self.opened, line.connect_to_server()
        server.on_message(lambda message: None if self.muted and number == 1 else line.send(message))
        self._open.append(line)

    def cut(self) -> None:
        self.broken = True
        for line in self._open:
            line.close(code=1012)
        self._open.clear()


Visit = Callable[..., tuple[Page, Wire]]


@pytest.fixture
def visit(browser: Browser, live: Live) -> Iterator[Visit]:
    contexts = []

    def visit_one(clock: bool = False) -> tuple[Page, Wire]:
        context = browser.new_context(base_url=live.url, viewport={"width": 1440, "height": 900})
        contexts.append(context)
        page = context.new_page()
        wire = Wire().lay(page)
        if clock:
            page.clock.install()
        page.goto("/")
        page.locator('#socket[data-state="live"]').wait_for(timeout=PATIENCE)
        page.evaluate(LISTEN)
        return page, wire

    yield visit_one
    for context in contexts:
        context.close()


def cursor(page: Page) -> int:
    return int(page.locator("html").get_attribute("data-cursor") or 0)


def book(live: Live, count: int) -> int:
    """Bookings from start to end; the journal's position by then."""
    live.ended(*[live.place([label], "concert-2024") for label in live.free_seats(count)])
    head: int = live.http.get("/live/head").json()["pos"]
    return head


def brought(page: Page, pos: int) -> None:
    """Wait until the page has drawn that entry."""
    expect(page.locator(f"#e-{pos}")).to_be_attached(timeout=PATIENCE)


def logged(page: Page) -> list[int]:
    """The log's ids, oldest first."""
    found: list[int] = page.locator("#feed .line").evaluate_all("lines => lines.map(line => Number(line.id.slice(2)))")
    return found[::-1]


def heard_all(page: Page, after: int, until: int) -> None:
    """Modules of the page were told of each entry once, in order. (Of how many depends on when they are asked: views follow.)"""
    heard: list[int] = page.evaluate("heard")
    assert heard == list(range(after + 1, after + 1 + len(heard))), "a gap or a double"
    assert heard[-1] >= until


def consecutive(positions: list[int]) -> bool:
    return positions == list(range(positions[0], positions[0] + len(positions)))


def test_a_broken_line_says_how_far_behind_it_is_and_then_nothing_is_missing_or_doubled(
    live: Live, visit: Visit
) -> None:
    (page, wire), (other, _) = visit(), visit()
    began = cursor(page)
    wire.cut()
    expect(page.locator("#socket")).to_have_attribute("data-state", "away", timeout=PATIENCE)
    missed = book(live, 4)
    assert missed - began > 25, "the control: it missed many"

    def says_how_far() -> bool:  # the views' entries may still be coming
        head = live.http.get("/live/head").json()["pos"]
        return page.locator("#socket").inner_text() == f"Reconnecting, {head - cursor(page)} entries behind"

    wait_until(says_how_far, 30, "the pill to say how far behind the page is")
    assert max(logged(page)) < missed
    wire.broken = False
    expect(page.locator("#socket")).to_have_text("Live", timeout=PATIENCE)
    for one in (page, other):
        brought(one, missed)
        heard = one.evaluate("heard")
        assert heard == list(range(heard[0], heard[-1] + 1)), "a gap or a double"
        assert consecutive(logged(one))
        assert one.evaluate("window.sameDocument"), "the page was reloaded"
    assert page.evaluate("heard[0]") <= began + 1
    shown = [[one for one in logged(each) if one <= missed][-60:] for each in (page, other)]
    assert shown[0] == shown[1], "two people see two things"


def test_a_line_that_died_in_its_sleep_is_noticed_by_its_silence(live: Live, visit: Visit) -> None:
    page, wire = visit(clock=True)
    began = cursor(page)
    wire.muted = True
    missed = book(live, 1)
    assert cursor(page) == began, "the line is not dead"
    page.clock.fast_forward(40_000)
    brought(page, missed)
    heard_all(page, began, missed)
    assert wire.opened == 2


def test_a_page_of_another_journal_is_made_anew(live: Live, visit: Visit) -> None:
    page, wire = visit()
    right = page.locator("html").get_attribute("data-epoch")
    page.evaluate("epoch => { document.documentElement.dataset.epoch = epoch }", str(uuid.uuid4()))
    wire.cut()
    wire.broken = False
    page.wait_for_function("() => !window.sameDocument", timeout=PATIENCE)
    expect(page.locator("html")).to_have_attribute("data-epoch", str(right), timeout=PATIENCE)
    expect(page.locator("#socket")).to_have_text("Live", timeout=PATIENCE)


def test_a_hidden_page_draws_nothing_and_loses_nothing(live: Live, visit: Visit) -> None:
    page, _ = visit()
    page.evaluate(
        "window.held = []; window.frame = requestAnimationFrame; window.requestAnimationFrame = (draw) => held.push(draw); 0"
    )
    before = logged(page)
    missed = book(live, 1)
    wait_until(lambda: cursor(page) >= missed, 20, "the entries to arrive")
    assert logged(page) == before
    page.evaluate("window.requestAnimationFrame = window.frame; held.forEach((draw) => requestAnimationFrame(draw))")
    brought(page, missed)
    assert consecutive(logged(page))
    heard_all(page, before[-1], missed)


def test_what_is_kept_until_it_is_drawn(live: Live, visit: Visit) -> None:
    """The rules of the inbox, in the browser that runs them: every line, up to a log's length; of an id only the last."""
    page, _ = visit()
    told: dict[str, Any] = page.evaluate(
        """async () => {
          const served = performance.getEntriesByType("resource").find(({ name }) => name.includes("/live/inbox."));
          const { Inbox, read, LENGTH } = await import(served.name);
          const frame = (from, to, seat) => {
            const lines = [];
            for (let pos = to; pos >= from; pos--) lines.push(`<li data-pos="${pos}" data-bookings="a b"></li>`);
            return read(`<data value="${to}" data-after="${from - 1}" data-head="${to}"></data><ol>${lines.join("")}</ol>`
              + `<b id="seat">${seat}</b>`);
          };
          const inbox = new Inbox();
          inbox.put(frame(1, 3, "HELD"));
          inbox.put(frame(4, 5, "SOLD"));
          const first = inbox.empty();
          inbox.put(frame(6, 6 + LENGTH, "FREE"));
          const second = inbox.empty();
          return {
            positions: first.entries.map((entry) => entry.pos), bookings: first.entries[0].bookings,
            seats: first.latest.map((element) => element.textContent), more: first.more,
            kept: second.entries.length, length: LENGTH, over: second.more, newest: second.entries.at(-1).pos,
            left: inbox.empty().entries.length,
          };
        }"""
    )
    assert told["positions"] == [1, 2, 3, 4, 5]
    assert told["bookings"] == ["a", "b"]
    assert (told["seats"], told["more"]) == (["SOLD"], False)
    assert (told["kept"], told["over"]) == (told["length"], True)
    assert (told["newest"], told["left"]) == (6 + told["length"], 0)


def test_people_here_are_counted_and_each_acts_as_a_customer_of_their_choice(live: Live, visit: Visit) -> None:
    (page, _), (other, _) = visit(), visit()
    for one in (page, other):
        expect(one.locator("#people")).to_have_text("2 people here", timeout=PATIENCE)
    chosen = page.locator('#shop select[name="customer"]')
    another = chosen.locator("option:not(:checked)").first
    value, name = another.get_attribute("value") or "", another.inner_text().strip()
    chosen.select_option(value)
    expect(page.locator("#acting")).to_have_text(f"You act as {name}")
    page.goto("/")
    expect(chosen).to_have_value(value)
    page.goto("/operate")
    expect(page.locator("#acting")).to_have_text(f"You act as {name}")
    expect(other.locator("#acting")).not_to_contain_text(name)

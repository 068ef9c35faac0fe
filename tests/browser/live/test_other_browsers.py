"""The live page in other people's browsers: large letters, forced colours, no scripts, a page that is open for long."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.standing import PATIENCE
from tests.live import Live

pytestmark = pytest.mark.timeout(180)
OpenPage = Callable[..., Page]


def listeners(page: Page, id: str) -> int:
    line = page.context.new_cdp_session(page)
    found = line.send("Runtime.evaluate", {"expression": f"document.getElementById('{id}')"})
    count = len(line.send("DOMDebugger.getEventListeners", {"objectId": found["result"]["objectId"]})["listeners"])
    line.detach()
    return count


def test_no_listener_is_left_behind_by_a_request(live: Live, open_page: OpenPage) -> None:
    live.ended(live.place(live.free_seats(1), "concert-2024"))
    page = open_page()
    expect(page.locator("#booking[data-booking]")).to_have_count(1, timeout=PATIENCE)
    page.evaluate("getSelection().selectAllChildren(document.getElementById('booking-title'))")  # so that it stays
    ask = """(id) => new Promise((done) => {
      const element = document.getElementById(id);
      element.addEventListener("htmx:afterRequest", done, { once: true });
      htmx.trigger(element, "refresh");
    })"""
    for id in ("outages", "verdict", "booking"):
        page.evaluate(ask, id)
        before = listeners(page, id)
        for _ in range(8):
            page.evaluate(ask, id)
        assert listeners(page, id) == before


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


def test_every_seat_says_whether_it_is_chosen_or_cannot_be(open_page: OpenPage) -> None:
    page = open_page()
    free = page.locator('#seats .grid .seat[data-status="AVAILABLE"]')
    chosen = free.evaluate_all("(seats) => seats.map((seat) => seat.getAttribute('aria-selected'))")
    assert set(chosen) == {"false"}
    free.last.click()
    expect(free.last).to_have_attribute("aria-selected", "true")
    taken = page.locator('#seats .grid .seat:not([data-status="AVAILABLE"])')
    assert set(taken.evaluate_all("(seats) => seats.map((seat) => seat.getAttribute('aria-disabled'))")) <= {"true"}


def test_a_screen_reader_comes_to_a_box_before_the_messages_that_leave_it(live: Live, open_page: OpenPage) -> None:
    """In the tree that Chromium hands to it: in the document all messages come first, to be painted under the boxes."""
    booking = live.place(live.free_seats(1), "concert-2024")
    live.ended(booking)
    page = open_page(f"/?booking={booking}")
    expect(page.locator("#lanes-svg .arrow").first).to_be_attached(timeout=PATIENCE)
    order = read_out(page, "Swimlanes")
    froms = page.locator("#lanes-svg .arrow").evaluate_all("(all) => all.map((one) => [one.id, one.dataset.from])")
    led = [(arrow, box) for arrow, box in froms if box]
    assert led
    for arrow, box in led:
        assert order.index(box) < order.index(arrow), (box, arrow)


def read_out(page: Page, name: str) -> list[str]:
    """Ids of the elements in a group, as assistive technology meets them. The group is known by how its name begins."""
    line = page.context.new_cdp_session(page)
    nodes = line.send("Accessibility.getFullAXTree")["nodes"]
    known = {node["nodeId"]: node for node in nodes}
    group = next(node for node in nodes if str(node.get("name", {}).get("value", "")).startswith(name))
    found = []
    for child in group["childIds"]:
        told = line.send("DOM.describeNode", {"backendNodeId": known[child]["backendDOMNodeId"]})["node"]
        attributes = told.get("attributes", [])
        found.append(dict(zip(attributes[::2], attributes[1::2], strict=True)).get("id", ""))
    line.detach()
    return found


def test_a_translated_pill_is_not_written_again_until_it_says_something_else(open_page: OpenPage) -> None:
    page = open_page()
    expect(page.locator("#socket")).to_have_text("Live")
    told: list[str] = page.evaluate(
        """async () => {
          const served = performance.getEntriesByType("resource").find(({ name }) => name.includes("/live/notice."));
          const { say } = await import(served.name);
          const pill = document.getElementById("socket");
          pill.innerHTML = "<font>En direct</font>";
          say("live", "Live");
          const first = pill.textContent;
          say("away", "Reconnecting");
          return [first, pill.textContent];
        }"""
    )
    assert told == ["En direct", "Reconnecting"]

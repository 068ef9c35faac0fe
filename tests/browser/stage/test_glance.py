"""The story at a glance in a real browser: read without scrolling, its details on demand, its newest row followed."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.breaking.test_faults import nothing_armed
from tests.browser.stage.test_page import PATIENCE, OpenPage, book, state
from tests.browser.standing import twice
from tests.live import Live
from tests.waiting import wait_until

__all__ = ["nothing_armed"]
pytestmark = pytest.mark.timeout(180)

SEEN = """() => {
  const bar = document.getElementById("time").getBoundingClientRect().top;
  const lanes = document.getElementById("lanes-picture").getBoundingClientRect();
  const inSight = (element) => {
    const { top, bottom, width } = element.getBoundingClientRect();
    const within = element.closest("#lanes-svg") ? [lanes.top, Math.min(lanes.bottom, bar)] : [0, bar];
    return width > 0 && top >= within[0] - 1 && bottom <= within[1] + 1;
  };
  const texts = [...document.querySelectorAll("#narration, .figures, #lanes-svg text, .words .word")];
  return texts.filter(inSight).map((one) => one.textContent.replace(/\\s+/g, " ").trim()).join("\\n");
}"""
"""What can be read of the story without scrolling, above the time bar."""
SMALL = """() => [...document.querySelectorAll("#lanes text, #lanes button, #lanes a, #narration, .facts")].flatMap((one) => {
  const { width } = one.getBoundingClientRect();
  const scale = one.getScreenCTM ? one.getScreenCTM().d : 1;
  const size = parseFloat(getComputedStyle(one).fontSize) * scale;
  return width && size < 11.99 ? [`${one.textContent.trim()}: ${size.toFixed(2)}`] : [];
})"""
END = "place => Math.round(place.scrollHeight - place.clientHeight - place.scrollTop)"


def test_a_declined_card_is_read_without_scrolling(live: Live, open_page: OpenPage) -> None:
    """The README's second step: who refused, that the saga went backwards, which seat came back, and an event by its name."""
    (label,) = live.free_seats(1)
    page = open_page()
    page.locator("#toggle-card_declined").click()
    expect(page.locator("#toggle-card_declined")).to_have_attribute("aria-pressed", "true")
    book(page, label)
    expect(state(page)).to_have_text("CANCELLED", timeout=PATIENCE)
    expect(page.locator("#narration")).to_contain_text("by a new transaction", timeout=PATIENCE)
    expect(page.locator('#lanes-svg .box[data-service="booking"]', has_text="BookingCancelled")).to_be_visible()
    assert page.evaluate("window.scrollY") == 0
    told = page.evaluate(SEEN)
    assert (
        f"Payment said no: the card was declined. The saga went backwards: seat {label} was given back by a new transaction."
        in told
    )
    for word in (
        "DECLINED",
        "PaymentDeclined",
        "SeatsReleased",
        f"{label} AVAILABLE",
        "3 databases",
        "compensation",
        "view has it",
    ):
        assert word in told, told
    assert page.evaluate(SMALL) == []


@pytest.mark.parametrize("width", [1920, 1440, 1366, 1024, 390])
@pytest.mark.parametrize("details", ["0", "1"])
def test_nothing_in_the_lanes_is_small(live: Live, open_page: OpenPage, width: int, details: str) -> None:
    booking = live.place(live.free_seats(1), "concert-2024", "tok_declined")
    live.ended(booking)
    page = open_page(f"/?booking={booking}&details={details}")
    page.set_viewport_size({"width": width, "height": 900})
    if width < 900:
        page.get_by_role("tab", name="Story").click()
    expect(page.locator("#lanes-svg .box").first).to_be_visible(timeout=PATIENCE)
    narrow = width in (390, 1024) or (width == 1366)
    expect(page.locator("#lanes-picture[data-narrow]")).to_have_count(int(narrow), timeout=PATIENCE)
    assert page.evaluate(SMALL) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_details_are_kept_and_can_be_sent_to_somebody(live: Live, open_page: OpenPage) -> None:
    booking = live.place(live.free_seats(1), "concert-2024")
    live.ended(booking)
    page = open_page(f"/?booking={booking}")
    ids = "#lanes-svg text[data-kind='meta']"  # transaction ids and log positions
    switch = page.locator("#lanes-details")
    expect(page.locator("#lanes-svg")).to_contain_text("BookingConfirmed", timeout=PATIENCE)
    expect(page.locator(ids)).to_have_count(0)
    switch.click()
    expect(page.locator(ids).first).to_have_text(re.compile(r"xid \d+"))
    expect(switch).to_have_attribute("aria-pressed", "true")
    assert "details=1" in page.url
    page.keyboard.press("Home")  # a moment's address has them too
    expect(page.locator("#badge")).to_have_text("REPLAY")
    page.wait_for_url(re.compile("details=1.*pos=|pos=.*details=1"))
    other = open_page(page.url)
    expect(other.locator(ids)).not_to_have_count(0)
    other.goto(f"/?booking={booking}")  # and in this browser from now on
    expect(other.locator(ids)).not_to_have_count(0)
    other.locator("#lanes-details").click()
    expect(other.locator(ids)).to_have_count(0)
    assert "details" not in other.url


def test_the_newest_row_is_followed_until_the_reader_scrolls(live: Live, open_page: OpenPage) -> None:
    live.settled()
    live.arm(service="tickets", point="transaction.before", action="hold", message="IssueTickets", seconds=100)
    page = open_page()
    page.set_viewport_size({"width": 1440, "height": 640})
    book(page, *live.free_seats(1))
    lanes, end = page.locator("#lanes-picture"), page.locator("#lanes-svg .box").last
    expect(page.locator("#narration")).to_contain_text("A fault holds IssueTickets here", timeout=PATIENCE)
    assert lanes.evaluate(END) < 24, "the newest row is not in sight"
    lanes.hover()
    page.mouse.wheel(0, -3000)  # the reader looks at the beginning
    expect(lanes).to_have_js_property("scrollTop", 0)
    page.locator("#booking-title").hover()
    live.http.delete("/api/faults")
    expect(state(page)).to_have_text("CONFIRMED", timeout=PATIENCE)
    expect(page.locator("#lanes-svg")).to_contain_text("BookingConfirmed", timeout=PATIENCE)
    assert lanes.evaluate("place => place.scrollTop") == 0, "the reader was moved"
    first = page.locator("#lanes-svg .box").first
    first.focus()
    page.keyboard.press("End")  # by the keyboard, back to the newest row
    expect(end).to_be_focused()
    assert lanes.evaluate(END) < 24
    twice(page.locator("#cancel-booking"))
    expect(state(page)).to_have_text("CANCELLED", timeout=PATIENCE)
    expect(page.locator("#lanes-svg")).to_contain_text("BookingCancelled", timeout=PATIENCE)
    assert lanes.evaluate(END) < 24, "the newest row is not followed again"


BELOW = """() => document.getElementById("lanes-picture").getBoundingClientRect().bottom
  - document.getElementById("time").getBoundingClientRect().top"""
"""How far the newest row is below what can be seen on a phone, in px."""


def test_a_phone_follows_the_newest_row_until_the_reader_scrolls(live: Live, open_page: OpenPage) -> None:
    live.settled()
    first = live.arm(service="payments", point="transaction.before", action="hold", message="TakePayment", seconds=100)
    live.arm(service="tickets", point="transaction.before", action="hold", message="IssueTickets", seconds=100)
    page = open_page()
    page.set_viewport_size({"width": 390, "height": 700})
    book(page, *live.free_seats(1))
    expect(page.locator("#narration")).to_contain_text("A fault holds TakePayment here", timeout=PATIENCE)
    assert live.http.delete(f"/api/faults/{first}").is_success  # so that there are rows which the first picture had not
    expect(page.locator("#narration")).to_contain_text("A fault holds IssueTickets here", timeout=PATIENCE)
    wait_until(
        lambda: page.evaluate(BELOW) < 24 and page.evaluate("scrollY") > 100, 10, "the newest row to be in sight"
    )
    page.mouse.move(195, 300)
    page.mouse.wheel(0, -3000)  # the reader looks at the beginning
    page.wait_for_function("() => scrollY === 0")
    live.http.delete("/api/faults")
    expect(state(page)).to_have_text("CONFIRMED", timeout=PATIENCE)
    expect(page.locator("#lanes-svg")).to_contain_text("BookingConfirmed", timeout=PATIENCE)
    assert page.evaluate("scrollY") == 0, "the reader was moved"
    page.mouse.wheel(0, page.evaluate(BELOW))  # back to the newest row
    page.wait_for_function(f"() => ({BELOW})() < 24")
    twice(page.locator("#cancel-booking"))
    expect(state(page)).to_have_text("CANCELLED", timeout=PATIENCE)
    expect(page.locator("#lanes-svg")).to_contain_text("BookingCancelled", timeout=PATIENCE)
    assert page.evaluate(BELOW) < 24, "the newest row is not followed again"
    opened = open_page(f"/?booking={page.locator('#booking').get_attribute('data-booking')}")
    opened.set_viewport_size({"width": 390, "height": 700})
    expect(opened.locator("#lanes-picture[data-narrow]")).to_be_visible(timeout=PATIENCE)
    assert opened.evaluate("scrollY") == 0, "a booking that is opened begins with its words"


def lit(page: Page) -> set[str]:
    shown = """all => all.filter(one => getComputedStyle(one).opacity === '1')
        .map(one => one.dataset.kind + (one.dataset.tone || ''))"""
    return set(page.locator("#lanes-svg .box, #lanes-svg .arrow").evaluate_all(shown))


def test_a_word_of_the_legend_lights_up_all_of_its_kind(live: Live, open_page: OpenPage) -> None:
    booking = live.place(live.free_seats(1), "concert-2024", "tok_declined")
    live.ended(booking)
    page = open_page(f"/?booking={booking}", reduced_motion="reduce")
    expect(page.locator("#lanes-svg")).to_contain_text("BookingCancelled", timeout=PATIENCE)
    for word, kinds in (("command", {"command"}), ("reply", {"reply"}), ("view", {"views", "event"})):
        page.locator(f"#word-{word}").hover()
        expect(page.locator("#lanes-svg")).to_have_attribute("data-lit", word)
        assert lit(page) == kinds
    page.locator("#booking-title").hover()
    page.locator("#word-compensation").focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")  # a focus by the keyboard
    expect(page.locator("#lanes-svg")).to_have_attribute("data-lit", "compensation")
    assert lit(page) == {"transactioncompensation", "command", "reply"}
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.locator("#lanes-svg[data-lit]")).to_have_count(0)

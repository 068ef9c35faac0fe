"""What a person does on the page, in a real browser, without a reload."""

import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.live import Live

pytestmark = pytest.mark.timeout(180)
OpenPage = Callable[..., Page]
PATIENCE = 30_000


def seat(page: Page, label: str, performance: str = "concert-2024") -> Any:
    return page.locator(f"#seat-{performance}-{label}")


def book(page: Page, *labels: str) -> None:
    for label in labels:
        seat(page, label).click()
    shown = page.locator("#booking").get_attribute("data-booking") or ""
    page.get_by_role("button", name="Book", exact=True).click()
    # Until the new booking is there, the panel shows another one, or the states of those before it.
    expect(page.locator("#booking")).to_have_attribute("data-booking", re.compile(rf"^(?!{shown}$)."), timeout=PATIENCE)


def state(page: Page) -> Any:
    """The state of the booking whose story is open; not of one in a list."""
    return page.locator("#booking-title .state")


def test_click_a_15_and_see_it_sold_in_a_second_browser_too(live: Live, open_page: OpenPage) -> None:
    page, other = open_page(), open_page()
    expect(seat(page, "A-15")).to_have_attribute("data-status", "AVAILABLE")
    for one in (page, other):
        one.evaluate("window.sameDocument = true")
    seat(page, "A-15").click()
    expect(page.locator("#chosen")).to_contain_text("150,000")
    page.get_by_role("button", name="Book", exact=True).click()
    expect(state(page)).to_have_text("CONFIRMED", timeout=PATIENCE)
    for one in (page, other):
        expect(seat(one, "A-15")).to_have_attribute("data-status", "SOLD", timeout=PATIENCE)
        assert one.evaluate("window.sameDocument"), "the page was reloaded"
        for service in ("booking", "seats", "payments", "tickets", "projections"):
            expect(one.locator(f'#feed .line[data-service="{service}"]:not([data-bookkeeping])').first).to_be_visible()


def announce(live: Live, name: str) -> None:
    """A hall with one row of 40 seats."""
    block = {"section": "Hall", "rows": ["A"], "seats_a_row": 40, "price": 2_000}
    told = {
        "id": name,
        "title": "Soon",
        "venue": f"Hall of {name}",
        "starts_at": "2031-01-01T20:00:00Z",
        "currency": "EUR",
    }
    assert live.http.post("/api/performances", json={**told, "blocks": [block]}).status_code == 201


def test_a_page_opened_before_its_hall_was_announced_gets_it(live: Live, open_page: OpenPage) -> None:
    name = f"soon-{uuid.uuid4().hex[:8]}"
    page = open_page(f"/?performance={name}")
    expect(page.locator("#seats")).to_contain_text("The seat map is empty")
    page.evaluate("window.sameDocument = true")
    announce(live, name)
    expect(seat(page, "A-4", name)).to_have_attribute("data-status", "AVAILABLE", timeout=PATIENCE)
    expect(page.locator("#performance")).to_have_value(name)
    seat(page, "A-40", name).click()  # far to the right: a row that is too long for the page scrolls
    expect(page.locator("#chosen")).to_contain_text("A-40")
    assert (seat(page, "A-40", name).bounding_box() or {})["width"] >= 17, "two digits are not legible on less"
    assert page.locator("#opening").count() == 0, "what is there need not be waited for"
    assert not page.evaluate("window.sameDocument"), "a page's select and its map come with its document"


def test_a_hall_that_comes_does_not_take_away_what_was_begun(live: Live, open_page: OpenPage) -> None:
    name = f"soon-{uuid.uuid4().hex[:8]}"
    page = open_page(f"/?performance={name}")
    page.evaluate("window.sameDocument = true")
    page.locator("#anything > summary").click()
    announce(live, name)
    again = page.get_by_role("button", name="Load it again")
    expect(again).to_be_visible(timeout=PATIENCE)
    assert page.evaluate("window.sameDocument"), "the page was reloaded"
    again.click()
    expect(seat(page, "A-4", name)).to_have_attribute("data-status", "AVAILABLE", timeout=PATIENCE)


def test_a_declined_card_can_be_stepped_through(live: Live, open_page: OpenPage) -> None:
    label = live.free_seats(1)[0]
    page = open_page()
    page.locator("#toggle-card_declined").click()
    expect(page.locator("#toggle-card_declined")).to_contain_text("armed")
    book(page, label)
    expect(state(page)).to_have_text("CANCELLED", timeout=PATIENCE)
    expect(page.locator("#booking .facts")).to_contain_text("card_declined")
    expect(page.locator("#toggle-card_declined")).to_contain_text("fired")
    expect(seat(page, label)).to_have_attribute("data-status", "AVAILABLE", timeout=PATIENCE)
    expect(page.locator(".where")).to_have_text(re.compile(r"entry (\d+) of \1$"), timeout=PATIENCE)

    told = walk_back(page)
    reserved = first(told, "seats_seat", "RESERVED")
    declined = first(told, "payments_payment", "DECLINED")
    released = first(told, "seats_hold", "RELEASED")
    cancelled = first(told, "booking_booking", "CANCELLED")
    assert reserved < declined < released < cancelled


def walk_back(page: Page) -> list[str]:
    """Press Previous until the first entry; return each moment's text, oldest first."""
    told = []
    while True:
        told.append(page.locator("#booking .tables").inner_text())
        where = page.locator(".where").inner_text()
        if where.startswith("entry 1 of"):
            return told[::-1]
        page.locator("#step-previous").click()
        expect(page.locator(".where")).not_to_have_text(where)
        expect(page.locator("#badge")).to_have_text("REPLAY")


def first(told: list[str], table: str, word: str) -> int:
    """The first moment at which this table's rows say this."""
    caption = re.compile(r"\b(?:booking|seats|payments|tickets|projections)_")
    for number, text in enumerate(told):
        _, found, rows = text.partition(table)
        if found and word in caption.split(rows, maxsplit=1)[0]:
            return number
    raise AssertionError(f"{table} never says {word}")


def test_a_refusing_printer_shows_the_refund(live: Live, open_page: OpenPage) -> None:
    label = live.free_seats(1)[0]
    page = open_page()
    page.get_by_role("button", name="Printer refuses").click()
    expect(page.locator("#toggle-printer_refuses")).to_contain_text("armed")
    book(page, label)
    expect(state(page)).to_have_text("CANCELLED", timeout=PATIENCE)
    expect(page.locator("#booking .tables")).to_contain_text("REFUNDED", timeout=PATIENCE)
    expect(seat(page, label)).to_have_attribute("data-status", "AVAILABLE", timeout=PATIENCE)


def test_a_lost_acknowledgement_still_confirms(live: Live, open_page: OpenPage) -> None:
    label = live.free_seats(1)[0]
    page = open_page()
    page.get_by_role("button", name="Acknowledgement lost").click()
    expect(page.locator("#toggle-acknowledgement_lost")).to_contain_text("armed")
    book(page, label)
    expect(state(page)).to_have_text("CONFIRMED", timeout=PATIENCE)
    expect(page.locator("#booking .steps")).to_contain_text("attempt 2")


def test_a_refused_order_says_why_and_keeps_the_page(live: Live, open_page: OpenPage) -> None:
    page = open_page(outage=True)
    label = live.free_seats(1)[0]
    seat(page, label).click()
    page.locator("#seats-field").evaluate("field => field.value = 'Z-999'")
    page.get_by_role("button", name="Book", exact=True).click()
    expect(page.locator("#problem")).to_contain_text("Z-999")
    page.route("**/book", lambda route: route.abort())
    page.get_by_role("button", name="Book", exact=True).click()
    expect(page.locator("#problem")).to_contain_text("No answer")
    expect(page.locator("#chosen")).to_contain_text(label)


def test_an_address_of_no_page_and_of_no_booking(live: Live, open_page: OpenPage) -> None:
    page = open_page("/nope", outage=True)  # the browser complains of a 404 on its console
    expect(page.get_by_role("heading", level=1)).to_have_text("There is no such page")
    page.get_by_role("link", name="The stage").click()
    expect(page.get_by_role("heading", name="Book", exact=True)).to_be_visible()
    page.goto("/?booking=01a1feb9-b11d-78c8-99bf-000000000000")
    expect(page.locator("#booking")).to_contain_text("no booking with this number")
    expect(page.locator("#booking .steps")).to_have_count(0)


def test_book_with_the_keyboard_alone(live: Live, open_page: OpenPage) -> None:
    page = open_page("/?performance=studio-night")
    first = page.locator('#seats .grid .seat[tabindex="0"]').first
    first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    focused = page.locator("#seats .seat:focus")
    label = focused.get_attribute("data-label")
    page.keyboard.press("Space")
    expect(page.locator("#chosen")).to_contain_text(str(label))
    page.locator("#book-button").focus()
    page.keyboard.press("Enter")
    expect(state(page)).to_have_text("CONFIRMED", timeout=PATIENCE)


def test_the_socket_comes_back_without_a_gap(live: Live, open_page: OpenPage) -> None:
    """The server restarts while bookings go on; the page then shows each journal entry once."""
    page = open_page(outage=True)
    before = int(page.locator("html").get_attribute("data-pos") or 0)
    live.sandbox.restart("web")
    live.sandbox.wait_healthy("web")
    bookings = [live.place([label], "concert-2024") for label in live.free_seats(3)]
    live.ended(*bookings)
    expect(page.locator('#socket[data-state="live"]')).to_be_visible(timeout=PATIENCE)
    for booking in bookings:
        expect(page.locator(f'#feed .line[data-bookings~="{booking}"]').first).to_be_visible(timeout=PATIENCE)
    shown = page.locator("#feed .line").evaluate_all("lines => lines.map(line => Number(line.dataset.pos))")
    fresh = sorted(pos for pos in shown if pos > before)
    assert fresh == list(range(fresh[0], fresh[-1] + 1)), "a gap or a double"

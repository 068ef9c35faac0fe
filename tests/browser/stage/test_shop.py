"""Booking from the map: what is booked is what was shown, and the page finds out what became of it, if the answer gets lost."""

import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from playwright.sync_api import BrowserType, Page, Route, expect

from control.setup.provision import admin_url
from tests.browser.stage.test_page import PATIENCE, seat, state
from tests.live import Live
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(180)
OpenPage = Callable[..., Page]
VISA, OTHER = "tok_visa", "tok_insufficient_funds"


def press_book(page: Page) -> None:
    page.get_by_role("button", name="Book", exact=True).click()


def bookings_of(live: Live, label: str, performance: str = "concert-2024") -> list[tuple[Any, ...]]:
    ask = "select performance_id, state, payment_method from booking_booking where %s = any(seats) and performance_id = %s"
    return live.rows("booking", ask, label, performance)


def standing(live: Live, label: str) -> list[str]:
    """How the bookings of this seat are paid that have not been cancelled (an earlier test's may have been)."""
    return [method for _, state, method in bookings_of(live, label) if state != "CANCELLED"]


def count(live: Live) -> int:
    return int(live.rows("booking", "select count(*) from booking_booking")[0][0])


@pytest.fixture(scope="module")
def hall(live: Live) -> str:
    """A performance of our own, whose rows A and B have eight seats each at 25 euros."""
    name = f"hall-{uuid.uuid4().hex[:8]}"
    block = {"section": "Floor", "rows": ["A", "B"], "seats_a_row": 9, "price": 2_500}
    told = {"id": name, "title": "حفلة 2030", "venue": name, "starts_at": "2030-06-01T20:00:00Z", "currency": "EUR"}
    assert live.http.post("/api/performances", json={**told, "blocks": [block]}).status_code == 201
    wait_until(lambda: live.http.get(f"/api/performances/{name}/seats").status_code == 200, 20, "the hall to be shown")
    known = "select count(*) from booking_performancereplica where id = %s"
    wait_until(lambda: live.rows("booking", known, name) == [(1,)], 20, "Booking to know the hall")
    return name


@pytest.fixture
def like_a_persons(browser_type: BrowserType, browser_type_launch_args: dict[str, Any], live: Live) -> Iterator[Page]:
    """A page of a Chromium that keeps pages for Back and Forward, as anybody's does; Playwright's own do not."""
    browser = browser_type.launch(**browser_type_launch_args, ignore_default_args=["--disable-back-forward-cache"])
    page = browser.new_page(base_url=live.url, viewport={"width": 1440, "height": 900})
    yield page
    browser.close()


def test_a_page_that_comes_back_books_what_its_map_shows(like_a_persons: Page, live: Live, hall: str) -> None:
    page = like_a_persons
    page.goto(f"/?performance={hall}")
    page.locator('#socket[data-state="live"]').wait_for()
    page.evaluate("addEventListener('pageshow', event => { window.persisted = event.persisted })")
    seat(page, "A-2", hall).click()
    page.locator("#performance").select_option("studio-night")
    page.wait_for_url("**/?performance=studio-night*")
    page.go_back(wait_until="commit")  # there is no load of a page that was kept
    page.wait_for_url(f"**/?performance={hall}", wait_until="commit")
    assert page.evaluate("window.persisted") is True, "the browser did not keep the page"
    expect(page.locator("#performance")).to_have_value(hall)
    expect(page.locator("#chosen")).to_contain_text("A-2 · €25.00")
    seat(page, "A-1", hall).click()
    press_book(page)
    expect(state(page)).to_have_text("CONFIRMED", timeout=PATIENCE)
    expect(page.locator("#booking .facts")).to_contain_text(f"A-2, A-1 of {hall}")


BOOK_WHILE_LEAVING = """async () => {
    const list = document.getElementById("performance");
    list.value = "studio-night";
    list.dispatchEvent(new Event("change", { bubbles: true }));
    document.getElementById("book-button").click();
    await new Promise((done) => setTimeout(done, 500));
    const told = document.getElementById("other-performance").textContent;
    document.getElementById("keep-performance").click();
    return told;
}"""


def test_nothing_is_booked_while_another_performance_is_on_its_way(open_page: OpenPage, live: Live, hall: str) -> None:
    page = open_page(f"/?performance={hall}")
    before = count(live)
    page.route("**/?performance=studio-night*", lambda route: None)  # the next page never comes
    seat(page, "A-3", hall).click()
    # in one go: Playwright's own clicks would wait for the page that is on its way
    told = page.evaluate(BOOK_WHILE_LEAVING)
    assert "Studio Night" in told
    assert "is on its way" in told
    assert count(live) == before
    expect(page.locator("#performance")).to_have_value(hall)
    press_book(page)
    expect(state(page)).to_have_text("CONFIRMED", timeout=PATIENCE)
    wait_until(lambda: bookings_of(live, "A-3", hall) == [(hall, "CONFIRMED", VISA)], 30, "the booking of this map")
    assert bookings_of(live, "A-3", "studio-night") == []


def test_an_arrow_key_in_the_list_of_performances_leads_nowhere(open_page: OpenPage, hall: str) -> None:
    page = open_page(f"/?performance={hall}")
    seat(page, "A-9", hall).click()
    page.evaluate("window.sameDocument = true")
    options = page.locator("#performance option")
    assert options.filter(has_text="حفلة").first.text_content() == "\u2068حفلة 2030\u2069, 1 Jun 2030"
    page.locator("#performance").focus()
    page.keyboard.press("ArrowUp")
    expect(page.locator("#performance")).not_to_have_value(hall)
    expect(page.locator("#other-performance")).to_contain_text("The map shows another performance")
    seat(page, "B-9", hall).click()  # who goes on with this map means its performance
    expect(page.locator("#performance")).to_have_value(hall)
    expect(page.locator("#chosen")).to_contain_text("A-9, B-9")
    assert page.evaluate("window.sameDocument")
    page.locator("#performance").focus()
    page.keyboard.press("ArrowUp")
    other = page.locator("#performance").input_value()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/?performance={other}*")


PORTAL: dict[str, Any] = {"content_type": "text/html", "body": "<h1>Welcome to our Wi-Fi</h1>"}
LOST: dict[str, Callable[[Route, int], None]] = {
    "connectionreset": lambda route, _: route.abort("connectionreset"),
    "timedout": lambda route, _: route.abort("timedout"),
    "somebody else's page": lambda route, time: route.fulfill(status=404 if time > 1 else 200, **PORTAL),
}


@pytest.mark.parametrize("how", LOST)
def test_an_answer_that_got_lost_is_asked_for_again(open_page: OpenPage, live: Live, how: str) -> None:
    page = open_page(outage=True)
    label = live.free_seats(1)[0]
    answered: list[int] = []

    def lose_the_first(route: Route) -> None:
        if len(answered) < (2 if "page" in how else 1):
            answered.append(route.fetch().status)
            LOST[how](route, len(answered))
        else:
            route.continue_()

    page.route("**/book", lose_the_first)
    seat(page, label).click()
    press_book(page)
    expect(page.locator("#problem")).to_contain_text("No answer")
    expect(page.locator("#chosen")).to_contain_text(label)
    expect(page.locator("#problem")).to_contain_text(f"Your booking went through: {label}", timeout=PATIENCE)
    expect(page.get_by_text("Welcome to our Wi-Fi")).to_have_count(0)
    expect(page.locator("#chosen")).to_have_text("Click a seat.")
    expect(state(page)).to_have_text("CONFIRMED", timeout=PATIENCE)
    assert standing(live, label) == [VISA]


def test_another_card_after_a_lost_answer_finds_the_first_booking_first(open_page: OpenPage, live: Live) -> None:
    """Also when all answers get lost for a while, the socket included, and the page is loaded again meanwhile."""
    page = open_page(outage=True)
    label = live.free_seats(1)[0]

    lost = True

    def lose(route: Route) -> None:
        if lost:
            route.fetch()
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/book", lose)
    seat(page, label).click()
    press_book(page)
    expect(page.locator("#problem")).to_contain_text("No answer")
    page.locator('select[name="payment_method"]').select_option(OTHER)
    press_book(page)
    expect(page.locator("#problem")).to_contain_text("No answer")
    seat(page, live.free_seats(1)[0]).click()
    expect(page.locator("#chosen-note")).to_contain_text("The outcome of the previous booking")
    lost = False
    page.reload()
    expect(page.locator("#problem")).to_contain_text(f"Your booking went through: {label}", timeout=PATIENCE)
    expect(page.locator("#problem")).to_contain_text("with Visa")
    assert standing(live, label) == [VISA]


def test_a_cancelled_booking_is_not_told_as_one_that_went_through(open_page: OpenPage, live: Live) -> None:
    page = open_page(outage=True)
    label = live.free_seats(1)[0]
    lost = True
    page.route("**/book", lambda route: (route.fetch(), route.abort("failed")) if lost else route.continue_())
    page.locator('select[name="payment_method"]').select_option("tok_declined")
    seat(page, label).click()
    press_book(page)
    declined = ("concert-2024", "CANCELLED", "tok_declined")
    wait_until(lambda: declined in bookings_of(live, label), 30, "the card to be declined")
    lost = False
    expect(page.locator("#problem")).to_contain_text("cancelled since", timeout=PATIENCE)


def test_a_page_without_its_cookie_says_what_helps(open_page: OpenPage, live: Live) -> None:
    page = open_page(outage=True)
    label = live.free_seats(1)[0]
    seat(page, label).click()
    page.context.clear_cookies()
    page.locator("#toggle-card_declined").click()  # any other form says it beside its button
    expect(page.locator(".unanswered")).to_contain_text("This page is too old for that. Load it again")
    press_book(page)
    expect(page.locator("#problem")).to_contain_text("This page is too old to book with")
    page.locator("#problem").get_by_role("link", name="Load it again").click()
    expect(page.locator("#chosen")).to_contain_text(label)  # over the reload
    press_book(page)
    expect(state(page)).to_have_text("CONFIRMED", timeout=PATIENCE)


def test_another_price_than_the_map_shows_is_asked_about(open_page: OpenPage, live: Live, hall: str) -> None:
    page = open_page(f"/?performance={hall}")
    seat(page, "B-1", hall).click()

    def set_prices(amount: int) -> None:
        """By the superuser: a copy's owner may not write it."""
        url = admin_url(live.sandbox.environments.control(), "booking", "booking")
        with psycopg.connect(url, autocommit=True) as superuser:
            change = "update booking_performancereplica set prices = array_fill(%s, array[18]) where id = %s"
            assert superuser.execute(change, [amount, hall]).rowcount == 1

    set_prices(3_000)
    try:
        press_book(page)
        expect(page.locator("#problem")).to_contain_text("The price has changed. These seats cost €30.00 now")
        assert bookings_of(live, "B-1", hall) == []
        page.get_by_role("button", name="Book for €30.00").click()
        expect(state(page)).to_have_text("CONFIRMED", timeout=PATIENCE)
    finally:
        set_prices(2_500)


def test_the_keyboard_chooses_books_and_stays_near(open_page: OpenPage, hall: str) -> None:
    page = open_page(f"/?performance={hall}")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.locator("#skip-seats")).to_be_focused()
    page.keyboard.press("Enter")
    expect(seat(page, "A-1", hall)).to_be_focused()
    page.keyboard.press("ArrowDown")
    for step in range(8):  # nine seats of row B and A: from B-1 to B-9
        page.keyboard.press("ArrowRight") if step else None
    page.keyboard.press("Space")
    chosen = page.locator("#seats .seat:focus").get_attribute("data-label")
    expect(page.locator("#chosen")).to_contain_text(str(chosen))
    page.keyboard.press("Enter")
    expect(page.locator("#booking-title")).to_be_focused()
    expect(state(page)).to_have_text("CONFIRMED", timeout=PATIENCE)
    expect(page.locator("#booking-title")).to_be_focused()


def test_a_ninth_seat_is_not_added_and_says_so_beside_the_eight(open_page: OpenPage, live: Live) -> None:
    page = open_page()
    labels = live.free_seats(9)
    for label in labels:
        seat(page, label).click()
    expect(page.locator("#chosen")).to_have_text(re.compile(rf"^{', '.join(labels[:8])} · ₩"))
    expect(page.locator("#chosen-note")).to_have_text(f"A booking takes at most 8 seats, so {labels[8]} was not added.")
    assert page.locator("#seats-field").input_value() == ",".join(labels[:8])
    expect(seat(page, labels[8])).to_have_attribute("aria-selected", "false")

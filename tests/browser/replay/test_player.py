"""Walking through time in a real browser: a booking on the stage, a run and its imported copy on a page of their own."""

import re
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.test_accessible import violations
from tests.live import Live
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(180)
OpenPage = Callable[..., Page]
SLOW_PAYMENT = {"point": "bus", "action": "delay", "service": "booking", "message": "TakePayment", "seconds": 1}


@pytest.fixture(scope="module")
def declined(live: Live) -> tuple[str, str]:
    """A booking whose card was declined, late enough that the seat map had heard of the reservation; and its seat."""
    label = live.free_seats(1)[0]
    live.http.post("/api/runs", json={"name": "declined"}).raise_for_status()  # a run of its own: a short one
    live.http.delete("/api/faults")
    live.http.post("/api/faults", json=SLOW_PAYMENT).raise_for_status()
    booking = live.place([label], "concert-2024", method="tok_declined")
    live.ended(booking)
    wait_until(lambda: live.seat(label, "concert-2024")["status"] == "AVAILABLE", 20, "the map to show the seat free")
    live.http.delete("/api/faults")
    (last,) = live.rows("journal", "select max(pos) from journal_entry where tape = 0")[0]
    indexed = "select pos >= %s from journal_indexed where tape = 0"
    wait_until(lambda: live.rows("journal", indexed, last) == [(True,)], 30, "its entries to be indexed")
    return booking, label


def on_the_map(page: Page, label: str) -> Locator:
    return page.locator(f'#seats .grid [data-label="{label}"]')


def positions(page: Page) -> list[int]:
    return [int(pos) for pos in str(page.locator("#time-moves").get_attribute("data-positions")).split(",")]


def stand_at(page: Page, pos: int) -> None:
    """Scrub there."""
    value = positions(page).index(pos) + 1
    page.locator("#scrubber").fill(str(value))
    expect(page.locator(".where")).to_contain_text(f"entry {value} of")


def box(page: Page, service: str, nth: int) -> int:
    """Position of a transaction in the swimlanes."""
    found = page.locator(f'#lanes-svg .box[data-service="{service}"][data-kind="transaction"]').nth(nth)
    return int(str(found.get_attribute("data-pos")))


def picture(page: Page) -> list[str]:
    """All panels' text, and every seat's state."""
    seats = page.locator("#seats .grid .seat").evaluate_all(
        "all => all.map(one => one.dataset.label + one.dataset.status)"
    )
    parts = [page.locator(f"#{name}").inner_text() for name in ("booking", "then-flights", "then-lags")]
    return [*parts, *seats]


def test_scrub_to_before_the_payment_and_step_on(live: Live, open_page: OpenPage, declined: tuple[str, str]) -> None:
    booking, label = declined
    page = open_page(f"/?booking={booking}")
    expect(page.locator("#badge")).to_have_text("LIVE")
    seat, tables = on_the_map(page, label), page.locator("#tables")
    payment, release = box(page, "payments", 0), box(page, "seats", 1)

    page.evaluate("window.sameDocument = true")
    stand_at(page, positions(page)[positions(page).index(payment) - 1])
    expect(page.locator("#badge")).to_have_text("REPLAY")
    expect(page.locator("#socket")).to_have_text("Live, log only")
    expect(seat).to_have_attribute("data-status", "RESERVED")
    expect(tables.locator('[data-service="seats"]')).to_contain_text("RESERVED")
    expect(tables.locator('[data-service="payments"]')).to_contain_text("no row yet")
    expect(page.locator("#then-flights")).to_contain_text("TakePayment Booking → Payment")
    expect(page.locator("#shop")).to_be_hidden()
    page.keyboard.press("ArrowRight")
    expect(tables.locator('[data-service="payments"]')).to_contain_text("DECLINED")
    expect(seat).to_have_attribute("data-status", "RESERVED")
    assert not violations(page)

    other = open_page(page.url.removeprefix(live.url))
    assert f"pos={payment}" in other.url
    assert picture(other) == picture(page)

    stand_at(page, release)
    expect(tables.locator('[data-service="seats"]').get_by_text("AVAILABLE")).to_be_visible()
    while seat.get_attribute("data-status") == "RESERVED":  # the read model follows a few entries later
        where = page.locator(".where").inner_text()
        page.locator("#step-next").click()
        expect(page.locator(".where")).not_to_have_text(where)
    expect(seat).to_have_attribute("data-status", "AVAILABLE")

    page.keyboard.press("[")  # its cause is the release
    expect(page).to_have_url(re.compile(rf"pos={release}$"))
    page.locator("#step-live").click()
    expect(page.locator("#badge")).to_have_text("LIVE")
    expect(page.locator("#shop")).to_be_visible()
    expect(page.locator("#socket")).to_have_text("Live")
    expect(page).to_have_url(re.compile(rf"booking={booking}$"))
    assert page.evaluate("window.sameDocument"), "the page was reloaded"
    page.go_back()
    expect(page.locator("#badge")).to_have_text("REPLAY")


def test_it_plays_and_a_scrubber_asks_only_for_what_is_wanted_last(
    open_page: OpenPage, declined: tuple[str, str]
) -> None:
    booking, _ = declined
    page = open_page(f"/?booking={booking}")
    last = len(positions(page))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/panel?pos=" in request.url else None)
    page.locator("#scrubber").evaluate(
        """(slider, last) => { for (const round of [1, 2, 3]) for (let value = 1; value < last; value += 1) {
            slider.value = String(value); slider.dispatchEvent(new Event("input", {bubbles: true})); } }""",
        last,
    )
    expect(page.locator(".where")).to_have_text(f"entry {last - 1} of {last}")
    expect(page).to_have_url(re.compile(rf"pos={positions(page)[-2]}$"))
    assert 1 <= len(asked) <= 3, f"{3 * last - 3} movements made {len(asked)} requests"

    page.locator("#speed").select_option("0.1")
    page.keyboard.press("Home")
    expect(page.locator(".where")).to_contain_text("entry 1 of")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press(" ")
    expect(page.locator("#play")).to_have_text("Pause")
    expect(page.locator(".where")).to_contain_text(re.compile(r"entry ([2-9]|1\d) of"))
    page.keyboard.press(" ")
    expect(page.locator("#play")).to_have_text("Play")
    page.locator("#speed").select_option("100")
    page.locator("#play").click()
    expect(page.locator(".where")).to_have_text(f"entry {last} of {last}")
    expect(page.locator("#play")).to_have_text("Play")


def test_an_imported_run_shows_the_same_pictures(live: Live, open_page: OpenPage, declined: tuple[str, str]) -> None:
    booking, label = declined
    # The run it was recorded in may have ended since; what is compared is that run with its copy.
    to = httpx.get(f"{live.url}/bookings/{booking}/panel", timeout=30).text
    whole = str(re.search(r'href="(/replay/of[^"]+)"', to)[1]).replace("&amp;", "&")  # type: ignore[index]
    address = live.http.get(whole, follow_redirects=False).headers["location"]
    run = address.removeprefix("/replay/").split("?")[0]
    file = live.http.get(f"/api/runs/{run}/export", timeout=60).content
    copy = live.http.post(
        "/api/runs/import", content=file, headers={"Content-Type": "application/x-ndjson"}, timeout=60
    )
    assert copy.status_code == 201, copy.text
    id = copy.json()["id"]

    page, other = (open_run(open_page, f"/replay/{which}?booking={booking}") for which in (run, id))
    expect(other.locator("#run-title")).to_contain_text("imported")
    payment, seats = box(page, "payments", 0), box(page, "seats", 0)
    for pos in (seats, payment, payment + 4):
        for one in (page, other):
            one.locator("#scrubber").fill(str(pos))
            expect(one.locator("#time-moves")).to_have_attribute("data-pos", str(pos))
        assert picture(page) == picture(other)
    other.locator("#step-of-booking").click()
    expect(other.locator("#time-moves")).not_to_have_attribute("data-pos", str(payment + 4))
    other.emulate_media(color_scheme="dark")
    for one in (page, other):
        one.get_by_role("button", name="Compare now").click()
        expect(one.locator("#check")).to_have_attribute("data-status", "equal", timeout=20_000)
    assert not violations(other)
    expect(on_the_map(other, label)).to_have_count(1)
    live.http.delete(f"/api/runs/{id}")


def open_run(open_page: OpenPage, path: str) -> Page:
    page = open_page(path)
    expect(page.locator("#badge")).to_have_text("REPLAY")
    return page

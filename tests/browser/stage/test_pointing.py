"""What points at what: a row and the box that wrote it, an entry and its meaning; and times as a person wants them."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.stage.test_page import state
from tests.live import Live

pytestmark = pytest.mark.timeout(180)
OpenPage = Callable[..., Page]
PATIENCE = 30_000


def declined(live: Live) -> str:
    booking = live.place(live.free_seats(1), "concert-2024", method="tok_declined")
    live.ended(booking)
    return booking


def test_a_row_lights_its_box_and_the_box_its_row(live: Live, open_page: OpenPage) -> None:
    page = open_page(f"/?booking={declined(live)}")
    expect(state(page)).to_have_text("CANCELLED", timeout=PATIENCE)
    row = page.locator('#tables [data-service="payments"] [data-row]')
    pos = row.get_attribute("data-row")
    box = page.locator(f'#lanes-svg .box[data-pos="{pos}"]')
    row.hover()
    expect(box).to_contain_class("lit")
    page.locator("#booking-title").hover()
    expect(box).not_to_contain_class("lit")
    box.focus()
    expect(row).to_contain_class("lit")
    row.locator(".by a").focus()
    expect(box).to_contain_class("lit")
    expect(row).to_contain_text("₩")


def test_an_entrys_details_begin_as_one_line_and_take_no_more_than_their_share(live: Live, open_page: OpenPage) -> None:
    page = open_page(f"/?booking={declined(live)}")
    expect(state(page)).to_have_text("CANCELLED", timeout=PATIENCE)
    page.locator('#tables [data-service="payments"] .by a').click()
    dock = page.locator("#entry-details")
    expect(dock.locator(".entry-means")).to_contain_text(
        re.compile(r"payment: nothing → DECLINED, card_declined\s+· publishes PaymentDeclined")
    )
    folded = dock.bounding_box()
    assert folded is not None
    assert folded["height"] < 60, "more than a line or two"
    page.locator("#entry-more").click()
    expect(dock.get_by_text("Rows before and after")).to_be_visible()
    opened = dock.bounding_box()
    assert opened is not None
    assert opened["height"] <= 0.3 * 900 + 1
    page.keyboard.press("[")  # the cause, which changed rows that were there before
    expect(dock).not_to_have_attribute("data-pos", re.compile(f"^{dock.get_attribute('data-pos')}$"))
    expect(page.locator("#entry-dock")).to_have_attribute("open", "")
    first = dock.locator("tbody:not(.faint) tr").first
    expect(first).to_contain_class("moved")  # what has changed comes first


def test_times_are_utc_until_a_person_wants_their_own(live: Live, open_page: OpenPage) -> None:
    booking = declined(live)
    page = open_page(f"/bookings/{booking}", timezone_id="Asia/Seoul")
    time = page.locator("td time[data-clock]").first
    utc = time.inner_text()
    expect(time).to_have_attribute("title", re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} UTC$"))
    page.get_by_text("Workshop").first.click()
    page.get_by_role("button", name="Times in UTC").click()
    hours = (int(utc[:2]) + 9) % 24
    expect(time).to_have_text(f"{hours:02}{utc[2:8]}")
    page.goto("/bookings")
    expect(page.locator("[data-zone]").first).to_have_text("your time")

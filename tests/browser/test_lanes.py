"""The swimlanes in a real browser: a compensation appears, its cause is shown, its details say what ran."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_page import PATIENCE, book, state
from tests.live import Live

pytestmark = pytest.mark.timeout(180)
OpenPage = Callable[..., Page]


def box(page: Page, service: str, title: str) -> Any:
    return page.locator(f'#lanes-svg .box[data-service="{service}"]').filter(has_text=title).last


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.id"))


def test_a_declined_card_from_the_compensation_back_to_its_cause(live: Live, open_page: OpenPage) -> None:
    label = live.free_seats(1)[0]
    page = open_page()
    page.get_by_label("Pays with").select_option("tok_declined")
    book(page, label)
    release = page.locator('#lanes-svg .box[data-tone="compensation"]')
    expect(release).to_have_count(1, timeout=PATIENCE)
    expect(release).to_have_attribute("data-service", "seats")
    expect(state(page)).to_have_text("CANCELLED", timeout=PATIENCE)
    expect(page.locator("#lanes-svg .arrow[data-back]")).to_have_count(2)

    page.locator("#lanes-switch").click()
    told = page.locator("#lanes-text").inner_text()
    places = [told.index(word) for word in ("hold HELD", "payment DECLINED", "compensates: ReleaseSeats", "CANCELLED")]
    assert places == sorted(places), told
    page.locator("#lanes-switch").click()

    declined = box(page, "payments", "DECLINED")
    expect(declined).to_have_count(1)
    release.hover()
    for cause in (declined, box(page, "booking", "COMPENSATING"), page.locator('#lanes-svg .box[data-kind="request"]')):
        expect(cause).to_contain_class("traced")
    expect(page.locator('#lanes-svg .box[data-kind="views"]').first).not_to_contain_class("traced")
    page.locator("#booking-title").hover()
    expect(page.locator("#lanes-svg .traced")).to_have_count(0)

    release.focus()  # from here on by the keyboard alone
    page.keyboard.press("[")
    assert focused(page) == box(page, "booking", "COMPENSATING").get_attribute("id")
    page.keyboard.press("[")
    wanted = str(declined.get_attribute("id"))
    assert focused(page) == wanted
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    assert focused(page) == wanted
    assert page.locator('#lanes-svg .box[tabindex="0"]').count() == 1
    page.keyboard.press("Enter")
    details = page.locator("#entry-details")
    expect(details).to_contain_text("TakePayment: payment DECLINED")
    expect(details.locator("#entry-function summary")).to_contain_text("payments.services.take")
    expect(details.locator("#entry-test")).to_contain_text("tests/payments/test_payments.py::")
    details.locator("#entry-sql summary").click()
    expect(details.locator("#entry-sql")).to_contain_text("insert into payments_payment")
    expect(page.locator(f"#{wanted}")).to_have_attribute("aria-current", "step")
    expect(box(page, "booking", "CANCELLED")).to_have_attribute("data-future", "")
    expect(page.locator("#booking .tables")).not_to_contain_text("CANCELLED")  # the tables follow


def test_what_has_the_focus_keeps_it_while_the_booking_runs_on(live: Live, open_page: OpenPage) -> None:
    label = live.free_seats(1)[0]
    page = open_page()
    book(page, label)
    asked = page.locator('#lanes-svg .box[data-kind="request"]')
    asked.wait_for(timeout=PATIENCE)
    asked.focus()
    before = focused(page)
    expect(state(page)).to_have_text("CONFIRMED", timeout=PATIENCE)
    expect(box(page, "projections", "CONFIRMED")).to_be_visible(timeout=PATIENCE)
    assert focused(page) == before
    page.locator(f"#{before}.traced").wait_for()

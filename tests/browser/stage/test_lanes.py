"""The swimlanes in a real browser: a compensation appears, its cause is shown, its details say what ran."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.stage.test_page import PATIENCE, book, state
from tests.browser.stage.test_stage import in_order
from tests.browser.standing import twice
from tests.live import Live
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(180)
OpenPage = Callable[..., Page]
DETAILS = "/?details=1"


def box(page: Page, service: str, title: str) -> Any:
    return page.locator(f'#lanes-svg .box[data-service="{service}"]').filter(has_text=title).last


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.id"))


def test_a_declined_card_from_the_compensation_back_to_its_cause(live: Live, open_page: OpenPage) -> None:
    label = live.free_seats(1)[0]
    page = open_page(DETAILS)
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
    before = """(release, views) => views.filter((one) => Number(one.dataset.pos) < Number(release))
        .filter((one) => one.classList.contains("traced")).length"""
    views = page.locator('#lanes-svg .box[data-kind="views"]')
    earlier = f"(views) => ({before})({release.get_attribute('data-pos')}, views)"
    assert views.evaluate_all(earlier) == 0, "what was written before it has nothing to do with it"
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
    stop = page.locator('#lanes-svg [tabindex="0"]')
    assert stop.count() == 1

    page.keyboard.press("ArrowRight")  # along the message that says so
    reply = page.locator(f"#{focused(page)}")
    expect(reply).to_have_role("button")
    expect(reply).to_have_accessible_name("reply TakePaymentReply: Payment to Orchestrator, delivered, a refusal")
    expect(reply).to_contain_class("traced")
    expect(release).to_contain_class("traced")
    assert stop.count() == 1
    page.keyboard.press("ArrowDown")  # the next message
    assert focused(page) != reply.get_attribute("id")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowRight")
    assert focused(page) == box(page, "booking", "COMPENSATING").get_attribute("id")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    expect(page.locator("#entry-details details.asked")).to_contain_text('"status": "refused"')
    assert focused(page) == reply.get_attribute("id")
    page.keyboard.press("ArrowLeft")
    assert focused(page) == wanted
    page.keyboard.press("Enter")
    expect(page.locator("#entry-details .asked")).to_have_count(0)
    details = page.locator("#entry-details")
    expect(details).to_contain_text("TakePayment: payment DECLINED")
    expect(details.locator("#entry-function summary")).to_contain_text("payments.transactions.take")
    expect(details.locator("#entry-test")).to_contain_text("tests/payments/test_payments.py::")
    page.locator("#entry-more").click()
    details.locator("#entry-sql summary").click()
    expect(details.locator("#entry-sql")).to_contain_text("insert into payments_payment")
    expect(page.locator(f"#{wanted}")).to_have_attribute("aria-current", "step")
    expect(box(page, "booking", "CANCELLED")).to_have_attribute("data-future", "")
    expect(page.locator("#booking .tables")).not_to_contain_text("CANCELLED")  # the tables follow


def test_cancelling_a_confirmed_booking_goes_all_the_way_back(live: Live, open_page: OpenPage) -> None:
    booking = live.place(live.free_seats(1), "concert-2024")
    live.ended(booking)
    page = open_page(f"/?performance=concert-2024&customer=123&booking={booking}&details=1")
    expect(page.locator('#lanes-svg .box[data-tone="compensation"]')).to_have_count(0)
    twice(page.locator("#cancel-booking"))
    expect(state(page)).to_have_text("CANCELLED", timeout=PATIENCE)
    expect(page.locator("#lanes-svg")).to_contain_text("RELEASED", timeout=PATIENCE)
    back = page.locator('#lanes-svg .box[data-tone="compensation"]')
    told = back.evaluate_all("boxes => boxes.map(box => [box.dataset.service, box.getAttribute('aria-label')])")
    assert [*dict.fromkeys(service for service, _ in told)] == ["tickets", "payments", "seats"], told
    commands = ("VoidTickets", "RefundPayment", "ReleaseSeats")
    # more than three if a slow answer had one asked again
    assert all("compensates: " in says for _, says in told), told
    sent = page.locator('#lanes-svg .arrow[data-back][data-kind="command"]')
    in_order(" ".join(sent.evaluate_all("all => all.map(one => one.textContent)")), *(f"↶ {one}" for one in commands))
    order = page.locator("#lanes-svg").evaluate(
        """drawing => [...drawing.querySelectorAll(".box")]
            .sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)
            .map(box => box.getAttribute("aria-label"))"""
    )
    in_order("\n".join(order), "CONFIRMED", "Cancel", *commands, "CANCELLED")

    page.set_viewport_size({"width": 390, "height": 844})  # a phone's picture: as wide as the phone, the same story
    page.get_by_role("tab", name="Story").click()
    expect(page.locator("#lanes-picture[data-narrow]")).to_be_visible()
    expect(back.first).to_be_visible()
    size = "drawing => [drawing.clientWidth, drawing.querySelector('.box .shape').getBoundingClientRect().height]"

    def measured() -> list[float]:  # a picture that a newer one has just replaced has no size
        found: list[float] = page.locator("#lanes-svg").evaluate(size)
        return found if found[0] else []

    width, height = wait_until(measured, 10, "a picture with a size")
    assert width <= 390
    assert height > 24


def test_what_has_the_focus_keeps_it_while_the_booking_runs_on(live: Live, open_page: OpenPage) -> None:
    label = live.free_seats(1)[0]
    page = open_page(DETAILS)
    book(page, label)
    asked = page.locator('#lanes-svg .box[data-kind="request"]')
    asked.wait_for(timeout=PATIENCE)
    asked.focus()
    before = focused(page)
    expect(state(page)).to_have_text("CONFIRMED", timeout=PATIENCE)
    expect(box(page, "projections", "CONFIRMED")).to_be_visible(timeout=PATIENCE)
    assert focused(page) == before
    page.locator(f"#{before}.traced").wait_for()

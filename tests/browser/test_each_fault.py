"""Each kind of fault, armed from the page: it fires, an entry of the journal proves it, and the booking ends as it should."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.test_faults import arm, nothing_armed
from tests.browser.test_page import PATIENCE, OpenPage, book, seat, state
from tests.live import Live

__all__ = ["nothing_armed"]
pytestmark = pytest.mark.timeout(180)

CONFIRMED, CANCELLED = "CONFIRMED", "CANCELLED"
FAULTS = [
    ("seats transaction.before error ReserveSeats", CONFIRMED),
    ("payments transaction.inside error TakePayment", CONFIRMED),
    ("payments transaction.inside delay TakePayment", CONFIRMED),
    ("tickets transaction.before hang IssueTickets", CONFIRMED),
    ("tickets transaction.committed crash IssueTickets", CONFIRMED),
    ("seats transaction.inside crash ConfirmSeats", CONFIRMED),
    ("seats answer refuse ReserveSeats", CANCELLED),
    ("payments answer refuse TakePayment", CANCELLED),
    ("tickets answer refuse IssueTickets", CANCELLED),
    ("booking orchestrator.before error ReserveSeatsReply", CONFIRMED),
    ("booking orchestrator.after crash TakePaymentReply", CONFIRMED),
    ("seats relay.before_publish drop ReserveSeatsReply", CONFIRMED),
    ("payments relay.after_publish crash TakePaymentReply", CONFIRMED),
    ("payments bus drop TakePaymentReply", CONFIRMED),
    ("booking bus duplicate TakePayment", CONFIRMED),
    ("tickets bus delay IssueTicketsReply", CONFIRMED),
    ("seats bus reorder SeatsReserved", CONFIRMED),
    ("projections projector.before delay", CONFIRMED),
    ("projections projector.committed crash", CONFIRMED),
    ("payments database delay TakePayment", CONFIRMED),
    ("payments process crash", CONFIRMED),
]
SHORT = {"delay": "1", "hang": "2"}
"""Seconds, so that the suite need not wait for what a person would like to watch."""


@pytest.mark.parametrize(("fault", "ending"), FAULTS)
def test_it_fires_with_its_proof_and_the_booking_ends(live: Live, open_page: OpenPage, fault: str, ending: str) -> None:
    service, point, action, *message = fault.split()
    page = open_page()
    choices = {"service": service, "point": point, "action": action}
    choices |= {"message": message[0]} if message else {}
    choices |= {"seconds": SHORT[action]} if action in SHORT else {}
    arm(page, **choices)
    book(page, live.free_seats(1)[0])
    expect(state(page)).to_have_text(ending, timeout=2 * PATIENCE)
    chip = page.locator("#armed .armed")
    expect(chip).to_contain_text("fired ×1", timeout=PATIENCE)
    expect(chip.locator(".proof")).to_have_text(re.compile(r"@#\d+"), timeout=PATIENCE)


def test_a_compensation_that_fails_is_tried_again(live: Live, open_page: OpenPage) -> None:
    """The printer refuses, and so does the refund, once: the money comes back all the same."""
    page = open_page()
    page.locator("#toggle-printer_refuses").click()
    expect(page.locator("#toggle-printer_refuses")).to_have_attribute("data-state", "armed")
    answer = live.http.post(
        "/api/faults", json={"point": "answer", "action": "refuse", "service": "payments", "message": "RefundPayment"}
    )
    assert answer.status_code in (200, 201), answer.text
    book(page, live.free_seats(1)[0])
    expect(state(page)).to_have_text(CANCELLED, timeout=2 * PATIENCE)
    booking = page.locator("#booking").get_attribute("data-booking")
    assert live.rows("payments", "select status from payments_payment where booking_id = %s", booking) == [
        ("REFUNDED",)
    ]
    fired = next(one for one in live.http.get("/api/faults").json()["faults"] if one["id"] == answer.json()["id"])
    assert fired["fired"] == 1


AT_ONCE = [
    "booking orchestrator.before delay ReserveSeatsReply",
    "booking orchestrator.after hang TakePaymentReply",
    "booking orchestrator.before crash IssueTicketsReply",
    "projections projector.before pause projector-bookings",
    "projections projector.committed hang projector-seat-map",
    "booking api delay POST",
]


def test_the_orchestrator_the_views_and_an_api_stand_still_and_one_booking_survives_them_all(
    live: Live, open_page: OpenPage
) -> None:
    page = open_page()
    for fault in AT_ONCE:
        service, point, action, whom = fault.split()
        choices = {"service": service, "point": point, "action": action}
        choices["place" if service == "projections" else "message"] = whom
        arm(page, **choices, **({} if action == "crash" else {"seconds": "0.5"}))
    book(page, live.free_seats(1)[0])
    expect(state(page)).to_have_text(CONFIRMED, timeout=2 * PATIENCE)
    chips = page.locator("#armed .armed")
    for number in range(len(AT_ONCE)):
        expect(chips.nth(number)).to_contain_text("fired ×1", timeout=PATIENCE)
    expect(chips.locator(".proof")).to_have_count(len(AT_ONCE), timeout=PATIENCE)
    expect(page.locator('#armed .armed[data-state="exhausted"]')).to_have_count(len(AT_ONCE), timeout=PATIENCE)


def test_an_api_that_is_down_says_so_and_redis_may_lose_everything(live: Live, open_page: OpenPage) -> None:
    page = open_page(outage=True)
    arm(page, service="booking", point="api", action="down", message="POST")
    label, other = live.free_seats(2)
    seat(page, label).click()
    page.get_by_role("button", name="Book", exact=True).click()
    expect(page.locator("#problem")).to_contain_text("Injected fault", timeout=PATIENCE)
    expect(page.locator("#chosen")).to_contain_text(label)
    page.get_by_role("button", name="Book", exact=True).click()  # the seats are still chosen
    expect(state(page)).to_have_text(CONFIRMED, timeout=PATIENCE)
    arm(page, service="redis", point="redis", action="down", seconds="0.5")
    book(page, other)
    expect(state(page)).to_have_text(CONFIRMED, timeout=2 * PATIENCE)
    for chip in (page.locator("#armed .armed").nth(number) for number in (0, 1)):
        expect(chip).to_contain_text("fired ×1", timeout=PATIENCE)
        expect(chip.locator(".proof")).to_have_text(re.compile(r"@#\d+"), timeout=PATIENCE)

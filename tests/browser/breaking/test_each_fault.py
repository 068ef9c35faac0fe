"""Each kind of fault, armed from the page: it fires, an entry of the journal proves it, and the booking ends as it should."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.breaking.test_faults import arm, nothing_armed
from tests.browser.stage.test_page import PATIENCE, OpenPage, book, seat, state
from tests.live import Live

__all__ = ["nothing_armed"]
pytestmark = pytest.mark.timeout(180)

CONFIRMED, CANCELLED = "CONFIRMED", "CANCELLED"
VISITS = {
    "refused and late": [
        ("seats answer refuse ReserveSeats", CANCELLED),
        ("payments answer refuse TakePayment", CANCELLED),
        ("tickets answer refuse IssueTickets", CANCELLED),
        ("payments transaction.inside delay TakePayment", CONFIRMED),
        ("tickets transaction.before hang IssueTickets", CONFIRMED),
        ("tickets bus delay IssueTicketsReply", CONFIRMED),
        ("payments database delay TakePayment", CONFIRMED),
        ("projections projector.before delay", CONFIRMED),
    ],
    "failed and lost": [
        ("seats transaction.before error ReserveSeats", CONFIRMED),
        ("payments transaction.inside error TakePayment", CONFIRMED),
        ("booking orchestrator.before error ReserveSeatsReply", CONFIRMED),
        ("seats relay.before_publish drop ReserveSeatsReply", CONFIRMED),
        ("payments bus drop TakePaymentReply", CONFIRMED),
        ("booking bus duplicate TakePayment", CONFIRMED),
        ("seats bus reorder SeatsReserved", CONFIRMED),
    ],
    "killed": [
        ("seats transaction.inside crash ConfirmSeats", CONFIRMED),
        ("payments relay.after_publish crash TakePaymentReply", CONFIRMED),
        ("tickets transaction.committed crash IssueTickets", CONFIRMED),
        ("booking orchestrator.after crash TakePaymentReply", CONFIRMED),
        ("projections projector.committed crash", CONFIRMED),
        ("payments process crash", CONFIRMED),
    ],
}
FIRED = re.compile(r"fired (×1|on [A-Z]+-\d+)")
SHORT = {"delay": "1", "hang": "2"}
"""Seconds, so that the suite need not wait for what a person would like to watch."""


@pytest.mark.parametrize("visit", VISITS)
def test_each_fires_with_its_proof_and_its_booking_ends(live: Live, open_page: OpenPage, visit: str) -> None:
    """Each fault is for a seat of its own, where it can tell one booking from another, so one visit proves several."""
    page = open_page()
    cases = list(zip(VISITS[visit], live.free_seats(len(VISITS[visit])), strict=True))
    for (fault, _), label in cases:
        service, point, action, *message = fault.split()
        choices = {"service": service, "point": point, "action": action}
        choices |= {"message": message[0], "for": "seat", "seat": label} if message else {}
        choices |= {"for": "any"} if service == "projections" else {}
        choices |= {"seconds": SHORT[action]} if action in SHORT else {}
        arm(page, **choices)
    bookings = []
    for _, label in cases:
        book(page, label)
        bookings.append(page.locator("#booking").get_attribute("data-booking") or "")
    ended = live.ended(*bookings, within=60)
    assert {fault: row["state"] for ((fault, _), _), row in zip(cases, ended, strict=True)} == dict(VISITS[visit])
    expect(state(page)).to_have_text(cases[-1][0][1], timeout=PATIENCE)
    chips = page.locator("#armed .armed")
    for number in range(len(cases)):
        expect(chips.nth(number)).to_contain_text(FIRED, timeout=PATIENCE)
        expect(chips.nth(number).locator(".proof")).to_have_text(re.compile(r"@#\d+"), timeout=PATIENCE)
    for ((fault, _), label), booking in zip(cases, bookings, strict=True):
        if len(fault.split()) == 4:
            proof = chips.filter(has_text=re.compile(rf"seat {label}\b")).locator(".proof")
            expect(proof).to_have_attribute("href", re.compile(rf"booking={booking}&pos=\d+$"))


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
        expect(chips.nth(number)).to_contain_text(FIRED, timeout=PATIENCE)
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
        expect(chip).to_contain_text(FIRED, timeout=PATIENCE)
        expect(chip.locator(".proof")).to_have_text(re.compile(r"@#\d+"), timeout=PATIENCE)

"""Breaking things from the page: armed, seen to fire with its proof, held and resumed."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.stage.test_page import PATIENCE, OpenPage, book, state
from tests.browser.standing import twice
from tests.flow.test_verdict import execute
from tests.live import Live
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(autouse=True)
def nothing_armed(live: Live) -> Iterator[None]:
    _clear(live)
    yield
    _clear(live)
    live.http.put("/api/mechanisms", json={"barrier": True, "idempotency_key": True})
    wait_until(lambda: live.http.get("/readyz").status_code == 200, 60, "everything to be back")


def _clear(live: Live) -> None:
    for _ in range(2):  # what is cleared stays to be seen until it is cleared once more
        live.http.delete("/api/faults")
    live.settled()


def choose(page: Page, **choices: str) -> None:
    """Fill in the form for any fault, field by field; each choice may bring other fields."""
    if page.locator("#anything").get_attribute("open") is None:
        page.get_by_text("Break anything").click()
    for name, value in choices.items():
        field = page.locator(f"#arm-{name}")
        if field.input_value() == value:
            continue
        if field.evaluate("field => field.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
        expect(page.locator(f"#arm-{name}")).to_have_value(value)
        expect(page.locator("#anything .htmx-request")).to_have_count(0)


def press(page: Page) -> None:
    """Press Arm; a second time if the fault strikes everybody."""
    button = page.locator("#arm-button")
    if button.get_attribute("data-sure"):
        twice(button)
    else:
        button.click()


def arm(page: Page, **choices: str) -> None:
    armed = page.locator("#armed .armed")
    before = armed.count()
    choose(page, **choices)
    # The journal tells of it at once; the answer comes when it has reached those who look for it.
    with page.expect_response(lambda answer: answer.url.endswith("/rail/arm"), timeout=PATIENCE):
        press(page)
    expect(armed).to_have_count(before + 1)


def test_arm_on_a_fresh_page_arms_what_it_shows(open_page: OpenPage) -> None:
    page = open_page()
    page.get_by_text("Break anything").click()
    page.get_by_role("button", name="Arm", exact=True).click()
    chip = page.locator("#armed .armed")
    expect(chip).to_contain_text("crash · after the commit, before the acknowledgement")
    expect(page.locator("#fault-problem")).to_have_count(0)


def test_another_place_begins_with_once_and_the_sandbox_itself_offers_nothing_endless(open_page: OpenPage) -> None:
    page = open_page()
    choose(page, service="payments", point="process", kind="always")
    choose(page, service="house")
    expect(page.locator("#arm-kind")).to_have_value("once")
    assert page.locator("#arm-kind option").all_inner_texts() == ["once", "n times"]
    choose(page, service="seats", kind="always", point="bus")
    expect(page.locator("#arm-kind")).to_have_value("once")


def test_armed_from_the_page_it_fires_and_links_to_its_proof(live: Live, open_page: OpenPage) -> None:
    page = open_page()
    arm(page, service="payments", point="transaction.inside", action="crash", message="TakePayment")
    chip = page.locator("#armed .armed")
    expect(chip).to_contain_text("armed")
    label = live.free_seats(1)[0]
    book(page, label)
    expect(chip).to_contain_text(re.compile(rf"fired on {label}\s+@#\d+"), timeout=PATIENCE)
    expect(chip).to_contain_text("exhausted")
    expect(state(page)).to_have_text("CONFIRMED", timeout=PATIENCE)
    proof = chip.locator(".proof")
    expect(proof).to_have_text(re.compile(r"@#\d+"), timeout=PATIENCE)
    pos = proof.inner_text().removeprefix("@#")
    proof.click()
    expect(page.locator("#badge")).to_have_text("REPLAY")
    expect(page.locator("#entry-details")).to_contain_text("crash at transaction.inside")
    expect(page.locator("#entry-details")).to_have_attribute("data-pos", pos)
    page.locator("#step-live").click()
    chip.get_by_role("button", name=re.compile("Remove")).click()
    expect(page.locator("#armed")).to_have_count(0)


def test_a_held_saga_waits_shows_half_way_tables_and_goes_on(live: Live, open_page: OpenPage) -> None:
    page = open_page()
    arm(page, service="tickets", point="transaction.before", action="hold", message="IssueTickets")
    book(page, live.free_seats(1)[0])
    chip = page.locator("#armed .armed")
    expect(chip).to_contain_text("holds booking", timeout=PATIENCE)
    tables = page.locator("#booking .tables")
    expect(tables.locator('[data-service="payments"]')).to_contain_text("COMPLETED", timeout=PATIENCE)
    expect(tables.locator('[data-service="tickets"]')).to_contain_text("no row yet")
    expect(tables.locator('[data-service="seats"]')).to_contain_text("RESERVED")
    expect(state(page)).to_have_text("ISSUING")
    expect(page.locator(".stands time")).to_have_text(re.compile(r"^in (\d+ s|1:\d\d min)$"))
    page.locator(".stands").get_by_role("button", name="Resume").click()
    expect(state(page)).to_have_text("CONFIRMED", timeout=PATIENCE)
    expect(chip).to_contain_text("exhausted")
    expect(page.get_by_role("button", name="Resume", exact=True)).to_have_count(0)


def test_a_fault_for_this_booking_is_filled_in_and_one_for_none_is_refused(live: Live, open_page: OpenPage) -> None:
    page = open_page()
    book(page, live.free_seats(1)[0])
    expect(state(page)).to_have_text("CONFIRMED", timeout=PATIENCE)
    choose(page, service="seats", point="transaction.inside", action="error", **{"for": "booking"})
    booking = page.locator("#booking").get_attribute("data-booking") or ""
    expect(page.locator("#arm-booking")).to_have_value(booking)
    page.locator("#arm-booking").fill("00000000-0000-7000-8000-000000000000")
    page.get_by_role("button", name="Arm", exact=True).click()
    expect(page.locator("#fault-problem")).to_contain_text("there is no booking")
    page.locator("#arm-booking").fill(booking)
    page.get_by_role("button", name="Arm", exact=True).click()
    expect(page.locator("#armed .armed")).to_contain_text(f"booking {booking[-8:]}")
    page.get_by_role("button", name="Clear all").click()
    expect(page.locator("#armed .armed")).to_contain_text("cleared")


def test_an_injected_outage_says_so_and_which_service(live: Live, open_page: OpenPage) -> None:
    page = open_page()
    arm(page, service="payments", point="database", action="down", seconds="60")
    banner = page.locator("#outages .outage")
    expect(banner).to_contain_text("Payment is down", timeout=PATIENCE)
    expect(banner).to_have_attribute("data-injected", "true")
    expect(banner).to_contain_text(re.compile(r"^\s*injected"))
    page.locator("#armed").get_by_role("button", name=re.compile("^Clear: ")).click()
    expect(banner).to_have_count(0, timeout=PATIENCE)


def test_our_own_outage_does_not_look_injected(live: Live, open_page: OpenPage) -> None:
    page = open_page(outage=True)
    live.sandbox.stop_process("api-tickets")
    try:
        banner = page.locator('#outages .outage[data-injected="false"]')
        expect(banner).to_contain_text("Ticket's API", timeout=PATIENCE)
        expect(banner).to_contain_text("not injected")
    finally:
        live.sandbox.start_process("api-tickets")
        live.sandbox.wait_healthy("api-tickets")
    expect(banner).to_have_count(0, timeout=PATIENCE)


def test_a_safety_is_switched_off_and_on_by_keyboard(live: Live, open_page: OpenPage) -> None:
    page = open_page()
    page.get_by_text("Switch a safety off").click()
    barrier = page.get_by_role("switch", name="Barrier")
    expect(barrier).to_have_attribute("aria-checked", "true")
    barrier.focus()
    page.keyboard.press("Space")
    expect(barrier).to_have_attribute("aria-checked", "false")
    expect(page.locator("#mechanisms")).to_contain_text("safety off")
    expect(barrier).to_be_focused()
    page.keyboard.press("Space")
    expect(barrier).to_have_attribute("aria-checked", "true")


def test_everybody_sees_that_a_safety_is_off_and_can_switch_it_on(live: Live, open_page: OpenPage) -> None:
    ours, theirs = open_page(), open_page("/sales")
    ours.get_by_text("Switch a safety off").click()
    ours.get_by_role("switch", name="Barrier").click()
    loud = theirs.locator("#outages [data-safety]")
    expect(loud).to_contain_text(re.compile(r"safety off\s+Barrier, by somebody at this machine"), timeout=PATIENCE)
    loud.get_by_role("button", name="Switch on").click()
    expect(loud).to_have_count(0, timeout=PATIENCE)
    assert all(one["on"] for one in live.http.get("/api/mechanisms").json()["mechanisms"])
    expect(ours.locator("#outages [data-safety]")).to_have_count(0, timeout=PATIENCE)


def test_a_safety_is_tried_on_and_off(live: Live, open_page: OpenPage) -> None:
    ours, theirs = open_page(), open_page("/sales")
    ours.get_by_text("Switch a safety off").click()
    ours.locator("#try-here-idempotency_key").click()
    tried = ours.locator("#mechanisms .trial")
    expect(tried).to_contain_text("Tried while on: every promise held", timeout=PATIENCE)
    ours.locator("#mechanism-idempotency_key").click()
    loud = theirs.locator("#outages [data-safety]")
    try:
        twice(loud.locator("#try-idempotency_key"))  # it breaks a promise for everybody
        expect(loud.locator(".trial")).to_contain_text("it broke One charge each", timeout=PATIENCE)
        loud.get_by_role("link", name="See the booking").click()
        expect(theirs.locator("#booking")).to_have_attribute("data-follow", "false")
    finally:
        execute(live, "booking", "delete from booking_idempotencykey where key like '% %'")


def test_what_one_visitor_arms_spares_the_next_ones_booking(live: Live, open_page: OpenPage) -> None:
    ours, theirs = open_page(), open_page()
    mine, others = live.free_seats(2)
    ours.get_by_role("button", name="Card declined").click()
    expect(ours.locator("#toggle-card_declined")).to_have_attribute("aria-pressed", "true")
    expect(ours.locator("#armed .armed")).to_contain_text("my next booking")
    expect(theirs.locator("#armed .armed")).to_contain_text("another visitor's next booking", timeout=PATIENCE)
    expect(theirs.locator("#toggle-card_declined")).to_have_attribute("aria-pressed", "false")
    book(theirs, others)
    expect(state(theirs)).to_have_text("CONFIRMED", timeout=PATIENCE)
    book(ours, mine)
    expect(state(ours)).to_have_text("CANCELLED", timeout=PATIENCE)
    expect(ours.locator("#armed .armed")).to_contain_text(re.compile(rf"fired on {mine}\s+@#\d+"), timeout=PATIENCE)
    expect(ours.locator("#toggle-card_declined")).to_contain_text("fired")


def test_off_this_machine_the_rail_offers_what_is_ones_own(live: Live, open_page: OpenPage) -> None:
    page = open_page(extra_http_headers={"X-Forwarded-For": "192.0.2.7"})
    page.locator("#anything > summary").click()
    page.locator("#safety > summary").click()
    options = page.locator("#arm-for option")
    expect(options).to_have_text(["my next booking", "this booking"])
    expect(page.locator("#arm-own")).to_contain_text("needs the operator token")
    expect(page.locator("#mechanism-barrier")).to_be_disabled()
    expect(page.locator("#mechanisms")).to_contain_text("needs the operator token")
    page.get_by_role("button", name="Arm", exact=True).click()
    expect(page.locator("#armed .armed")).to_contain_text("my next booking", timeout=PATIENCE)
    expect(page.locator("#clear-all")).to_have_count(0)
    page.locator("#armed").get_by_role("button", name="Clear").click()
    expect(page.locator("#armed .armed")).to_contain_text("cleared", timeout=PATIENCE)


def test_a_front_door_killed_from_here_is_injected(live: Live, open_page: OpenPage) -> None:
    page = open_page(outage=True)
    choose(page, service="house", point="process", place="web", action="crash")
    twice(page.locator("#arm-button"))
    banner = page.locator("#outages [data-front-door]")
    expect(banner).to_have_attribute("data-injected", "true", timeout=PATIENCE)
    expect(banner).to_contain_text(re.compile(r"^\s*injected"))
    live.sandbox.wait_healthy("web")
    expect(banner).to_have_count(0, timeout=PATIENCE)

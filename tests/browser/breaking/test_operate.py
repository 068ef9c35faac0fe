"""What a person does about a stuck saga and a dead letter, and the customer's Cancel: in a real browser, on real processes."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from config.celery import app
from tests.browser.stage.test_page import PATIENCE
from tests.browser.standing import twice
from tests.flow.test_verdict import invariant
from tests.live import Live
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(autouse=True)
def nothing_armed_afterwards(live: Live) -> Iterator[None]:
    """What a test that fails has armed would let those behind it fail."""
    yield
    live.http.delete("/api/faults")


def open_operate(browser: Any, live: Live) -> Any:
    page = browser.new_page(base_url=live.url)
    page.goto("/operate")
    return page


def test_cancel_a_confirmed_booking_from_its_panel(open_page: Any, live: Live) -> None:
    seat = live.free_seats(1)[0]
    booking = live.place([seat], "concert-2024")
    live.ended(booking)
    page = open_page(f"/?performance=concert-2024&customer=123&booking={booking}")
    twice(page.locator("#cancel-booking"))
    expect(page.locator("#booking-title .state")).to_have_text("CANCELLED", timeout=20_000)
    expect(page.locator("#booking .steps")).to_have_count(2)
    expect(page.locator("#booking .steps").nth(1)).to_contain_text("done")
    expect(page.locator("#cancel-booking")).to_have_count(0)
    wait_until(lambda: live.seat(seat, "concert-2024")["status"] == "AVAILABLE", 10, "the seat to be free again")


def send(live: Live, **message: Any) -> str:
    """A command straight into Payment's queue; returns its id."""
    envelope = {"id": str(uuid.uuid4()), "source": "/booking", "kind": "command", **message}
    url = live.sandbox.environments.values("payments")["REDIS_URL"]
    with app.connection_for_write(url) as connection:
        app.send_task("handle", args=[[envelope]], queue="payments", connection=connection)
    return str(envelope["id"])


def send_unreadable(live: Live) -> str:
    """A command whose data is not what its contract says."""
    data = {"booking_id": str(uuid.uuid4()), "customer_id": 123, "amount": -5, "currency": "KRW",
            "payment_method": "tok_visa"}  # fmt: skip
    return send(
        live, type="TakePayment", data=data, sagaid=str(uuid.uuid4()), sagastep="TakePayment", sagaaction="forward"
    )


def test_a_dead_letter_is_edited_or_discarded(browser: Any, live: Live) -> None:
    letter = send_unreadable(live)

    def listed() -> bool:
        return any(one["id"] == letter for one in live.http.get("/api/payments/dead-letters").json())

    wait_until(listed, 15, "the letter")
    page = open_operate(browser, live)
    case = page.locator(f"#letter-{letter}")
    expect(case).to_contain_text("amount")
    case.get_by_role("button", name="Retry", exact=True).click()
    expect(page.locator(".field-says")).to_have_text("Enter a reason: it is kept in the journal")
    page.locator("#why").fill("wrong amount")
    case.get_by_role("button", name="Retry", exact=True).click()
    expect(page.locator("#answer")).to_contain_text("would fail again")
    case.locator("summary").click()
    data = json.loads(case.locator("textarea").input_value())
    case.locator("textarea").fill(json.dumps({**data, "amount": "much"}))
    case.get_by_role("button", name="Edit and retry").click()
    expect(page.locator("#answer")).to_contain_text("'much'")  # what was wrong before had no such value
    discard = case.locator("button[data-sure]")
    discard.dblclick()  # a habit is no second decision
    expect(discard).to_have_text("Press again: this message is never handled")
    page.keyboard.press("Escape")
    expect(discard).to_have_text("Discard")
    assert ("discarded",) not in live.rows("payments", "select state from payments_deadletter where id = %s", letter)
    twice(discard)
    expect(page.locator("#answer")).to_contain_text("discarded")
    expect(case).to_have_count(0)
    (row,) = live.rows("payments", "select state, reason from payments_deadletter where id = %s", letter)
    assert row[0] == "discarded"
    assert row[1].endswith(": wrong amount")
    page.close()


def test_a_letter_is_mended_and_vanishes_by_itself(browser: Any, live: Live) -> None:
    """A compensation that was done long ago comes again, unreadable; mended, it is given the stored answer."""
    live.toggle("printer_refuses")
    booking = live.place(live.free_seats(1), "concert-2024")
    assert live.ended(booking)[0]["reason"] == "printer_refused"
    saga = live.http.get(f"/api/bookings/{booking}/saga").json()["id"]
    page = open_operate(browser, live)
    letter = send(live, type="RefundPayment", data={"booking_id": "nobody"}, sagaid=saga, sagastep="TakePayment",
                  sagaaction="compensation", correlationid=booking)  # fmt: skip
    case = page.locator(f"#letter-{letter}")
    expect(case).to_contain_text("booking_id", timeout=PATIENCE)  # the page has found it by itself
    case.locator("summary").click()
    case.locator("textarea").fill(json.dumps({"booking_id": booking}))
    page.locator("#why").fill("it was this booking's")
    case.get_by_role("button", name="Edit and retry").click()
    expect(page.locator("#answer")).to_contain_text("edited message is sent")
    expect(case).to_have_count(0, timeout=PATIENCE)
    (row,) = live.rows("payments", "select state from payments_deadletter where id = %s", letter)
    assert row == ("cleared",)
    page.close()


def test_a_late_command_is_sent_again_and_its_booking_cancelled(browser: Any, live: Live) -> None:
    lose(live, "TakePayment")
    booking = live.place(live.free_seats(1), "concert-2024")
    page = open_operate(browser, live)
    case = page.locator(f"#saga-{booking}")
    again = case.get_by_role("button", name="Send again now")
    expect(again).to_be_visible(timeout=PATIENCE)
    # Or it sends the command again just before the click, and the decision is refused.
    live.sandbox.stop_process("watchdog")
    try:
        page.reload()
        page.locator("#why").fill("the customer has called")
        again.click(timeout=PATIENCE)
        expect(page.locator("#answer")).to_contain_text("sent again")
    finally:
        live.sandbox.start_process("watchdog")
    wait_until(lambda: any(line["what"] == "resent by hand" for line in log(live, booking)), 15, "the saga to say so")
    twice(case.locator("[id^=cancel-]"))
    expect(page.locator("#answer")).to_contain_text("being cancelled")
    live.http.delete("/api/faults")
    assert live.ended(booking)[0]["state"] == "CANCELLED"
    expect(case).to_have_count(0, timeout=PATIENCE)
    page.close()


@pytest.mark.parametrize(
    ("button", "answer", "what"),
    [("Retry now", "tried again", "retried by hand"), ("Skip this step", "without that step", "skipped by hand")],
)
def test_a_stuck_saga_is_retried_or_its_step_skipped(
    browser: Any, live: Live, button: str, answer: str, what: str
) -> None:
    """Made stuck in its row: eight attempts with their backoff take minutes. The page shows it, and its end, by itself."""
    page = open_operate(browser, live)
    page.locator("#why").fill("the network is back")
    lose(live, "ConfirmSeats")
    booking = live.place(live.free_seats(1), "concert-2024")
    wait_until(lambda: live.booking(booking)["state"] == "CONFIRMING", 20, "the saga to wait for ConfirmSeats")
    stick = "update booking_saga set state = 'STUCK', due_at = null, awaiting = '' where booking_id = %s returning id"
    live.rows("booking", stick, booking)
    live.http.delete("/api/faults")
    case = page.locator(f"#saga-{booking}")
    expect(case.get_by_role("button", name=button)).to_be_visible(timeout=PATIENCE)
    if button == "Retry now":
        case.get_by_role("button", name=button).click()
    else:
        twice(case.locator("[id^=skip-]"))
    expect(page.locator("#answer")).to_contain_text(answer)
    assert live.ended(booking)[0]["state"] == "CONFIRMED"
    expect(case).to_have_count(0, timeout=PATIENCE)
    assert any(line["what"] == what and line["error"] == "the network is back" for line in log(live, booking))
    skipped = [one["what"] for one in invariant(live, "no_orphan_hold")["waived"] if one["booking"] == booking]
    assert bool(skipped) == (what == "skipped by hand"), "the auditor says what was waived"
    page.close()


def lose(live: Live, command: str) -> None:
    """The bus loses every such command until the faults are cleared."""
    always = {"kind": "always"}
    live.arm(point="bus", action="drop", service="booking", message=command, trigger=always)


def log(live: Live, booking: str) -> list[dict[str, Any]]:
    return list(live.http.get(f"/api/bookings/{booking}/saga").json()["log"])


def test_a_decision_without_a_reason_marks_the_field_and_goes_there(page: Any, live: Live) -> None:
    """Also with spaces only, for every operator action's button, and before it is asked whether the person is sure."""
    page.goto(f"{live.url}/operate")
    page.evaluate(
        """() => { document.getElementById("work").removeAttribute("hx-trigger");
          document.querySelector("main").insertAdjacentHTML("beforeend",
            `<p hx-include="#hand"><button type="button" id="decide" data-sure="gone"
              hx-post="/operate/sagas/0/skip">Skip</button></p>`);
          htmx.process(document.querySelector("main")); }"""
    )
    posts: list[str] = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    page.fill("#why", "   ")
    page.click("#decide")
    expect(page.locator("#why")).to_be_focused()
    expect(page.locator("#why")).to_have_attribute("aria-invalid", "true")
    expect(page.locator(".field-says")).to_have_text("Enter a reason: it is kept in the journal")
    assert posts == []
    page.fill("#why", "the printer is back")
    expect(page.locator("#why")).not_to_have_attribute("aria-invalid", "true")

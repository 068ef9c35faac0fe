"""What a person does about a stuck saga and a dead letter, and the customer's Cancel: in a real browser, on real processes."""

import json
import uuid
from typing import Any

import pytest
from playwright.sync_api import expect

from config.celery import app
from tests.live import Live
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(180)


def open_operate(browser: Any, live: Live) -> Any:
    page = browser.new_page(base_url=live.url)
    page.goto("/operate")
    return page


def test_cancel_a_confirmed_booking_from_its_panel(open_page: Any, live: Live) -> None:
    seat = live.free_seats(1)[0]
    booking = live.place([seat], "concert-2024")
    live.ended(booking)
    page = open_page(f"/?performance=concert-2024&customer=123&booking={booking}")
    page.locator("#cancel-booking").click()
    expect(page.locator("#booking-title .state")).to_have_text("CANCELLED", timeout=20_000)
    expect(page.locator("#booking .steps")).to_have_count(2)
    expect(page.locator("#booking .steps").nth(1)).to_contain_text("done")
    expect(page.locator("#cancel-booking")).to_have_count(0)
    wait_until(lambda: live.seat(seat, "concert-2024")["status"] == "AVAILABLE", 10, "the seat to be free again")


def send_unreadable(live: Live) -> str:
    """A command whose data is not what its contract says, straight into Payment's queue."""
    message = {
        "id": str(uuid.uuid4()), "source": "/booking", "type": "TakePayment", "kind": "command",
        "data": {"booking_id": str(uuid.uuid4()), "customer_id": 123, "amount": -5, "currency": "KRW",
                 "payment_method": "tok_visa"},
        "sagaid": str(uuid.uuid4()), "sagastep": "TakePayment", "sagaaction": "forward",
    }  # fmt: skip
    url = live.sandbox.environments.values("payments")["REDIS_URL"]
    with app.connection_for_write(url) as connection:
        app.send_task("handle", args=[[message]], queue="payments", connection=connection)
    return str(message["id"])


def test_a_dead_letter_is_edited_or_discarded(browser: Any, live: Live) -> None:
    letter = send_unreadable(live)

    def listed() -> bool:
        return any(one["id"] == letter for one in live.http.get("/api/payments/dead-letters").json())

    wait_until(listed, 15, "the letter")
    page = open_operate(browser, live)
    case = page.locator(f"#letter-{letter}")
    expect(case).to_contain_text("amount")
    case.get_by_role("button", name="Retry", exact=True).click()
    expect(page.locator("#answer")).to_contain_text("Invalid request")  # nobody has said why
    page.locator("#why").fill("wrong amount")
    case.get_by_role("button", name="Retry", exact=True).click()
    expect(page.locator("#answer")).to_contain_text("would fail again")
    case.locator("summary").click()
    data = json.loads(case.locator("textarea").input_value())
    case.locator("textarea").fill(json.dumps({**data, "amount": "much"}))
    case.get_by_role("button", name="Edit and retry").click()
    expect(page.locator("#answer")).to_contain_text("Invalid message")
    case.get_by_role("button", name="Discard").click()
    expect(page.locator("#answer")).to_contain_text("given up")
    expect(case).to_have_count(0)
    (row,) = live.rows("payments", "select state, reason from payments_deadletter where id = %s", letter)
    assert row[0] == "discarded"
    assert row[1].endswith(": wrong amount")
    page.close()


def test_a_stuck_saga_is_retried_by_hand(browser: Any, live: Live) -> None:
    """Made stuck in its row: eight attempts with their backoff take minutes."""
    fault = {
        "point": "bus", "action": "drop", "service": "booking", "message": "ConfirmSeats", "trigger": {"kind": "always"}
    }  # fmt: skip
    armed = live.http.post("/api/faults", json=fault)
    assert armed.status_code == 201, armed.text
    booking = live.place(live.free_seats(1), "concert-2024")
    wait_until(lambda: live.booking(booking)["state"] == "CONFIRMING", 20, "the saga to wait for ConfirmSeats")
    live.rows(
        "booking",
        "update booking_saga set state = 'STUCK', due_at = null, awaiting = '' where booking_id = %s returning id",
        booking,
    )
    live.http.delete("/api/faults")
    page = open_operate(browser, live)
    page.locator("#why").fill("the network is back")
    page.locator(f"#saga-{booking}").get_by_role("button", name="Retry now").click()
    expect(page.locator("#answer")).to_contain_text("tried again")
    assert live.ended(booking)[0]["state"] == "CONFIRMED"
    wait_until(lambda: page.reload() and page.locator(f"#saga-{booking}").count() == 0, 10, "nothing to be stuck")
    log = live.http.get(f"/api/bookings/{booking}/saga").json()["log"]
    assert any(line["what"] == "retried by hand" and line["error"] == "the network is back" for line in log)
    page.close()

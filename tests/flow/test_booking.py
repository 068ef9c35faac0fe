"""The saga over real processes: how it ends, and what is left in each service's database."""

import json

import pytest

from tests.live import Live
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(180)


def money_held(live: Live, booking: str) -> int:
    return live.rows(
        "payments",
        "select coalesce(sum(amount), 0)::int from payments_payment where booking_id = %s and status = 'COMPLETED'",
        booking,
    )[0][0]


def seat_rows(live: Live, booking: str) -> list[tuple]:
    return live.rows("seats", "select status from seats_seat where booking_id = %s", booking)


def test_a_booking_confirms_in_three_databases(live: Live) -> None:
    seats = live.free_seats(2)
    booking = live.place(seats, "concert-2024")
    (row,) = live.ended(booking)
    assert row["state"] == "CONFIRMED"
    assert seat_rows(live, booking) == [("SOLD",), ("SOLD",)]
    assert money_held(live, booking) > 0
    codes = live.rows(
        "tickets",
        "select code from tickets_ticket t join tickets_issuance i on i.booking_id = t.issuance_id where i.booking_id = %s",
        booking,
    )
    assert len({code for (code,) in codes}) == 2
    wait_until(lambda: live.seat(seats[0], "concert-2024")["status"] == "SOLD", 10, "the seat map to converge")


def test_a_taken_seat_cancels_with_the_reason(live: Live) -> None:
    seats = live.free_seats(1)
    first = live.place(seats, "concert-2024")
    live.ended(first)
    second = live.place(seats, "concert-2024")
    (row,) = live.ended(second)
    assert (row["state"], row["reason"]) == ("CANCELLED", "seat_taken")
    assert money_held(live, second) == 0
    assert seat_rows(live, first) == [("SOLD",)]


@pytest.mark.parametrize(
    ("token", "reason"), [("tok_declined", "card_declined"), ("tok_insufficient_funds", "insufficient_funds")]
)
def test_a_declined_card_frees_the_seat_and_holds_no_money(live: Live, token: str, reason: str) -> None:
    seats = live.free_seats(1)
    booking = live.place(seats, "concert-2024", token)
    (row,) = live.ended(booking)
    assert (row["state"], row["reason"]) == ("CANCELLED", reason)
    assert money_held(live, booking) == 0
    assert seat_rows(live, booking) == []
    assert live.rows("seats", "select status from seats_hold where id = %s", booking) == [("RELEASED",)]
    wait_until(lambda: live.seat(seats[0], "concert-2024")["status"] == "AVAILABLE", 10, "the seat map to converge")


def test_a_refusing_printer_refunds_and_frees(live: Live) -> None:
    live.toggle("printer_refuses")
    booking = live.place(live.free_seats(1), "concert-2024")
    (row,) = live.ended(booking)
    assert (row["state"], row["reason"]) == ("CANCELLED", "printer_refused")
    assert live.rows("payments", "select status from payments_payment where booking_id = %s", booking) == [
        ("REFUNDED",)
    ]
    assert seat_rows(live, booking) == []


def test_a_lost_acknowledgement_charges_once(live: Live) -> None:
    live.toggle("acknowledgement_lost")
    booking = live.place(live.free_seats(1), "concert-2024")
    (row,) = live.ended(booking)
    assert row["state"] == "CONFIRMED"
    charges = live.rows("payments", "select count(*) from payments_payment where booking_id = %s", booking)
    assert charges == [(1,)]
    sent = live.rows(
        "booking", "select count(*) from booking_outbox where type = 'TakePayment' and correlation_id = %s", booking
    )
    assert sent[0][0] >= 2, "the command must have been sent again, or the acknowledgement was never lost"


def test_the_command_line_books(live: Live) -> None:
    seat = live.free_seats(1)[0]
    arguments = ["book", "--performance", "concert-2024", "--seats", seat, "--customer", "123", "--wait", "--json"]
    done = live.command(*arguments)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["state"] == "CONFIRMED"
    again = live.command(*arguments)
    assert again.returncode == 1
    assert json.loads(again.stdout)["reason"] == "seat_taken"


def test_the_command_line_names_the_problem(live: Live) -> None:
    done = live.command("book", "--performance", "concert-2024", "--seats", "Z-999", "--customer", "123")
    assert done.returncode == 1
    assert "Z-999" in done.stderr
    assert "Traceback" not in done.stderr


def test_rebuilding_a_view_gives_the_same_rows(live: Live) -> None:
    booking = live.place(live.free_seats(1), "concert-2024")
    live.ended(booking)
    before = live.booking(booking)
    done = live.command("rebuild", "bookings")
    assert done.returncode == 0, done.stderr
    assert live.booking(booking) == before


def test_readyz_names_every_part(live: Live) -> None:
    answer = live.http.get("/readyz").json()
    assert answer["ready"] is True
    assert {"relay-seats", "worker-payments", "recorder", "projector-bookings", "api-tickets"} <= set(answer["parts"])

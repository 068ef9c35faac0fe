"""The one line of an entry's details: which states it changed, and what it sent; and the order of its rows' columns."""

from typing import Any

from dashboard.panel.details import describe
from dashboard.panel.meaning import columns, difference, meaning
from tests.drawing.recording import recorded


def change(table: str, old: dict[str, Any] | None, new: dict[str, Any] | None) -> dict[str, Any]:
    op = "insert" if old is None else "delete" if new is None else "update"
    return {"op": op, "table": table, "key": "1", "old": old, "new": new}


def told(name: str, title: str) -> list[str]:
    """What the entry of a recorded booking with this title means."""
    booking, entries = recorded(name)
    (entry,) = [one for one in entries if one["title"] == title]
    found: list[str] = describe(entry, booking, sql=False)["means"]
    return found


def test_a_declined_payment() -> None:
    means = told("declined", "TakePayment: payment DECLINED")
    assert means[0] == "payment: nothing → DECLINED, card_declined"
    assert means[1:] == ["publishes PaymentDeclined", "answers with TakePaymentReply"]


def test_every_entry_of_a_recorded_booking_that_changes_a_state_says_so() -> None:
    booking, entries = recorded("declined")
    texts = [describe(one, booking, sql=False)["means"] for one in entries if one["service"] == "booking"]
    assert ["booking: PAYING → COMPENSATING, card_declined", "sends ReleaseSeats"] in [
        [*one[:1], *one[-1:]] for one in texts if one
    ]


def test_rows_that_changed_alike_are_one_text_and_a_state_that_stays_is_none() -> None:
    seats = [
        change("seats_seat", {"label": name, "status": "AVAILABLE"}, {"label": name, "status": "RESERVED"})
        for name in ("A-1", "A-2")
    ]
    assert meaning(seats) == ["2 seats: AVAILABLE → RESERVED"]
    assert meaning(seats[:1]) == ["seat A-1: AVAILABLE → RESERVED"]
    assert meaning([change("seats_seat", {"status": "SOLD", "version": 1}, {"status": "SOLD", "version": 2})]) == []
    assert meaning([change("seats_hold", {"status": "HELD"}, None)]) == ["hold: HELD → nothing"]


def test_the_changed_columns_come_first_and_what_only_says_which_row_it_is_last() -> None:
    old = {"id": 1, "booking_id": "b", "amount": 5, "status": "PENDING", "version": 1}
    found = columns(old, {**old, "version": 2, "status": "DECLINED"})
    assert [one["column"] for one in found] == ["status", "version", "amount", "id", "booking_id"]
    assert [one["changed"] for one in found] == [True, True, False, False, False]
    assert [one["column"] for one in columns({}, old)] == ["status", "amount", "version", "id", "booking_id"]
    assert not any(one["changed"] for one in columns({}, old)), "a new row has no cell that was another before"


def test_of_two_objects_only_what_differs() -> None:
    old = {"TakePayment": {"forward": {"known": "sent", "attempts": [{"error": ""}]}}, "same": 1}
    new = {"TakePayment": {"forward": {"known": "refused", "attempts": [{"error": ""}, {"error": "x"}]}}, "same": 1}
    assert difference(old, new) == [
        {"path": "TakePayment forward known", "old": "sent", "new": "refused"},
        {"path": "TakePayment forward attempts 2 error", "old": None, "new": "x"},
    ]
    assert difference(old, old) == []
    assert difference("a", "b") == []

"""The narration of a booking: in the words of its entries, live and at each moment, for every way in which a booking can end."""

from typing import Any

import pytest

from drawing.narration import narrate
from tests.drawing.evidence import CELLS, STORIES, Until, told_of
from tests.drawing.narrated import check_moments, check_sentence
from tests.drawing.recording import recorded

BACK = " The saga went backwards: "
ENDS = {
    "declined": "Payment said no: the card was declined."
    + BACK
    + "seats J-37 and J-38 were given back by a new transaction.",
    "printer_refused": "Ticket said no: the printer refused."
    + BACK
    + "₩300,000 was refunded and seats J-37 and J-38 were given back, each by a new transaction.",
    "seat_taken": "Seat said no: another booking has the seat. Nothing had to be undone.",
    "cancelled_later": "The customer cancelled."
    + BACK
    + "the tickets were made invalid, ₩300,000 was refunded and seats J-15 and J-16 were given back, each by a new transaction.",
    "given_up": "Payment gave no answer to TakePayment, which was sent 4 times."
    + BACK
    + "seats I-15 and I-16 were given back by a new transaction.",
    "lost_acknowledgement": "Payment's answer to TakePayment was lost on its way. TakePayment was sent twice, and Payment's "
    "barrier gave the stored answer. The booking is confirmed.",
    "confirmed": "Seats J-39 and J-40 were reserved, ₩300,000 was taken, 2 tickets were issued and the seats were sold. "
    "The booking is confirmed.",
    "skipped_by_hand": "Ticket said no: the printer refused."
    + BACK
    + "seats I-15 and I-16 were given back by a new transaction. A person skipped RefundPayment.",
}


@pytest.mark.parametrize("name", ENDS)
def test_how_a_booking_ended_in_a_sentence_or_two(name: str) -> None:
    booking, entries = recorded(name)
    assert narrate(entries, booking).text == ENDS[name]


def test_the_figures_are_those_of_the_services_and_not_of_the_views() -> None:
    booking, entries = recorded("declined")
    assert narrate(entries, booking).figures == ["91 ms", "3 databases", "8 commits"]


def at(name: str, title: str) -> str:
    """The narration at the first entry with this title."""
    booking, entries = recorded(name)
    pos = next(entry["pos"] for entry in entries if entry["title"].startswith(title))
    return narrate(entries, booking, pos).text


@pytest.mark.parametrize(
    ("name", "title", "told"),
    [
        ("declined", "BookingPlaced", "The booking was placed; its saga has not started yet."),
        ("declined", "BookingAdvanced", "Seat has not answered ReserveSeats yet."),
        ("declined", "TakePayment", "Payment said no: the card was declined."),
        ("refund_refused", "saga updated", "Payment said no to RefundPayment, which has to succeed: it is tried again."),
        ("skipped_by_hand", "BookingStuck", "without success: the saga is stuck, and a person has to decide."),
        ("held", "hold at transaction.before", "A fault holds TakePayment here."),
    ],
)  # fmt: skip
def test_what_a_booking_waits_for(name: str, title: str, told: str) -> None:
    assert at(name, title).endswith(told)


def test_an_expired_hold_and_a_wish_turn_the_saga_without_a_refusal() -> None:
    for reason, told in (
        ("hold_expired", "The hold on the seats expired."),
        ("cancel_requested", "The customer cancelled."),
    ):
        booking, entries = told_of("forward: TakePayment, relay.before_publish cancel")
        for entry in entries:
            for change in entry["changes"]:
                if change["new"] and change["new"].get("what") == "interrupted":
                    change["new"]["error"] = reason
        assert narrate(entries, booking).text.startswith(f"{told} The saga went backwards")


@pytest.mark.parametrize("name", [*STORIES, *CELLS])
def test_each_word_stands_on_an_entry_at_each_moment(name: str) -> None:
    check_moments(*told_of(name))


FALSE = {
    "declined": [
        "Seat said no: the card was declined", "Payment said no: the card has no funds", "Nothing had to be undone",
        "The saga goes backwards", "The booking is confirmed", "Seat has not answered ReleaseSeats yet",
        "The saga went backwards: seat J-37 was given back by a new transaction",
        "The saga went backwards: ₩300,000 was refunded by a new transaction", "The customer cancelled",
        "TakePayment was sent twice", "Payment's barrier gave the stored answer", "A fault holds TakePayment here",
    ],
    "lost_acknowledgement": [
        "TakePayment was lost on its way", "Payment's answer to TakePayment arrived twice", "TakePayment was sent 3 times",
        "Seat's barrier gave the stored answer", "Payment crashed at TakePayment", "₩150,000 was taken",
        "Payment gave no answer to TakePayment, which was sent twice", "Payment said no: the card was declined",
    ],
    "confirmed": ["The saga went backwards", "Three tickets were issued", "3 tickets were issued", "All is well"],
}  # fmt: skip


@pytest.mark.parametrize(("name", "sentence"), [(name, one) for name, told in FALSE.items() for one in told])
def test_a_false_sentence_is_found_out(name: str, sentence: str) -> None:
    """The check itself."""
    booking, entries = recorded(name)
    known = Until(booking, entries, entries[-1]["pos"])
    with pytest.raises((AssertionError, ValueError, IndexError)):
        check_sentence(known, sentence)


def test_nothing_is_narrated_of_nothing() -> None:
    nothing: list[dict[str, Any]] = []
    assert (narrate(nothing, "01a1fdef-2806-7036-929e-3e4f7f23fd0a").text, narrate(nothing, "x").figures) == ("", [])

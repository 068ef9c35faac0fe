"""What an event has changed, taken from any JSON; and which part of that is read at once."""

from typing import Any

import pytest

from audit.running.partial import AT_ONCE, NOBODY, zip_pages
from audit.running.scope import Scope, of_event

BOOKING = "00000000-0000-7000-8000-000000000001"


@pytest.mark.parametrize(
    ("event", "scope"),
    [
        (
            {
                "correlationid": BOOKING,
                "data": {"booking_id": BOOKING, "performance_id": "c", "seats": [{"label": "A-1"}]},
            },
            Scope(bookings=frozenset([BOOKING]), seats=frozenset(["c/A-1"])),
        ),
        (
            {"correlationid": BOOKING, "data": {"id": BOOKING, "performance_id": "c", "seats": ["A-1", "A-2"]}},
            Scope(bookings=frozenset([BOOKING]), seats=frozenset(["c/A-1", "c/A-2"])),
        ),
        ({"subject": "c", "data": {"id": "c", "seats": [{"label": "A-1"}]}}, Scope(seats=frozenset(["c/A-1"]))),
        ({"subject": "7", "data": {"id": 7, "name": "Ana", "email": "a@b"}}, Scope(customers=frozenset(["7"]))),
        ({"correlationid": "nobody", "data": None}, Scope()),
        ({"correlationid": 7, "data": {"seats": {"label": "A-1"}, "booking_id": []}}, Scope()),
        ({"data": {"id": "c", "seats": ["x" * 200, "a\x00b", None]}}, Scope()),
        ({"data": {"id": 2**70, "email": ""}}, Scope()),
    ],
)
def test_what_an_event_has_changed(event: dict[str, Any], scope: Scope) -> None:
    assert of_event(event) == scope


def test_requests_are_cut_and_one_is_made_in_any_case() -> None:
    bookings, names = [f"b{number}" for number in range(AT_ONCE + 1)], ["n"]
    first, second = zip_pages(bookings, names)
    assert (len(first), second) == (AT_ONCE + 1, [("booking", f"b{AT_ONCE}")])
    assert zip_pages([], []) == [[("booking", NOBODY)]]
    assert zip_pages([], ["n"]) == [[("booking", NOBODY), ("name", "n")]]

"""Stepping through a booking's entries: its rows as of each, and nobody else's."""

from typing import Any

from journal.reading.stories import fold


def entry(pos: int, service: str, *changes: tuple[str, str, dict[str, Any] | None, dict[str, Any] | None]) -> dict:
    return {
        "pos": pos,
        "service": service,
        "changes": [
            {"table": table, "op": op, "key": (new or old or {}).get("id"), "old": old, "new": new}
            for table, op, old, new in changes
        ],
    }


FREE = {"id": "A-15", "status": "AVAILABLE", "booking_id": None}
HELD = {"id": "A-15", "status": "RESERVED", "booking_id": "b-1"}
OTHER = {"id": "A-16", "status": "RESERVED", "booking_id": "b-2"}
SAGA = {"id": "s-1", "booking_id": "b-1", "state": "RUNNING"}
ENTRIES = [
    entry(
        3,
        "booking",
        ("booking_booking", "insert", None, {"id": "b-1", "state": "PENDING"}),
        ("booking_saga", "insert", None, SAGA),
        ("booking_outbox", "insert", None, {"id": "m", "correlation_id": "b-1", "saga_id": "s-1"}),
    ),
    entry(
        5,
        "seats",
        ("seats_seat", "update", FREE, HELD),
        ("seats_seat", "update", {**OTHER, "booking_id": None}, OTHER),
        ("seats_barrier", "insert", None, {"id": "x", "saga_id": "s-1", "state": "taken"}),
    ),
    entry(9, "seats", ("seats_seat", "update", HELD, FREE)),
    entry(12, "seats", ("seats_seat", "delete", FREE, None)),
]


def test_rows_as_of_an_entry() -> None:
    told = fold("b-1", ENTRIES, 5)
    assert (told.previous, told.pos, told.next) == (3, 5, 9)
    assert told.tables["seats"]["seats_seat"] == {"A-15": HELD}
    assert told.tables["booking"]["booking_booking"] == {"b-1": {"id": "b-1", "state": "PENDING"}}


def test_other_bookings_in_the_same_batch_are_left_out() -> None:
    told = fold("b-1", ENTRIES, 5)
    assert [(cells.table, cells.key) for cells in told.changed] == [("seats_seat", "A-15"), ("seats_barrier", "x")]


def test_rows_known_by_the_saga_alone_belong() -> None:
    assert fold("b-1", ENTRIES, 5).tables["seats"]["seats_barrier"]["x"]["state"] == "taken"
    assert "seats_barrier" not in fold("b-2", ENTRIES, 5).tables["seats"]


def test_changed_cells() -> None:
    seat = fold("b-1", ENTRIES, 5).changed[0]
    assert (seat.service, seat.op) == ("seats", "update")
    assert seat.columns == {"status": ("AVAILABLE", "RESERVED"), "booking_id": (None, "b-1")}


def test_a_row_that_no_longer_names_the_booking_is_still_followed() -> None:
    assert fold("b-1", ENTRIES, 9).tables["seats"]["seats_seat"] == {"A-15": FREE}
    assert "seats_seat" not in fold("b-1", ENTRIES).tables["seats"]


def test_between_two_entries_the_earlier_holds() -> None:
    told = fold("b-1", ENTRIES, 8)
    assert (told.pos, told.next) == (5, 9)


def test_before_the_first_and_after_the_last() -> None:
    told = fold("b-1", ENTRIES, 2)
    assert (told.pos, told.entry, told.tables, told.previous, told.next) == (0, None, {}, None, 3)
    told = fold("b-1", ENTRIES)
    assert (told.pos, told.previous, told.next) == (12, 9, None)

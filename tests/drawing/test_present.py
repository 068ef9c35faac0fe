"""What a person reads of an entry: pure functions over the journal's own shape."""

from typing import Any

import pytest

from dashboard.panel.details import describe
from drawing import present, tables
from drawing.diagram.layout import letter_of
from drawing.money import money
from journal.reading.stories import fold
from tests.drawing.drawing import draw
from tests.drawing.recording import SCENES, recorded

BOOKING = "01a1f90c-e674-7a8d-9e87-dec87f31cc4c"
OTHER = "01a1f90c-e674-7a8d-9e87-000000000000"


def change(table: str, old: dict[str, Any] | None, new: dict[str, Any] | None) -> dict[str, Any]:
    op = "insert" if old is None else "delete" if new is None else "update"
    return {"table": table, "op": op, "key": "1", "old": old, "new": new}


def entry(*changes: dict[str, Any]) -> dict[str, Any]:
    return {"pos": 1, "kind": "transaction", "service": "seats", "changes": list(changes)}


def seat(label: str, booking: str, status: str) -> dict[str, Any]:
    return {"id": 1, "label": label, "booking_id": booking, "status": status, "version": 2}


def test_an_update_shows_only_the_cells_that_changed() -> None:
    shown = present.entry(entry(change("seats_seat", seat("A-1", "", "AVAILABLE"), seat("A-1", BOOKING, "RESERVED"))))
    assert [cell["column"] for cell in shown["shown"][0]["cells"]] == ["booking_id", "status"]
    assert shown["shown"][0]["label"] == "A-1"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (["A-1", "A-2"], "A-1, A-2"),
        ([{"id": BOOKING, "seat": "C-10", "code": "gKRADbo-DnD7JxgK6AufaA"}], "C-10"),
        ([{"code": "short"}], "short"),
        ([], ""),
        (None, "∅"),
        (BOOKING, "…" + BOOKING[-8:]),
    ],
)
def test_a_cell_is_said_in_words_not_in_python(value: Any, text: str) -> None:
    assert present.cell(value) == text


def test_a_batch_shows_a_booking_only_its_own_rows() -> None:
    batch = entry(
        change("seats_seat", seat("A-1", BOOKING, "RESERVED"), seat("A-1", BOOKING, "SOLD")),
        change("seats_seat", seat("A-2", OTHER, "RESERVED"), seat("A-2", OTHER, "SOLD")),
    )
    assert [row["label"] for row in present.entry(batch, BOOKING)["shown"]] == ["A-1"]
    assert [row["label"] for row in present.entry(batch)["shown"]] == ["A-1", "A-2"]


def test_a_cursor_that_moved_is_bookkeeping_and_an_observation_is_not() -> None:
    moved = entry(change("projections_checkpoint", {"horizon": 1}, {"horizon": 2}))
    assert present.entry(moved)["bookkeeping"]
    assert not present.entry({**moved, "kind": "observation", "changes": []})["bookkeeping"]


def test_a_long_batch_says_how_much_it_leaves_out() -> None:
    changes = [change("seats_seat", None, seat(f"A-{number}", BOOKING, "SOLD")) for number in range(20)]
    shown = present.entry(entry(*changes))
    assert len(shown["shown"]) + shown["more"] == 20


@pytest.mark.parametrize("story", SCENES)
def test_an_update_that_does_not_repeat_what_has_not_changed_reads_the_same(story: str) -> None:
    booking, found = recorded(story)
    entries = [{**entry, "changes": list(map(_full, entry["changes"]))} for entry in found]  # some were recorded lean
    lean = [{**entry, "changes": list(map(_lean, entry["changes"]))} for entry in entries]
    assert sum(len(str(entry)) for entry in lean) < 0.95 * sum(len(str(entry)) for entry in entries)
    assert repr(draw(lean, booking)) == repr(draw(entries, booking))
    assert fold(booking, lean).tables == fold(booking, entries).tables
    for one, other in zip(entries, lean, strict=True):
        assert fold(booking, entries, one["pos"]).changed == fold(booking, lean, one["pos"]).changed
        assert describe(one, booking, sql=False) == describe(other, booking, sql=False)
        for whose in (booking, ""):
            assert present.entry(one, whose)["shown"] == present.entry(other, whose)["shown"]


def _full(row: dict[str, Any]) -> dict[str, Any]:
    return row if row["op"] != "update" else {**row, "old": row["new"] | row["old"]}


def _lean(row: dict[str, Any]) -> dict[str, Any]:
    if row["op"] != "update":
        return row
    return {**row, "old": {name: value for name, value in row["old"].items() if value != row["new"][name]}}


def test_a_service_has_the_same_letter_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(present.LETTERS, "seats", "Se")
    booking, found = recorded("declined")
    letters = {group["service"]: group["letter"] for group in tables.groups(fold(booking, found))}
    assert (letters["seats"], letters["payments"]) == ("Se", "P")
    assert (letter_of("seats"), letter_of("payments"), letter_of("foreign")) == ("Se", "P", "F")


def test_money_follows_the_currency() -> None:
    assert money(150_000, "KRW") == "₩150,000"
    assert money(4_500, "EUR") == "€45.00"
    assert money(None, "EUR") == ""

"""The inspector of a saga: what was undone, in the order it was, and why."""

import copy
import re
from typing import Any

import pytest
from django.template.loader import render_to_string

from booking.saga.definitions import DEFINITIONS
from booking.saga.state import restore
from dashboard.panel.story import from_entries
from dashboard.records.inspector.context import sagas_of
from drawing import tables
from journal.reading.stories import fold
from tests.dashboard.markup import compact
from tests.drawing.evidence import CELLS, STORIES, told_of
from tests.drawing.recording import recorded


@pytest.mark.parametrize("name", [*STORIES, *CELLS])
def test_the_inspector_says_undone_only_of_what_was_and_could_be(name: str) -> None:
    """At each moment, each step of each saga, against the engine's own state."""
    booking, entries = told_of(name)
    for number, entry in enumerate(entries, 1):
        if entry["service"] != "booking":
            continue
        rows = fold(booking, entries[:number]).tables.get("booking", {}).get("booking_saga", {})
        by_id = {row["id"]: row for row in rows.values()}
        for saga in sagas_of(booking, entries[:number], None):
            row = by_id[saga["id"]]
            definition = DEFINITIONS[row["definition"]]
            fields = {field: row[field] for field in ("id", "step", "action", "reason", "context", "steps")}
            state = restore(definition, status=row["state"], **fields)
            for step, told in zip(definition.steps, saga["steps"], strict=True):
                where = f"{name} #{entry['pos']} {step.name}: {told['undo'] or 'nothing'}, {told['known']}"
                forward, undo = state.track(step.name, "forward"), state.track(step.name, "compensation")
                can_turn = definition.steps[state.position].kind != "retriable" and state.status in (
                    "RUNNING",
                    "FENCING",
                )
                could = can_turn and step.compensation is not None and forward.known != "refused"
                assert told["undo"].startswith("would be undone") == could, where
                assert told["undo"].startswith("undone by") == (undo.known == "succeeded"), where
                assert told["undo"].startswith(("being", "to be")) <= (
                    state.status == "COMPENSATING" or state.status == "STUCK"
                ), where
                assert forward.known in ("sent", "succeeded") or not told["undo"] or could, where
                if told["known"] in ("pending", "not reached"):
                    assert forward.known == "pending", where
                    back = state.status in ("COMPENSATING", "COMPENSATED") or (
                        state.status == "STUCK" and state.action == "compensation"
                    )
                    assert (told["known"] == "not reached") == (back or state.status == "COMPLETED"), where
                for action in told["actions"]:
                    if action["awaited"]:
                        assert (step.name, action["action"]) == (row["step"], row["action"]), where


@pytest.mark.urls("dashboard.urls")
def test_a_declined_booking_in_the_inspector() -> None:
    booking, entries = recorded("declined")
    context = {"booking_id": booking, "state": "CANCELLED", "sagas": sagas_of(booking, entries, None)}
    html = render_to_string("records/inspector.html#saga", context)
    steps_told = html.partition('<ol class="saga-steps">')[2].partition("</ol>")[0]
    assert re.findall(r'<p class="undo">(.*?)</p>', steps_told) == ["undone by ReleaseSeats"]
    assert re.findall(r'<span class="known">(.*?)</span>', steps_told) == [
        "compensated",
        "refused",
        "not reached",
        "not reached",
    ]
    assert 'data-state="COMPENSATED">COMPENSATED' in compact(html)


def test_a_reason_stands_on_a_line_of_its_own_beside_whole_numbers() -> None:
    booking, entries = recorded("cancelled_later")
    found = {table["name"]: table for group in tables.groups(fold(booking, entries)) for table in group["tables"]}
    row = found["booking_booking"]["rows"][0]
    assert (row["reason"]["text"], found["booking_booking"]["columns"]) == (
        "cancelled_by_customer",
        ["state", "amount", "version"],
    )
    assert found["payments_payment"]["rows"][0]["reason"] is None


def _track(**more: Any) -> dict[str, Any]:
    return {step: {"forward": {"known": "sent", "attempts": [], **more}} for step in ("ReserveSeats", "TakePayment")}


STRANGE: dict[str, dict[str, Any]] = {
    "a step of another name": {"step": "ChargeCard"},
    "no steps": {"steps": None},
    "steps that are a list": {"steps": ["ReserveSeats", "TakePayment"]},
    "steps that are text": {"steps": "TakePayment"},
    "a step that is nothing": {"steps": {"ReserveSeats": None, "TakePayment": ["sent"]}},
    "an action that is text": {"steps": {"ReserveSeats": {"forward": "sent"}}},
    "what is known is a number": {"steps": _track(known=7)},
    "what is known is a list": {"steps": _track(known=["sent"])},
    "attempts that are text": {"steps": _track(attempts=["first", "second"])},
    "attempts that are counted": {"steps": _track(attempts=2)},
    "attempts by name": {"steps": _track(attempts={"first": "sent"})},
    "attempts without a time": {"steps": _track(attempts=[{"sent_at": None}, {"error": None}])},
    "a limit in words": {"steps": _track(limit="eight", attempts=[{}, {}])},
    "a due time in words": {"due_at": "soon"},
    "a due time that is a number": {"due_at": 7},
    "a due time that only PostgreSQL has": {"due_at": "infinity"},
    "a version in words": {"definition_version": "two"},
    "an attempt in words": {"attempt": "second"},
    "no context": {"context": None, "reason": None},
    "names that are lists": {"step": ["x"], "action": ["x"], "definition": ["x"], "state": ["x"]},
    "names that are nothing": {"step": None, "action": None, "definition": None, "state": None},
    "no columns": dict.fromkeys(("steps", "context", "action", "step", "state", "definition", "due_at", "id"), ...),
}
"""Columns of a saga's row as another version, or an imported run, may have them; `...` is one that is missing."""


@pytest.mark.urls("dashboard.urls")
@pytest.mark.parametrize("strange", STRANGE.values(), ids=STRANGE)
@pytest.mark.parametrize("name", ["printer_refused", "refund_refused"])
def test_a_sagas_row_of_another_version_takes_no_page_away(name: str, strange: dict[str, Any]) -> None:
    """The inspector, and the stage's panel at each moment of the booking."""
    booking, entries = told_of(name)
    entries = copy.deepcopy(entries)
    changes = [change for entry in entries for change in entry["changes"] if change["table"] == "booking_saga"]
    for row in (row for change in changes for row in (change["new"], change["old"]) if row):
        row.update(strange)
        for column in [column for column, value in strange.items() if value is ...]:
            del row[column]
    (saga,) = sagas_of(booking, entries, None)
    unknown = not set(strange) <= {"due_at", "attempt"}
    assert bool(saga["unknown"]) == unknown
    context = {"booking_id": booking, "state": "CANCELLED", "sagas": [saga]}
    assert ("Unknown here" in render_to_string("records/inspector.html#saga", context)) == unknown
    for entry in entries:
        told = from_entries(booking, entries, entry["pos"], sql=False)
        assert told["lanes"]
        assert (told["sagas"][0]["name"] == "BookTickets") or "definition" in strange
    assert from_entries(booking, entries)["sagas"]

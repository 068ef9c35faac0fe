"""No word on the page without an entry that it stands on. Over recorded bookings, one or more for each kind of fault.

The checks derive each word from the entries again, without the code that draws.
"""

import gzip
import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from django.template.loader import render_to_string

from booking.saga import report
from booking.saga.definitions import DEFINITIONS
from booking.saga.state import restore
from dashboard.records.inspector import sagas_of
from dashboard.stage import steps, tables
from dashboard.stage.lanes import Lanes, draw
from dashboard.stage.lanes.shapes import Arrow, Node
from journal.stories import fold
from tests.dashboard.recording import HERE, MATRIX, SCENES, recorded

Entry = dict[str, Any]
STORIES = sorted(SCENES.keys() & {path.name.removesuffix(".json.gz") for path in HERE.iterdir()})
UNDOING = ("VoidTickets", "RefundPayment", "ReleaseSeats")


def matrix() -> dict[str, tuple[str, list[Entry]]]:
    """Bookings of the failpoint matrix, by cell."""
    told = json.loads(gzip.decompress(MATRIX.read_bytes())) if MATRIX.exists() else {}
    return {cell: (one["booking"], one["entries"]) for cell, one in told.items()}


CELLS = matrix()


class Evidence:
    """What the entries of a booking say, by position and by message."""

    def __init__(self, booking: str, entries: list[Entry]) -> None:
        self.booking = booking
        self.entries = {entry["pos"]: entry for entry in entries}
        self.transactions = [entry for entry in entries if entry["kind"] == "transaction"]
        self.observed = [entry for entry in entries if entry["kind"] == "observation"]
        self.sagas = {row["saga_id"] for entry in entries for row in self.rows(entry, "_outbox") if row.get("saga_id")}

    def rows(self, entry: Entry, table: str, op: str = "insert") -> list[dict[str, Any]]:
        """The rows of this booking that the entry inserted into tables so called."""
        found = [c["new"] for c in entry["changes"] if c["table"].endswith(table) and c["op"] == op and c["new"]]
        return [row for row in found if self.booking in row.values()]

    def replies(self, entry: Entry) -> list[dict[str, Any]]:
        return [row for row in self.rows(entry, "_outbox") if row["kind"] == "reply"]

    def refusals(self, entry: Entry) -> list[str]:
        """The reasons of the refusals in it: of replies, and of what the saga's log notes."""
        found = [row["data"].get("reason", "") for row in self.replies(entry) if row["data"]["status"] == "refused"]
        return found + [line["error"] for line in self.log(entry) if line["what"] == "refused"]

    def log(self, entry: Entry) -> list[dict[str, Any]]:
        lines = [c["new"] for c in entry["changes"] if c["table"].endswith("_sagalog") and c["new"]]
        return [line for line in lines if line["saga_id"] in self.sagas]

    def answered_before(self, reply: dict[str, Any], pos: int) -> bool:
        """Whether the barrier's row (its id is the reply's) was there before."""
        here = [
            c["new"]["id"]
            for c in self.entries[pos]["changes"]
            if c["table"].endswith("_barrier") and c["op"] == "insert"
        ]
        return reply["id"] not in here

    def given_before(self, pos: int) -> set[str]:
        """The ids of the replies that were given before this entry."""
        return {row["id"] for one in self.transactions if one["pos"] < pos for row in self.replies(one)}

    def handled(self, message: str, after: int) -> list[Entry]:
        """Entries that name the message as what they are about."""
        return [
            entry
            for entry in self.entries.values()
            if entry["pos"] > after
            and (message in entry["causes"] or message in [line["message_id"] for line in self.log(entry)])
        ]


def at(entry: Entry) -> datetime:
    return datetime.fromisoformat(entry["committed_at"])


def told_of(name: str) -> tuple[str, list[Entry]]:
    return CELLS[name] if name in CELLS else recorded(name)


def each_word(node: Node, known: Evidence) -> None:
    entry = known.entries[node.positions[0]]
    if node.kind == "transaction":
        replies = known.replies(entry)
        again = [known.answered_before(reply, entry["pos"]) for reply in replies]
        given = known.given_before(entry["pos"])
        if "answers again" in node.lines:
            assert again, node.told
            assert all(again), f"{node.told}: the barrier's row is its own"
        elif replies:
            assert not all(reply["id"] in given for reply in replies), f"{node.told} was answered before"
        reasons = known.refusals(entry)
        for line in node.lines:
            if line.startswith("refused"):
                assert line.removeprefix("refused: ") in reasons, node.told
        if replies and reasons and reasons != ["fenced"]:
            assert node.refused, f"{node.told}: {reasons}"
            assert node.tone == "bad", f"{node.told} is not marked as refused"
        if node.title == "Refused":
            assert node.lines[0] in reasons, node.told
        if node.tone == "compensation":
            assert any(r["data"]["status"] == "succeeded" for r in replies), f"{node.told} has undone nothing"
            assert any(r["action"] == "compensation" or r["type"].removesuffix("Reply") in UNDOING for r in replies)
        if node.title == "Watchdog":
            overdue = [row for row in known.rows(entry, "_outbox") if row["type"] == "SagaOverdue"]
            if overdue:
                attempt = (overdue[0]["data"]["step"], overdue[0]["data"]["action"], overdue[0]["data"]["attempt"])
                answers = [
                    line["what"]
                    for other in known.transactions
                    if other["pos"] < entry["pos"]
                    for line in known.log(other)
                    if (line["step"], line["action"], line["attempt"]) == attempt
                ]
                refused = "refused" in answers
                assert node.waited == ("waits after the refusal" if refused else "no answer in time"), node.told
                assert node.lines == (["its wait is over"] if refused else ["overdue"]), node.told
    for mark in node.marks:
        for pos in mark.positions:
            each_mark(node, mark.kind, mark.text, known.entries[pos], known)


def each_mark(node: Node, kind: str, text: str, seen: Entry, known: Evidence) -> None:
    message = seen["data"].get("messageid", "")
    point = (seen["data"].get("data") or {}).get("point", "")
    if node.kind != "transaction":
        assert node.kind in ("attempt", "held", "note"), node.told
        return
    entry = known.entries[node.positions[0]]
    assert seen["service"] == entry["service"], f"{node.told} has {seen['title']}"
    taken = [
        other
        for other in known.handled(message, 0)
        if other["kind"] == "transaction" and other["service"] == entry["service"]
    ]
    assert entry in taken, f"{node.told} has nothing to do with {seen['title']}"
    if point == "transaction.committed" or kind == "crashed":
        until = [other for other in taken if at(other) <= at(seen)]
        assert entry is until[-1], f"{node.told} is not the transaction of {seen['title']}"
    elif kind == "refused":
        assert known.refusals(entry), f"{node.told} is no refusal"
    elif kind == "absorbed":
        assert at(seen) <= at(entry), f"{node.told} was over when {seen['title']}"
        between = [
            one for one in known.transactions if one["service"] == entry["service"] and at(seen) <= at(one) < at(entry)
        ]
        assert not between, f"{seen['title']} is of #{between[0]['pos']}, not of {node.told}"
        answers = [row for row in known.replies(entry) if not row["type"].startswith("Fence")]
        given = known.given_before(entry["pos"])
        late = [row["data"].get("reason") for row in answers if row["id"] not in given] == ["fenced"]
        assert text == ("came too late" if late else "duplicate absorbed"), node.told


def each_arrow(arrow: Arrow, known: Evidence) -> None:
    flow = arrow.flow
    if not flow.message:
        return
    struck = {
        (seen["data"].get("data") or {}).get("action")
        for seen in known.observed
        if flow.message == seen["data"].get("messageid")
    }
    if flow.state == "pending":
        later = [entry for entry in known.handled(flow.message, flow.pos) if entry["service"] != "projections"]
        assert not later, f"{arrow.label}, though #{later[0]['pos']} is about it"
    elif flow.state == "dropped":
        assert "drop" in struck, arrow.label
    elif flow.state == "delayed":
        assert struck & {"delay", "hold", "hang", "pause", "reorder"}, arrow.label
    elif flow.state == "doubled":
        assert "duplicate" in struck or len(known.handled(flow.message, flow.pos)) > 1, arrow.label
    if flow.kind == "reply":
        sent = [row for row in known.replies(known.entries[flow.pos]) if row["id"] == flow.message]
        assert flow.refused == (sent[0]["data"]["status"] == "refused"), arrow.label


def each_band(lanes: Lanes, known: Evidence) -> None:
    for band in lanes.bands:
        why = band.text.partition(" · ")[2]
        lower = [box for box in lanes.boxes if box.y >= band.y and box.service != "projections"]
        below = min(lower, key=lambda box: box.y, default=None)
        if why in ("no answer in time", "waits after the refusal", "not started in time"):
            assert below is not None, band.text
            assert below.node.title == "Watchdog", f"{band.text} stands before {below.node.told}"
            assert below.node.waited == why


@pytest.mark.parametrize("name", [*STORIES, *CELLS])
def test_each_word_in_the_lanes_stands_on_an_entry(name: str) -> None:
    booking, entries = told_of(name)
    known = Evidence(booking, entries)
    for narrow in (False, True):
        lanes = draw(entries, booking, narrow=narrow)
        for box in lanes.boxes:
            if box.node.kind not in ("request", "views"):
                each_word(box.node, known)
        for arrow in lanes.arrows:
            each_arrow(arrow, known)
        each_band(lanes, known)


def moments(name: str) -> Iterator[tuple[int, dict[str, Any], list[dict[str, Any]]]]:
    """Each state of each saga of the booking: (position, its row, the strips as the stage draws them)."""
    booking, entries = told_of(name)
    for entry in entries:
        told = fold(booking, entries, entry["pos"])
        rows = told.tables.get("booking", {}).get("booking_saga", {})
        strips = {
            one["id"]: strip
            for one, strip in zip(sorted(rows.values(), key=lambda r: r["id"]), steps.sagas(told.tables), strict=False)
        }
        for key, row in rows.items():
            yield entry["pos"], row, [strips[row["id"]]] if key else []


@pytest.mark.parametrize("name", [*STORIES, *CELLS])
def test_the_strip_says_what_the_engine_knows(name: str) -> None:
    """At each moment: what remains and its direction are the engine's own, and a step that will not come is not `to do`."""
    for pos, row, strips in moments(name):
        definition = DEFINITIONS[row["definition"]]
        fields = {field: row[field] for field in ("id", "step", "action", "reason", "context", "steps")}
        state = restore(definition, status=row["state"], **fields)
        strip, where = strips[0], f"{name} #{pos}"
        remaining = report.remaining(definition, state)
        back = state.status in ("COMPENSATING", "COMPENSATED") or (
            state.status == "STUCK" and state.action == "compensation"
        )
        if state.status in ("COMPLETED", "COMPENSATED"):
            assert strip["rest"] == "", where
        elif state.action == "fence":
            assert strip["rest"] == f"to find out: how {row['step']} ended", where
        else:
            direction = "to undo" if back else "to do"
            assert strip["rest"] == (f"{direction}: {', '.join(remaining)}" if remaining else ""), where
        done = report.done(definition, state)
        undone = {step.name for step in definition.steps if step.compensation and step.compensation.type() in done}
        assert strip["done"] == len(
            [
                name
                for name in definition.index
                if name in done and name not in undone and state.track(name, "forward").known == "succeeded"
            ]
        ), where
        for step, told in zip(definition.steps, strip["steps"], strict=True):
            text, forward = told["text"], state.track(step.name, "forward")
            attempts = (state.track(step.name, "compensation") or forward).attempts or forward.attempts
            if text.startswith("to do"):
                assert not back, where
                assert state.status in ("RUNNING", "STUCK"), where
            if "refused" in text:
                assert forward.known == "refused" or attempts[-1].error not in ("", "no_answer"), where
            if "no answer yet" in text:
                assert state.status == "RUNNING", f"{where}: {text}"
                assert attempts[-1].error == "", f"{where}: {text}"
            if told["due"]:
                assert row["step"] == step.name, where
                assert row["due_at"], where
                assert (told["until"] == "next try") == bool(state.track(step.name, state.action).attempts[-1].error), (
                    where
                )


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
    html = render_to_string("dashboard/inspector.html#saga", context)
    steps_told = html.partition('<ol class="saga-steps">')[2].partition("</ol>")[0]
    assert re.findall(r'<p class="undo">(.*?)</p>', steps_told) == ["undone by ReleaseSeats"]
    assert re.findall(r'<span class="known">(.*?)</span>', steps_told) == [
        "compensated",
        "refused",
        "not reached",
        "not reached",
    ]
    assert 'data-state="COMPENSATED">COMPENSATED' in html


def test_a_reason_stands_on_a_line_of_its_own_beside_whole_numbers() -> None:
    booking, entries = recorded("cancelled_later")
    found = {table["name"]: table for group in tables.groups(fold(booking, entries)) for table in group["tables"]}
    row = found["booking_booking"]["rows"][0]
    assert (row["reason"]["text"], found["booking_booking"]["columns"]) == (
        "cancelled_by_customer",
        ["state", "amount", "v"],
    )
    assert found["payments_payment"]["rows"][0]["reason"] is None

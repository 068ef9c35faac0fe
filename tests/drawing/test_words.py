"""No word on the page without an entry that it stands on. Over recorded bookings, one or more for each kind of fault.

The checks derive each word from the entries again, without the code that draws.
"""

from itertools import product

import pytest

from drawing.lanes import Lanes
from drawing.lanes.shapes import Arrow, Node
from tests.drawing.drawing import draw
from tests.drawing.evidence import CELLS, STORIES, UNDOING, Entry, Evidence, at, told_of


def each_word(node: Node, known: Evidence) -> None:
    entry = known.entries[node.positions[0]]
    if node.kind == "transaction":
        replies = known.replies(entry)
        again = [known.answered_before(reply, entry["pos"]) for reply in replies]
        given = known.given_before(entry["pos"])
        if "answers again" in node.lines:
            assert again, node.as_sentence
            assert all(again), f"{node.as_sentence}: the barrier's row is its own"
        elif replies:
            assert not all(reply["id"] in given for reply in replies), f"{node.as_sentence} was answered before"
        reasons = known.refusals(entry)
        for line in node.lines:
            if line.startswith("refused"):
                assert line.removeprefix("refused: ") in reasons, node.as_sentence
        if replies and reasons and reasons != ["fenced"]:
            assert node.refused, f"{node.as_sentence}: {reasons}"
            assert node.tone == "bad", f"{node.as_sentence} is not marked as refused"
        if node.title == "Refused":
            assert node.lines[0] in reasons, node.as_sentence
        if node.tone == "compensation":
            assert any(r["data"]["status"] == "succeeded" for r in replies), f"{node.as_sentence} has undone nothing"
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
                assert node.waited == ("waits after the refusal" if refused else "no answer in time"), node.as_sentence
                assert node.lines == (["its wait is over"] if refused else ["overdue"]), node.as_sentence
    for mark in node.marks:
        for pos in mark.positions:
            each_mark(node, mark.kind, mark.text, known.entries[pos], known)


def each_mark(node: Node, kind: str, text: str, seen: Entry, known: Evidence) -> None:
    message = seen["data"].get("messageid", "")
    point = (seen["data"].get("data") or {}).get("point", "")
    if node.kind != "transaction":
        assert node.kind in ("attempt", "held", "note"), node.as_sentence
        return
    entry = known.entries[node.positions[0]]
    assert seen["service"] == entry["service"], f"{node.as_sentence} has {seen['title']}"
    taken = [
        other
        for other in known.handled(message, 0)
        if other["kind"] == "transaction" and other["service"] == entry["service"]
    ]
    assert entry in taken, f"{node.as_sentence} has nothing to do with {seen['title']}"
    if point == "transaction.committed" or kind == "crashed":
        until = [other for other in taken if at(other) <= at(seen)]
        assert entry is until[-1], f"{node.as_sentence} is not the transaction of {seen['title']}"
    elif kind == "refused":
        assert known.refusals(entry), f"{node.as_sentence} is no refusal"
    elif kind == "absorbed":
        assert at(seen) <= at(entry), f"{node.as_sentence} was over when {seen['title']}"
        between = [
            one for one in known.transactions if one["service"] == entry["service"] and at(seen) <= at(one) < at(entry)
        ]
        assert not between, f"{seen['title']} is of #{between[0]['pos']}, not of {node.as_sentence}"
        answers = [row for row in known.replies(entry) if not row["type"].startswith("Fence")]
        given = known.given_before(entry["pos"])
        late = [row["data"].get("reason") for row in answers if row["id"] not in given] == ["fenced"]
        assert text == ("came too late" if late else "duplicate absorbed"), node.as_sentence


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
            assert below.node.title == "Watchdog", f"{band.text} stands before {below.node.as_sentence}"
            assert below.node.waited == why


@pytest.mark.parametrize("name", [*STORIES, *CELLS])
def test_each_word_in_the_lanes_stands_on_an_entry(name: str) -> None:
    check_lanes(*told_of(name))


def check_lanes(booking: str, entries: list[Entry]) -> None:
    """In every detail and at a glance, on a wide page and on a phone."""
    known = Evidence(booking, entries)
    for narrow, folded in product((False, True), (False, True)):
        lanes = draw(entries, booking, narrow=narrow, folded=folded)
        for box in lanes.boxes:
            if box.node.kind not in ("request", "views"):
                each_word(box.node, known)
        for arrow in lanes.arrows:
            each_arrow(arrow, known)
        each_band(lanes, known)

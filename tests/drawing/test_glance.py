"""The swimlanes at a glance: what a transaction changed and published, who asked whom, and which events the views have."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drawing.lanes import Lanes
from drawing.lanes.arrangement import Kind, folded
from drawing.lanes.shapes import Box
from tests.drawing.drawing import BOOKING, LANES, draw
from tests.drawing.evidence import CELLS, STORIES, Evidence, told_of
from tests.drawing.recording import recorded
from tests.drawing.test_lanes import ARRANGEMENTS, check, journals

FITS = 520  # units of height: what 900 pixels leave for the lanes


def glance(name: str, pos: int | None = None, narrow: bool = False) -> Lanes:
    booking, entries = told_of(name)
    return draw(entries, booking, pos, narrow=narrow, folded=True)


def lines(box: Box, kind: str) -> list[str]:
    return [line.text for line in box.lines if line.kind == kind]


def test_a_declined_card_fits_on_a_screen() -> None:
    lanes = glance("forward: TakePayment, answer refuse")  # one seat
    gaps = sum(band.h for band in lanes.bands)  # of a busy machine
    assert lanes.height - gaps < FITS
    assert [column.name for column in lanes.columns] == ["Orchestrator", "Seat", "Payment", "Ticket", "Views"]


def test_a_box_has_what_changed_and_the_event_by_its_name() -> None:
    lanes = glance("forward: TakePayment, answer refuse")
    told = [
        (box.service, " ".join(lines(box, "title")), lines(box, "event"))
        for box in lanes.boxes
        if box.node.kind == "transaction"
    ]
    assert told == [
        ("booking", "PENDING", ["BookingPlaced"]),
        ("booking", "RESERVING", ["BookingAdvanced"]),
        ("seats", "R3-4 RESERVED", ["SeatsReserved"]),
        ("booking", "PAYING", ["BookingAdvanced"]),
        ("payments", "DECLINED", ["PaymentDeclined"]),
        ("booking", "COMPENSATING", ["BookingAdvanced"]),
        ("seats", "R3-4 AVAILABLE", ["SeatsReleased"]),
        ("booking", "CANCELLED", ["BookingCancelled"]),
    ]
    assert not [line for box in lanes.boxes for line in box.lines if line.kind == "meta"]
    assert all(
        f"xid {box.node.xid}, LSN {box.node.lsn}" in box.tip for box in lanes.boxes if box.node.kind == "transaction"
    )


def test_a_command_has_its_verb_a_reply_its_outcome_and_an_event_starts_at_its_flag() -> None:
    lanes = glance("declined")
    boxes = {box.id: box for box in lanes.boxes}
    named = [(arrow.flow.kind, arrow.pill.text) for arrow in lanes.arrows if arrow.pill]
    assert named == [
        ("command", "BookTickets"), ("command", "ReserveSeats"), ("reply", "✓"), ("command", "TakePayment"), ("reply", "✗"),
        ("command", "↶ ReleaseSeats"), ("reply", "✓"),
    ]  # fmt: skip
    for arrow in lanes.arrows:
        if arrow.flow.kind == "event":
            source = boxes[arrow.from_id]
            assert arrow.path.startswith(f"M{source.x + source.w:.1f} {source.flag_y:.1f}")
            assert boxes[arrow.to_id].folded


@pytest.mark.parametrize("narrow", [False, True], ids=["wide", "narrow"])
@pytest.mark.parametrize("name", [*STORIES, *CELLS])
def test_each_word_and_each_dot_stands_on_an_entry(name: str, narrow: bool) -> None:
    booking, entries = told_of(name)
    known = Evidence(booking, entries)
    views = {entry["pos"] for entry in entries if entry["service"] == "projections" and entry["kind"] == "transaction"}
    lanes = glance(name, narrow=narrow)
    check(lanes, entries)
    dotted = [pos for box in lanes.boxes if box.folded for pos in box.node.positions]
    assert sorted(dotted) == sorted(views)
    for box in lanes.boxes:
        if box.node.kind != "transaction":
            continue
        entry = known.entries[box.node.positions[0]]
        published = [row["type"] for row in known.rows(entry, "_outbox") if row["kind"] == "event"]
        assert box.node.says == published, box.label
        drawn = "".join(lines(box, "event") + lines(box, "more")).replace(" ", "")
        assert drawn == "".join(published), box.label
        rows = [change["new"] for change in entry["changes"] if change["new"]]
        states = {row[name] for row in rows for name in ("status", "state") if isinstance(row.get(name), str)}
        for state in box.node.states:
            *labels, status = state.split()
            assert status in states, box.label
            assert set(labels) - {"…"} <= {row.get("label") for row in rows}, box.label
    for arrow in lanes.arrows:
        target = next((box for box in lanes.boxes if box.id == arrow.to_id), None)
        if target is not None and target.folded:
            took = [known.entries[pos] for pos in target.node.positions]
            assert any(arrow.flow.message in entry["causes"] for entry in took), arrow.label


@pytest.mark.parametrize("name", ["declined", "view_stood_still", "cancelled_later"])
def test_a_ring_is_an_event_that_no_view_has_applied_yet(name: str) -> None:
    booking, entries = told_of(name)
    for moment in entries:
        lanes = glance(name, moment["pos"])
        past = [entry for entry in entries if entry["pos"] <= moment["pos"]]
        applied = {cause for entry in past if entry["service"] == "projections" for cause in entry["causes"]}
        known = Evidence(booking, entries)
        sent = [
            (entry["pos"], entry["service"], row["id"])
            for entry in known.transactions
            for row in known.rows(entry, "_outbox")
            if row["kind"] == "event"
        ]
        boxes = [box for box in lanes.boxes if box.node.says and not box.folded]
        rings = {round(one.y) for one in lanes.ends if not one.future and not one.applied}
        for box in boxes:
            pos = box.node.positions[0]
            later = {one for at, service, one in sent if at >= pos and service == box.service}
            if round(box.flag_y) in rings:
                assert not later & applied, f"{box.label} at #{moment['pos']}"


def test_events_that_one_write_applied_together_have_a_dot_each() -> None:
    """Recorded before a row named all of them: here the last write of the bookings view names what the others named, too."""
    booking, entries = told_of("declined")
    writes = [entry for entry in entries if entry["service"] == "projections"]
    known = Evidence(booking, entries)
    sent = [row["id"] for entry in known.transactions for row in known.rows(entry, "_outbox") if row["kind"] == "event"]
    merged = {**writes[-1], "causes": sent}
    told = [entry for entry in entries if entry not in writes] + [merged]
    lanes = draw(told, booking, folded=True)
    assert [one.title for one in lanes.ends if one.applied] == [
        f"applied with later events, entry #{merged['pos']}"
    ] * (len(sent) - 1), "the last has the write's own dot"
    assert not [one for one in lanes.ends if not one.applied]
    before = draw(told, booking, merged["pos"] - 1, folded=True)
    assert not [one for one in before.ends if one.applied], "the control: before the write"


def test_without_projectors_an_event_has_its_ring() -> None:
    booking, entries = recorded("declined")
    lanes = draw([entry for entry in entries if entry["service"] != "projections"], booking, folded=True)
    assert not any(one.applied for one in lanes.ends)
    assert len(lanes.ends) == len([box for box in lanes.boxes if box.node.says])


@settings(max_examples=100, deadline=None)
@given(journals(), st.sampled_from(sorted(ARRANGEMENTS)), st.booleans())
def test_any_entries_at_all_in_any_lanes(entries: list[dict[str, Any]], arrangement: str, narrow: bool) -> None:
    check(draw(entries, BOOKING, lanes=ARRANGEMENTS[arrangement], narrow=narrow, folded=True), entries)


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_any_set_of_lanes_can_be_folded(arrangement: str) -> None:
    given_lanes = ARRANGEMENTS[arrangement]
    found = folded(given_lanes)
    services = [lane.service for lane in given_lanes if lane.kind == Kind.SERVICE]
    views = [lane.service for lane in given_lanes if lane.kind == Kind.VIEWS]
    assert [lane.service for lane in found if lane.kind == Kind.SERVICE] == services
    assert [one for lane in found if lane.kind == Kind.VIEWS for one in (lane.service, *lane.also)] == views
    assert len(folded(LANES)) == 5

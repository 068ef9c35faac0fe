"""The swimlanes as a value: over bookings as they were recorded (tests/dashboard/recording.py), and over any entries at all."""

from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.stage.lanes import Lanes, draw
from tests.dashboard.drawing import BOOKING, drawn
from tests.dashboard.recording import HERE, SCENES, recorded

SERVICES = ("booking", "seats", "payments", "tickets")
STORIES = sorted(SCENES.keys() & {path.name.removesuffix(".json.gz") for path in HERE.iterdir()})


def check(lanes: Lanes, entries: list[dict[str, Any]]) -> None:
    """What holds for every drawing."""
    shown = [pos for one in lanes.boxes for pos in one.node.all_positions()]
    shown += [pos for arrow in lanes.arrows for mark in arrow.flow.marks for pos in mark.positions]
    assert sorted(shown) == sorted(entry["pos"] for entry in entries), "an entry is missing, or there twice"
    places = [(one.x, one.y, one.w, one.h, one.id) for one in lanes.boxes]
    places += [(a.pill.x, a.pill.y, a.pill.w, a.pill.h, a.id) for a in lanes.arrows if a.pill]
    for a, b in combinations(places, 2):
        apart = a[0] + a[2] <= b[0] or b[0] + b[2] <= a[0] or a[1] + a[3] <= b[1] or b[1] + b[3] <= a[1]
        assert apart, f"{a} and {b} overlap"
    by_id = {one.id: one for one in lanes.boxes}
    assert len(by_id) == len(lanes.boxes)
    assert len({arrow.id for arrow in lanes.arrows}) == len(lanes.arrows)
    for arrow in lanes.arrows:
        source, flow = by_id[arrow.from_id], arrow.flow
        assert source.node is flow.source
        if flow.target is None:
            assert arrow.to_id == ""
            assert flow.state in ("dropped", "pending")
        else:
            assert by_id[arrow.to_id].node is flow.target
            assert by_id[arrow.to_id].y > source.y, f"{arrow.id} goes backwards"
    assert all(one.x >= 0 and one.x + one.w <= lanes.width and one.y + one.h <= lanes.height for one in lanes.boxes)


@pytest.mark.parametrize("name", STORIES)
def test_a_recorded_booking(name: str) -> None:
    booking, entries = recorded(name)
    for narrow in (False, True):
        check(draw(entries, booking, narrow=narrow), entries)
    lanes = draw(entries, booking)
    early = draw(entries[:-4], booking)  # while it runs, what is drawn keeps its id
    assert {one.id for one in early.boxes} <= {one.id for one in lanes.boxes}


def test_a_moment_has_a_past_and_a_future() -> None:
    _, entries = recorded("declined")
    chosen = next(entry["pos"] for entry in entries if entry["service"] == "payments")
    lanes = drawn("declined", chosen)
    now = [one for one in lanes.boxes if one.current]
    assert [one.service for one in now] == ["payments"]
    assert now[0].tab == 0
    assert sum(one.tab == 0 for one in lanes.boxes) == 1
    assert {one.future for one in lanes.boxes if one.y > now[0].y and one.service != "projections"} == {True}


def test_what_two_messages_led_to_is_reached_by_two_arrows() -> None:
    """Both were tried in vain, and then taken in one transaction."""
    plain = {"service": "payments", "lsn": "0/1", "title": "tried", "cause_known": True, "correlations": [BOOKING]}
    plain |= {"committed_at": "2027-01-01T00:00:00.000000+00:00", "emits": [], "changes": [], "data": None}
    asked = [
        {"id": f"message-{number}", "correlation_id": BOOKING, "data": {}, "version": 1, "kind": "command", "step": "Pay",
         "type": "TakePayment", "action": "forward", "destination": "payments"}
        for number in range(2)
    ]  # fmt: skip
    names = [row["id"] for row in asked]
    sent = [{"table": "booking_outbox", "op": "insert", "key": row["id"], "old": None, "new": row} for row in asked]
    first = {
        "service": "booking",
        "kind": "transaction",
        "causes": [],
        "cause_pos": [],
        "emits": names,
        "changes": sent,
    }
    vain = [
        {"kind": "observation", "causes": [name], "cause_pos": [1], "data": {"kind": "rolled back", "messageid": name}}
        for name in names
    ]
    taken: dict[str, Any] = {"kind": "transaction", "causes": names, "cause_pos": [1, 1]}
    told: list[dict[str, Any]] = [first, *vain, taken]
    entries = [{**plain, "pos": pos, "xid": pos, **one} for pos, one in enumerate(told, 1)]
    lanes = draw(entries, BOOKING)
    check(lanes, entries)
    assert len([arrow for arrow in lanes.arrows if arrow.flow.kind == "local" and arrow.to_id == "tx-4"]) == 2


def test_nothing_is_drawn_of_nothing() -> None:
    assert draw([], BOOKING).boxes == []


@st.composite
def journals(draw_: st.DrawFn) -> list[dict[str, Any]]:
    """Any entries a journal could hold of one booking: causes come before effects, everything else is up to chance."""
    entries: list[dict[str, Any]] = []
    sent: list[tuple[str, int]] = []
    for pos in range(1, draw_(st.integers(1, 18)) + 1):
        kind = draw_(st.sampled_from(("transaction", "transaction", "observation")))
        service = draw_(st.sampled_from((*SERVICES, "projections")))
        caused = draw_(st.lists(st.sampled_from(sent), max_size=2)) if sent else []
        entry: dict[str, Any] = {
            "pos": pos * 3, "kind": kind, "service": service, "xid": pos, "lsn": f"0/{pos}", "title": "something: happened",
            "committed_at": f"2027-01-01T00:00:{draw_(st.integers(0, 59)):02}.000000+00:00", "cause_known": True,
            "causes": [one[0] for one in caused], "cause_pos": [one[1] for one in caused], "emits": [],
            "correlations": [BOOKING], "changes": [], "data": None,
        }  # fmt: skip
        if kind == "observation":
            struck = draw_(
                st.sampled_from(("bus", "transaction.inside", "transaction.committed", "answer", "process", ""))
            )
            entry["data"] = {
                "kind": draw_(st.sampled_from(("fault", "absorbed", "rolled back", "dead letter", "operator"))),
                "messageid": caused[0][0] if caused else draw_(st.sampled_from(("", "unheard-of"))),
                "data": {
                    "point": struck,
                    "action": draw_(st.sampled_from(("drop", "duplicate", "hold", "error", "down"))),
                },
            }
        elif service != "projections":
            for number in range(draw_(st.integers(0, 3))):
                again = sent and sent[-1][0] not in entry["emits"] and draw_(st.booleans())
                message = sent[-1][0] if again else f"message-{pos}-{number}"
                row = {
                    "id": message, "correlation_id": BOOKING, "data": {}, "version": 1,
                    "kind": draw_(st.sampled_from(("command", "reply", "event"))), "step": "TakePayment",
                    "type": draw_(st.sampled_from(("BookTickets", "TakePayment", "TakePaymentReply", "PaymentDeclined"))),
                    "action": draw_(st.sampled_from(("", "forward", "compensation"))), "destination": "booking",
                }  # fmt: skip
                entry["changes"].append(
                    {"table": f"{service}_outbox", "op": "insert", "key": "1", "old": None, "new": row}
                )
                entry["emits"].append(message)
            sent += [(message, entry["pos"]) for message in entry["emits"]]
        entries.append(entry)
    return entries


@settings(max_examples=100, deadline=None)
@given(journals())
def test_any_entries_at_all(entries: list[dict[str, Any]]) -> None:
    for narrow in (False, True):
        check(draw(entries, BOOKING, narrow=narrow), entries)


@pytest.mark.parametrize("narrow", [False, True])
def test_a_screen_reader_comes_to_each_box_before_the_arrows_that_leave_it(narrow: bool) -> None:
    booking, entries = recorded("declined")
    lanes = draw(entries, booking, narrow=narrow)
    order = lanes.reading_order.split()
    assert len(order) == len(set(order))
    assert set(order) >= {box.id for box in lanes.boxes}
    for arrow in lanes.arrows:
        if arrow.id in order:
            assert order.index(arrow.from_id) < order.index(arrow.id)
    heights = [box.y for one in order for box in lanes.boxes if box.id == one]
    assert heights == sorted(heights)

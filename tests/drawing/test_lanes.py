"""The swimlanes as a value: over bookings as they were recorded (tests/drawing/recording.py), and over any entries at all."""

import re
from dataclasses import replace
from itertools import combinations, pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.house import HOUSE
from drawing.lanes import Lane, Lanes, orchestrated
from drawing.lanes.arrangement import BROWSER, BUS, Kind
from drawing.lanes.shapes import Box
from tests.drawing.drawing import BOOKING, LANES, draw, drawn
from tests.drawing.recording import HERE, SCENES, recorded
from topology.sagas import sagas_of

NUMBER = re.compile(r"-?\d+\.\d+")
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
    check_places(lanes)


def check_places(lanes: Lanes) -> None:
    """Each lane has a place of its own, each box or its dot is in its lane, and each path ends where it leads to."""
    columns = {column.service: column for column in lanes.columns}
    assert len(columns) == len(lanes.columns)
    assert lanes.width == 374 if lanes.narrow else lanes.width >= (599.9 if lanes.folded else 639.9)
    for left, right in pairwise(lanes.columns):
        assert left.x + left.w == pytest.approx(right.x)
    for one in lanes.boxes:
        column = columns[one.service]
        assert bool(one.dot) == lanes.narrow
        if one.folded:
            assert one.middle == pytest.approx(column.middle), "a dot beside its lane"
        elif one.dot:
            assert one.x > lanes.columns[-1].x + lanes.columns[-1].w, "a text stands in the lanes"
            assert one.x + one.dot[0] == pytest.approx(column.middle)
            assert column.w > 13, "dots of neighbours touch"
            assert one.w >= 120, "no room for a text"
        else:
            assert column.x <= one.x or (lanes.folded and column.lane.kind == Kind.VIEWS)
            assert one.x + one.w <= column.x + column.w + 0.01
    for time in lanes.times if not (lanes.narrow or lanes.folded) else ():
        for one in lanes.boxes:
            aside = one.x >= lanes.times_x
            assert aside or time.y < one.y or time.y - 8 > one.y + one.h, f"{time.text} stands in {one.label}"
    by_id = {one.id: one for one in lanes.boxes}
    for arrow in lanes.arrows:
        if arrow.to_id:
            box = by_id[arrow.to_id]
            x, y = map(float, NUMBER.findall(arrow.path)[-2:])
            if box.dot:
                assert abs(x - box.x - box.dot[0]) < 7
                assert abs(y - box.y - box.dot[1]) < 7
            else:
                assert box.x - 0.1 <= x <= box.x + box.w + 0.1, f"{arrow.label} ends beside its box"
                assert box.y - 0.1 <= y <= box.y + box.h + 0.1, f"{arrow.label} ends above or under its box"


SEAT, PAYMENT, TICKET, BOOKING_LANE = (
    Lane("seats", "Seat", "S"), Lane("payments", "Payment", "P"), Lane("tickets", "Ticket", "T"), Lane("booking", "Booking", "B"),
)  # fmt: skip
PROJECTOR = Lane("projections", "Projector", "V", kind=Kind.VIEWS)
MORE = [Lane(name, name.title(), name[0].upper()) for name in ("vouchers", "letters", "points")]
ARRANGEMENTS = {
    "orchestrated": LANES,
    "choreographed": (BROWSER, BOOKING_LANE, BUS, SEAT, PAYMENT, TICKET, PROJECTOR),
    "nine, without an orchestrator": (BROWSER, BUS, BOOKING_LANE, SEAT, *MORE, TICKET, PAYMENT),
    "twelve": (*LANES[:-1], *MORE, Lane("mail", "Mail", "M"), PROJECTOR, Lane("sales", "Sales", "V", kind=Kind.VIEWS)),
    "a coordinator, and no bus": (BROWSER, Lane("booking", "Coordinator", "C"), SEAT, PAYMENT, TICKET, PROJECTOR),
    "one transaction": (Lane("booking", "Transaction", "X"),),
}


@pytest.mark.parametrize("narrow", [False, True], ids=["wide", "narrow"])
@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
@pytest.mark.parametrize("name", ["declined", "cancelled_later", "doubled_reply"])
def test_lanes_are_those_that_are_handed_in(name: str, arrangement: str, narrow: bool) -> None:
    booking, entries = recorded(name)
    lanes = draw(entries, booking, lanes=ARRANGEMENTS[arrangement], narrow=narrow)
    check(lanes, entries)
    asked_for = ARRANGEMENTS[arrangement]
    assert [column.name for column in lanes.columns] == [one.letter if narrow else one.name for one in asked_for]
    for one in lanes.boxes:
        if one.node.kind == "transaction":
            named = [lane for lane in asked_for if lane.service in {entry["service"] for entry in _of(one, entries)}]
            assert one.node.lane.name == (named or asked_for)[0].name
            assert one.label.startswith(f"{one.node.lane.name}: ")


def _of(box: Box, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [entry for entry in entries if entry["pos"] in box.node.positions]


def test_without_a_bus_a_message_has_its_name_under_the_box_that_sent_it() -> None:
    booking, entries = recorded("declined")
    lanes = draw(entries, booking, lanes=ARRANGEMENTS["a coordinator, and no bus"])
    named = [arrow for arrow in lanes.arrows if arrow.pill]
    assert {arrow.flow.kind for arrow in named} == {"command", "reply"}
    boxes = {one.id: one for one in lanes.boxes}
    for arrow in named:
        source, pill = boxes[arrow.from_id], arrow.pill
        assert pill is not None
        assert (pill.x, pill.w) == (source.x, source.w)
        assert pill.y >= source.y + source.h


def test_an_event_that_a_service_acts_on_is_named_on_the_bus() -> None:
    """As in a choreographed saga: no orchestrator asks, and what brings about the next transaction is an event."""
    row = {"id": "event-1", "correlation_id": BOOKING, "data": {}, "version": 1, "kind": "event", "step": "", "action": "",
           "type": "SeatsReserved", "destination": ""}  # fmt: skip
    plain: dict[str, Any] = {
        "kind": "transaction",
        "lsn": "0/1",
        "title": "-",
        "cause_known": True,
        "correlations": [BOOKING],
        "data": None,
    }
    plain |= {"committed_at": "2027-01-01T00:00:00.000000+00:00"}
    told = {"table": "seats_outbox", "op": "insert", "key": "1", "old": None, "new": row}
    first: dict[str, Any] = {"service": "seats", "causes": [], "cause_pos": [], "emits": ["event-1"], "changes": [told]}
    then: dict[str, Any] = {"service": "payments", "causes": ["event-1"], "cause_pos": [1], "emits": [], "changes": []}
    back: dict[str, Any] = {"service": "booking", "causes": ["event-1"], "cause_pos": [1], "emits": [], "changes": []}
    entries = [{**plain, "pos": pos, "xid": pos, **one} for pos, one in enumerate((first, then, back), 1)]
    for name in ("choreographed", "nine, without an orchestrator"):
        lanes = draw(entries, BOOKING, lanes=ARRANGEMENTS[name])
        check(lanes, entries)
        (bus,) = [column for column in lanes.columns if column.service == "bus"]
        named = [arrow for arrow in lanes.arrows if arrow.pill]
        assert [boxed.node.lane.service for arrow in named for boxed in lanes.boxes if boxed.id == arrow.to_id] == [
            "payments", "booking",
        ]  # fmt: skip
        assert all(arrow.pill and bus.x < arrow.pill.middle < bus.x + bus.w for arrow in named)


@pytest.mark.parametrize("lanes", [(), (SEAT, SEAT), (BUS, SEAT, Lane("other", "Other bus", "o", kind=Kind.BUS))])
def test_what_makes_no_arrangement_is_refused(lanes: tuple[Lane, ...]) -> None:
    with pytest.raises(ValueError, match="a drawing needs lanes"):
        draw([], BOOKING, lanes=lanes)


def test_an_orchestrated_booking_has_lanes_for_whom_its_sagas_ask_and_for_who_acted() -> None:
    followed = [replace(saga, steps=saga.steps[:2]) for saga in sagas_of(HOUSE)[:1]]
    named = [lane.service for lane in orchestrated(HOUSE, followed)]
    assert named == ["browser", "booking", "bus", "seats", "payments", "projections"]
    assert [lane.service for lane in orchestrated(HOUSE, followed, {"tickets"})] == [lane.service for lane in LANES]
    assert orchestrated(HOUSE, ()) == LANES


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
@given(journals(), st.sampled_from(sorted(ARRANGEMENTS)))
def test_any_entries_at_all_in_any_lanes(entries: list[dict[str, Any]], arrangement: str) -> None:
    for narrow in (False, True):
        check(draw(entries, BOOKING, lanes=ARRANGEMENTS[arrangement], narrow=narrow), entries)


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

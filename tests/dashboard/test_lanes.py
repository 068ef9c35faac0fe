"""The swimlanes as a value: over bookings as they were recorded (tests/dashboard/recording.py), and over any entries at all."""

import copy
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.stage.lanes import Lanes, draw
from dashboard.stage.lanes.shapes import Box
from tests.dashboard.recording import HERE, SCENES, recorded

BOOKING = "01a1fdef-2806-7036-929e-3e4f7f23fd0a"
SERVICES = ("booking", "seats", "payments", "tickets")
STORIES = sorted(SCENES.keys() & {path.name.removesuffix(".json.gz") for path in HERE.iterdir()})


def drawn(name: str, pos: int | None = None) -> Lanes:
    booking, entries = recorded(name)
    return draw(entries, booking, pos)


def box(lanes: Lanes, lane: str, title: str) -> Box:
    found = [one for one in lanes.boxes if one.service == lane and one.node.title == title]
    assert found, f"no box {title} of {lane} in {[(one.service, one.node.title) for one in lanes.boxes]}"
    return found[-1]


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


def test_a_declined_card_in_words() -> None:
    """The issue's own order: seat hold, DECLINED payment, release, CANCELLED."""
    told = [line.text for line in drawn("declined").sentences]
    held = next(n for n, text in enumerate(told) if text.startswith("Seat: ReserveSeats") and "hold HELD" in text)
    declined = next(n for n, text in enumerate(told) if text.startswith("Payment: ") and "DECLINED" in text)
    released = next(n for n, text in enumerate(told) if text.startswith("Seat: compensates: ReleaseSeats"))
    cancelled = next(n for n, text in enumerate(told) if text.startswith("Orchestrator: CANCELLED"))
    assert held < declined < released < cancelled
    assert "SeatsReserved" in told[held]


def test_a_compensation_has_its_hue_and_a_refusal_its_own() -> None:
    lanes = drawn("printer_refused")
    back = [arrow for arrow in lanes.arrows if arrow.flow.compensation]
    assert {arrow.flow.label for arrow in back} == {
        "RefundPayment",
        "RefundPaymentReply",
        "ReleaseSeats",
        "ReleaseSeatsReply",
    }
    assert {arrow.hue for arrow in back} == {"back"}
    assert [arrow.flow.label for arrow in lanes.arrows if arrow.flow.refused] == ["IssueTicketsReply"]
    assert box(lanes, "payments", "RefundPayment").node.tone == "compensation"


def test_cancelling_what_was_confirmed_goes_back_in_its_hue() -> None:
    lanes = drawn("cancelled_later")
    back = [one for one in lanes.boxes if one.node.tone == "compensation"]
    assert [(one.service, one.node.title) for one in back] == [
        ("tickets", "VoidTickets"),
        ("payments", "RefundPayment"),
        ("seats", "ReleaseSeats"),
    ]
    assert back[0].y > box(lanes, "booking", "CONFIRMED").y
    hued = [arrow.flow.label.removesuffix("Reply") for arrow in lanes.arrows if arrow.hue == "back"]
    assert hued == [command for one in back for command in (one.node.title, one.node.title)]
    asked = [one for one in lanes.boxes if one.node.kind == "request"]
    assert [[line.text for line in one.lines] for one in asked] == [["Book"], ["Cancel"]]


def test_a_lost_reply_ends_on_the_bus_and_the_second_attempt_says_so() -> None:
    lanes = drawn("lost_acknowledgement")
    dropped = [arrow for arrow in lanes.arrows if arrow.flow.state == "dropped"]
    assert [arrow.flow.label for arrow in dropped] == ["TakePaymentReply"]
    again = next(arrow for arrow in lanes.arrows if arrow.flow.attempt == 2)
    assert again.pill is not None
    assert again.pill.text == "TakePayment #2"
    assert any("s · no answer in time" in band.text for band in lanes.bands)
    assert "absorbed" in [mark.kind for mark in box(lanes, "payments", "TakePayment").node.marks]


@pytest.mark.parametrize(("name", "kind"), [("rolled_back", "rolled back"), ("crashed_worker", "crashed")])
def test_an_attempt_that_left_no_transaction(name: str, kind: str) -> None:
    lanes = drawn(name)
    attempt = next(one for one in lanes.boxes if one.node.kind == "attempt")
    assert attempt.node.xid is None
    assert kind in [mark.kind for mark in attempt.node.marks]
    done = box(lanes, "payments", "TakePayment")
    assert done.node.kind == "transaction"
    assert done.y > attempt.y


def test_a_first_answer_that_refuses_says_so_and_not_that_it_answers_again() -> None:
    lanes = drawn("seat_taken")
    refused = box(lanes, "seats", "ReserveSeats").node
    assert (refused.lines, refused.tone) == (["refused: seat_taken"], "bad")
    assert not any("again" in line.text for line in lanes.sentences)


def test_a_compensation_that_is_refused_waits_and_is_tried_again() -> None:
    """Its answers arrive, nobody says that they did not, and what was refused has undone nothing."""
    lanes = drawn("refund_refused")
    replies = [arrow.flow for arrow in lanes.arrows if arrow.flow.label == "RefundPaymentReply"]
    assert [flow.state for flow in replies] == ["delivered"] * 3
    assert [flow.target.title for flow in replies if flow.target] == ["Refused", "Refused", "Next step"]
    assert [box.node.tone for box in lanes.boxes if box.node.title == "RefundPayment"] == ["bad", "bad", "compensation"]
    waits = box(lanes, "booking", "Refused").node.lines
    assert waits[0] == "card_declined"
    assert waits[1] == "waits 1.1 s, tries again"
    assert [band.text.partition(" · ")[2] for band in lanes.bands] == ["waits after the refusal"]
    assert not any("no answer" in line.text or "answers again" in line.text for line in lanes.sentences)


def test_a_crash_after_the_commit_stands_on_the_transaction_that_crashed() -> None:
    """Not on the redelivery, which did not; and what the orchestrator then absorbed wrote nothing, so it stands for itself."""
    lanes = drawn("crashed_after_commit")
    first, again = [one for one in lanes.boxes if one.node.title == "TakePayment"]
    assert [[mark.text for mark in one.node.marks] for one in (first, again)] == [["crashed"], ["duplicate absorbed"]]
    assert first.y < again.y
    assert again.node.lines == ["answers again"]
    assert box(lanes, "booking", "ISSUING").node.marks == []
    assert box(lanes, "booking", "Absorbed").y > again.y


def test_the_crash_is_drawn_as_soon_as_it_is_known() -> None:
    booking, entries = recorded("crashed_after_commit")
    crash = next(entry["pos"] for entry in entries if entry["title"].startswith("crash"))
    lanes = draw([entry for entry in entries if entry["pos"] <= crash], booking)
    assert [mark.text for mark in box(lanes, "payments", "TakePayment").node.marks] == ["crashed"]


def test_a_projector_that_is_held_holds_its_view_and_not_the_saga() -> None:
    booking, entries = recorded("view_stood_still")
    paused = next(n for n, entry in enumerate(entries) if entry["title"].startswith("pause"))
    entries[paused]["data"]["data"]["process"] = "projector-seat-map"
    resumed = next(n for n, entry in enumerate(entries) if "projector.before" in entry["title"] and n > paused)
    so_far = [entry for entry in entries[:resumed] if entry["pos"] < entries[resumed]["pos"]]
    lanes = draw(so_far, booking)
    assert (lanes.standing, lanes.still) == (False, "seat_map")
    assert (drawn("view_stood_still").standing, drawn("view_stood_still").still) == (False, "")


def test_a_fault_that_holds_stands_before_what_it_held() -> None:
    lanes = drawn("held")
    held = next(one for one in lanes.boxes if one.node.kind == "held")
    done = box(lanes, "payments", "TakePayment")
    assert held.y < done.y
    assert any(arrow.from_id == held.id and arrow.to_id == done.id for arrow in lanes.arrows)
    assert any(band.text.startswith("2.5 s") for band in lanes.bands)
    assert not lanes.standing
    booking, entries = recorded("held")
    so_far = [entry for entry in entries if entry["pos"] <= held.node.positions[0]]
    assert draw(so_far, booking).standing


def test_a_request_that_was_lost_is_sent_again_by_the_watchdog_not_by_the_person() -> None:
    booking, entries = recorded("confirmed")
    again = copy.deepcopy(entries[0])
    again["changes"] = [c for c in again["changes"] if c["new"].get("type") == "BookTickets"]
    again["changes"][0]["new"]["id"] = "sent-again"
    again["committed_at"] = entries[1]["committed_at"]
    entries = [{**entry, "pos": entry["pos"] * 2} for entry in entries]
    again["pos"] = entries[0]["pos"] + 1
    lanes = draw([*entries, again], booking)
    assert [one.service for one in lanes.boxes if one.node.kind == "request"] == ["browser"]
    assert box(lanes, "booking", "Watchdog").node.lines == ["sent again"]


def test_a_doubled_message_arrives_twice_and_acts_once() -> None:
    lanes = drawn("duplicate")
    sent = [arrow for arrow in lanes.arrows if arrow.flow.label == "TakePayment"]
    assert [arrow.flow.state for arrow in sent] == ["delivered", "doubled"]
    assert [mark.text for mark in box(lanes, "payments", "TakePayment").node.marks] == ["duplicate absorbed"]


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

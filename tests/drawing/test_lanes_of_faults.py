"""How the lanes draw what goes wrong: refusals, compensations, losses, crashes, holds and doubles."""

import copy

import pytest

from tests.drawing.drawing import box, draw, drawn
from tests.drawing.recording import recorded


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
    for known in (entries[: paused + 1], so_far):  # at once, and when others have gone on
        lanes = draw(known, booking)
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

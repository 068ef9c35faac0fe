"""The strips of steps on a booking's panel: one for each saga it has been in."""

from typing import Any

from drawing.steps import sagas
from journal.reading.stories import fold
from tests.drawing.recording import recorded


def saga(pk: str, definition: str, **tracks: str) -> dict[str, Any]:
    steps = {step: {"forward": {"known": known, "attempts": [{}]}} for step, known in tracks.items()}
    return {"id": pk, "definition": definition, "state": "RUNNING", "steps": steps}


def strips(*rows: dict[str, Any]) -> list[tuple[str, list[str]]]:
    tables = {"booking": {"booking_saga": {one["id"]: one for one in rows}}}
    return [(one["name"], [step["state"] for step in one["steps"]]) for one in sagas(tables)]


def test_before_it_starts_all_is_to_do() -> None:
    assert strips() == [("BookTickets", ["pending"] * 4)]


def test_both_sagas_one_after_the_other() -> None:
    booked = saga("1", "BookTickets", ReserveSeats="succeeded", TakePayment="succeeded")
    cancelled = saga("2", "CancelBooking", VoidTickets="succeeded", RefundPayment="sent")
    assert strips(cancelled, booked) == [
        ("BookTickets", ["succeeded", "succeeded", "pending", "pending"]),
        ("CancelBooking", ["succeeded", "sent", "pending"]),
    ]


def at_the_last(name: str, state: str) -> dict[str, Any]:
    """The strip of a recorded booking when its saga was last in this state."""
    booking, entries = recorded(name)
    strips = [sagas(fold(booking, entries, entry["pos"]).tables)[-1] for entry in entries]
    return [strip for strip in strips if strip["status"] == state][-1]


def texts(strip: dict[str, Any]) -> list[str]:
    return [step["text"] for step in strip["steps"]]


def test_stuck_on_its_way_back_there_is_something_to_undo_and_nothing_to_do() -> None:
    strip = at_the_last("skipped_by_hand", "STUCK")
    assert strip["rest"] == "to undo: RefundPayment, ReleaseSeats"
    assert strip["done"] == 2  # neither of the two has been undone
    assert texts(strip) == ["done", "stuck, attempt 8 of 8: waits for a person", "refused", "not reached"]


def test_on_its_way_back_a_refusal_is_no_missing_answer() -> None:
    strip = at_the_last("refund_refused", "COMPENSATING")
    assert texts(strip)[3] == "not reached"
    booking, entries = recorded("refund_refused")
    strips = [sagas(fold(booking, entries, entry["pos"]).tables)[-1] for entry in entries]
    waiting = next(one for one in strips if "refused" in one["steps"][1]["text"])
    assert texts(waiting)[1] == "being undone by RefundPayment, refused: card_declined"
    assert waiting["steps"][1]["until"] == "next try"


def test_while_a_fence_asks_the_direction_is_open() -> None:
    strip = at_the_last("fenced", "FENCING")
    assert strip["rest"] == "to find out: how IssueTickets ended"
    assert texts(strip)[2:] == ["no answer: a fence asks how it ended", "depends on IssueTickets"]

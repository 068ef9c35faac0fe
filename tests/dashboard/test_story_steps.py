"""The strips of steps on a booking's panel: one for each saga it has been in."""

from typing import Any

from dashboard.stage.steps import sagas


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

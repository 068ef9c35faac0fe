"""The strip of a saga's steps: what each is, how it stands, what is done and what remains. From the saga's row alone; pure."""

from collections.abc import Iterable
from typing import Any

from dashboard.stage.present import clock
from journal.stories import Tables

STEPS = {
    "BookTickets": [
        ("Reserve", "Seats", "seats", "compensatable"),
        ("Take", "Payment", "payments", "compensatable"),
        ("Issue", "Tickets", "tickets", "pivot"),
        ("Confirm", "Seats", "seats", "retriable"),
    ],
    "CancelBooking": [
        ("Void", "Tickets", "tickets", "pivot"),
        ("Refund", "Payment", "payments", "retriable"),
        ("Release", "Seats", "seats", "retriable"),
    ],
}
"""Each saga's steps as the page draws them: forward command, whose, and the class of the step."""
UNDONE_BY = {"ReserveSeats": "ReleaseSeats", "TakePayment": "RefundPayment"}
MEANING = {
    "compensatable": "can be undone by a compensation",
    "pivot": "once it is done there is no way back",
    "retriable": "cannot be refused, tried until it is done",
}
TEXT = {
    "pending": "to do",
    "sent": "no answer yet",
    "succeeded": "done",
    "refused": "refused",
    "skipped": "skipped",
}
ENDED = ("COMPLETED", "COMPENSATED")


def sagas(tables: Tables) -> list[dict[str, Any]]:
    """The booking's sagas, one after the other: {name, status, steps, done, total, rest}; see `_step` for a step.

    Before the first has started, its steps are all to do.
    """
    rows = sorted(tables.get("booking", {}).get("booking_saga", {}).values(), key=lambda row: row["id"])
    return [_saga(row) for row in rows] or [_saga({"definition": "BookTickets", "state": "", "steps": {}})]


def _saga(row: dict[str, Any]) -> dict[str, Any]:
    tracks = row["steps"]
    steps = [
        {
            "verb": verb,
            "noun": noun,
            "service": service,
            "kind": kind,
            "meaning": MEANING[kind],
            **_step(verb + noun, tracks.get(verb + noun, {}), row),
        }
        for verb, noun, service, kind in STEPS[row["definition"]]
    ]
    return {
        "name": row["definition"],
        "status": row["state"],
        "steps": steps,
        "done": sum(step["state"] == "succeeded" for step in steps),
        "total": len(steps),
        "rest": _rest(steps, row["state"]),
    }


def _rest(steps: Iterable[dict[str, str]], status: str) -> str:
    """What remains to be done, in a few words; "" once the saga has ended."""
    if status in ENDED:
        return ""
    if status == "COMPENSATING":
        left = [
            UNDONE_BY.get(name(step), name(step))
            for step in steps
            if step["state"] in ("succeeded", "undoing", "stuck")
        ]
        return f"to undo: {', '.join(reversed(left))}" if left else ""
    return "to do: " + ", ".join(name(step) for step in steps if step["state"] in ("pending", "sent", "stuck"))


def name(step: dict[str, str]) -> str:
    return step["verb"] + step["noun"]


def _step(command: str, track: dict[str, Any], row: dict[str, Any]) -> dict[str, str]:
    """{state, text, due}: state is pending, sent, succeeded, refused, skipped, undoing, compensated or stuck.

    `due` is when the command is sent again unless an answer comes, HH:MM:SS UTC; "" when nothing is waited for.
    """
    forward, undo = track.get("forward", {}), track.get("compensation", {})
    due = clock(row["due_at"])[:8] if row.get("due_at") and row.get("step") == command else ""
    if row["state"] == "STUCK" and row.get("step") == command:
        return {"state": "stuck", "text": f"stuck{_attempts(undo or forward)}: waits for a person", "due": ""}
    if undo.get("known") == "succeeded":
        return {"state": "compensated", "text": f"undone by {UNDONE_BY.get(command, 'its compensation')}", "due": ""}
    if undo.get("known") == "skipped":
        return {"state": "skipped", "text": "undoing skipped by a person", "due": ""}
    if undo:
        return {"state": "undoing", "text": f"being undone{_attempts(undo)}", "due": due}
    known = forward.get("known", "pending")
    text = "not reached" if known == "pending" and row["state"] in ENDED else TEXT[known]
    return {
        "state": known,
        "text": text + _attempts(forward),
        "due": due if known == "sent" else "",
    }


def _attempts(track: dict[str, Any]) -> str:
    sent = len(track.get("attempts", ()))
    limit = track.get("limit") or ""
    return f", attempt {sent}{f' of {limit}' if limit else ''}" if sent > 1 else ""

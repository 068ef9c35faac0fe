"""The strip of a saga's steps: their class and state, and what is done and what remains. From the saga's row alone; pure."""

import re
from collections.abc import Iterable
from typing import Any

from drawing.present import SAGAS, clock
from journal.entry import Tables
from messaging.saga_row import legible
from topology.chosen import HOUSE
from topology.sagas import ENDED, SagaStep, sagas_of

WORDS = re.compile(r"[A-Z][a-z]*")


def _drawn(step: SagaStep) -> tuple[str, str, str, str]:
    verb, *noun = WORDS.findall(step.name)
    return verb, "".join(noun), step.service, step.kind


KNOWN_SAGAS = sagas_of(HOUSE)
STEPS = {saga.name: [_drawn(step) for step in saga.steps] for saga in reversed(KNOWN_SAGAS)}  # the newest version
"""Each saga's steps as the page draws them: forward command, whose, and the class of the step."""
UNDONE_BY = {step.name: step.compensation for saga in KNOWN_SAGAS for step in saga.steps if step.compensation}
FIRST = KNOWN_SAGAS[0].name
MEANING = {
    "compensatable": "can be undone by a compensation",
    "pivot": "once it is done there is no way back",
    "retriable": "cannot be refused, tried until it is done",
}
UNKNOWN = "a step of another version of this saga"
TEXT = {
    "pending": "to do",
    "sent": "no answer yet",
    "succeeded": "done",
    "refused": "refused",
    "skipped": "skipped by a person",
}
OVER = ("succeeded", "skipped")
NO_ANSWER = "no_answer"  # the error of an attempt that was given up


def sagas(tables: Tables) -> list[dict[str, Any]]:
    """The booking's sagas, one after the other: {name, status, steps, done, total, rest}; see `_step` for a step.

    Before the first has started, all its steps are to do.
    """
    kept = tables.get(HOUSE.orchestrator.name, {}).get(SAGAS, {}).values()
    rows = sorted(map(legible, kept), key=lambda row: row["id"])
    return [_saga(row) for row in rows] or [_saga({"definition": FIRST, "state": "", "steps": {}})]


def _saga(row: dict[str, Any]) -> dict[str, Any]:
    known = STEPS.get(row["definition"], [])
    names = [verb + noun for verb, noun, _, _ in known]
    steps = [
        {
            "verb": verb,
            "noun": noun,
            "service": service,
            "kind": kind,
            "meaning": MEANING[kind],
            **_step(verb + noun, row),
        }
        for verb, noun, service, kind in known
    ]
    steps += [
        {"verb": one, "noun": "", "service": "", "kind": "unknown", "meaning": UNKNOWN, **_step(one, row)}
        for one in row["steps"]
        if one not in names
    ]
    return {
        "name": row["definition"],
        "status": row["state"],
        "steps": steps,
        "done": sum(_stands_done(row, name(step)) for step in steps),
        "total": len(steps),
        "rest": _rest(steps, row),
    }


def going_back(row: dict[str, Any]) -> bool:
    """Whether the saga is undoing, or has undone, its steps. A stuck saga has the direction in which it got stuck."""
    if row["state"] == "STUCK":
        return bool(row.get("action") == "compensation")
    return row["state"] in ("COMPENSATING", "COMPENSATED")


def asking(row: dict[str, Any]) -> bool:
    """Whether its direction is unknown: the pivot was not answered, and a fence finds out how it ended."""
    return row["state"] not in ENDED and row.get("action") == "fence"


def _rest(steps: Iterable[dict[str, str]], row: dict[str, Any]) -> str:
    """The remaining steps, in a few words; "" once the saga has ended."""
    if row["state"] in ENDED:
        return ""
    if going_back(row):
        left = [UNDONE_BY[command] for command in map(name, steps) if command in UNDONE_BY and _may_undo(row, command)]
        return f"to undo: {', '.join(reversed(left))}" if left else ""
    if asking(row):
        return f"to find out: how {row['step']} ended"
    left = [command for command in map(name, steps) if _track(row, command, "forward").get("known") not in OVER]
    return f"to do: {', '.join(left)}" if left else ""


def _may_undo(row: dict[str, Any], command: str) -> bool:
    """Whether a step may have to be undone: a sent one may have happened; a refused one has had no effect."""
    happened = _track(row, command, "forward").get("known") in ("sent", "succeeded")
    return happened and _track(row, command, "compensation").get("known") not in OVER


def _stands_done(row: dict[str, Any], command: str) -> bool:
    undone = _track(row, command, "compensation").get("known") in OVER
    return _track(row, command, "forward").get("known") == "succeeded" and not undone


def _track(row: dict[str, Any], command: str, action: str) -> dict[str, Any]:
    """The row's data about an action of a step; {} for none, or if only another version can read it."""
    found: dict[str, Any] = row["steps"].get(command, {}).get(action, {})
    return found


def name(step: dict[str, str]) -> str:
    return step["verb"] + step["noun"]


def _step(command: str, row: dict[str, Any]) -> dict[str, str]:
    """{state, text, due, until}: state is pending, sent, succeeded, refused, skipped, undoing, compensated or stuck.

    `due`: HH:MM:SS UTC; "" if it waits for nothing; with it `due_at`, ISO 8601.
    `until`: what is due then, "next try" or "answer due".
    """
    if _track(row, command, "end"):
        return {"state": "skipped", "text": "ended by a person", "due": "", "until": ""}
    forward, fence, undo = (_track(row, command, action) for action in ("forward", "fence", "compensation"))
    here = row.get("step") == command
    now = {"forward": forward, "fence": fence, "compensation": undo}.get(row.get("action", ""), {}) if here else {}
    due = clock(row["due_at"])[:8] if row.get("due_at") and here and row["state"] not in (*ENDED, "STUCK") else ""
    timer = {"due": due, "due_at": row["due_at"] if due else "", "until": "next try" if _refusal(now) else "answer due"}
    undone_by = UNDONE_BY.get(command, "its compensation")
    if row["state"] == "STUCK" and here:
        return {"state": "stuck", "text": f"stuck{_attempts(now)}: waits for a person", "due": "", "until": ""}
    if undo.get("known") == "succeeded":
        return {"state": "compensated", "text": f"undone by {undone_by}", "due": "", "until": ""}
    if undo.get("known") == "skipped":
        return {"state": "skipped", "text": f"{undone_by} skipped by a person", "due": "", "until": ""}
    if undo:
        refused = f", refused: {_refusal(undo)}" if _refusal(undo) else ""
        return {"state": "undoing", "text": f"being undone by {undone_by}{refused}{_attempts(undo)}", **timer}
    known = forward.get("known", "pending")
    if fence.get("known") == "sent":
        return {"state": known, "text": f"no answer: a fence asks how it ended{_attempts(fence)}", **timer}
    text = TEXT.get(known, known)
    if known == "pending" and (row["state"] in ENDED or going_back(row)):
        text = "not reached"
    elif known == "pending" and asking(row):
        text = f"depends on {row['step']}"
    elif known == "sent" and _refusal(forward):
        text = f"refused: {_refusal(forward)}"  # for a step that must succeed: it is tried again
    elif known == "sent" and not (here and row.get("action") == "forward"):
        text = "no answer came"
    return {
        "state": known,
        "text": text + _attempts(forward),
        **(timer if known == "sent" and here else {"due": "", "until": ""}),
    }


def _refusal(track: dict[str, Any]) -> str:
    """Why the last attempt was refused; "" if it was not, or has not been answered."""
    error = str((track.get("attempts") or [{}])[-1].get("error", ""))
    return error if track.get("known") == "sent" and error != NO_ANSWER else ""


def _attempts(track: dict[str, Any]) -> str:
    sent = len(track.get("attempts", ()))
    limit = track.get("limit") or ""
    return f", attempt {sent}{f' of {limit}' if limit else ''}" if sent > 1 else ""

"""A report of a saga for a person: its steps with their class, every attempt, the done and the remaining commands. From
its row alone; pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from messaging.envelope import COMPENSATION, FENCE, FORWARD
from messaging.saga_row import legible
from topology.sagas import ENDED, Saga, SagaStep

ACTIONS = (FORWARD, FENCE, COMPENSATION)
OVER = ("succeeded", "skipped")
STATES = ("RUNNING", "FENCING", "COMPENSATING", "STUCK", *ENDED)
KNOWN = ("sent", "succeeded", "refused", "skipped")
NEEDED = ("id", "definition", "state", "step", "action", "reason", "context", "steps")
SHOWN = (
    "id", "definition", "definition_version", "state", "step", "action", "attempt", "reason", "awaiting", "due_at",
)  # fmt: skip
Row = Mapping[str, Any]
"""A saga's row as `messaging.saga_row.legible` reads it."""


def of_row(row: Mapping[str, Any], known: Iterable[Saga]) -> dict[str, Any]:
    """A row that was found in a log, whichever version wrote it: columns (SHOWN), `unknown` and what `report` says of it.

    `unknown`: why no known saga can have such a row; normally "". Only its orchestrator decides whether it can
    carry on with it.
    """
    shown = legible(row)
    followed = (shown["definition"], shown["definition_version"])
    saga = next((one for one in known if (one.name, one.version) == followed), None)
    unknown = f"no definition {' '.join(map(str, followed))} is known here" if saga is None else _strange(row, saga)
    return {
        **{name: shown[name] for name in SHOWN},
        "unknown": unknown,
        **report(shown, None if unknown else saga),
    }


def _strange(row: Mapping[str, Any], saga: Saga) -> str:
    """What in a row is not as this saga's rows are; "" if nothing is."""
    shown = legible(row)
    odd = [name for name in NEEDED if name not in row or row[name] != shown[name]]
    if odd:
        return f"the saga's row has no {', '.join(odd)} that can be read here"
    steps = {step.name: step for step in saga.steps}
    strange = sorted({*shown["steps"], shown["step"]} - set(steps))
    if strange:
        return f"{saga.name} {saga.version} has no step {', '.join(strange)}"
    if not _command(steps[shown["step"]], shown["action"]):
        return f"{saga.name} {saga.version} has no {shown['action']} of {shown['step']}"
    states = {track["known"] for actions in shown["steps"].values() for track in actions.values()} - set(KNOWN)
    if states or shown["state"] not in STATES:
        return f"nobody here knows the state {', '.join(sorted(states)) or shown['state']}"
    return ""


def report(row: Row, saga: Saga | None) -> dict[str, Any]:
    """{"steps", "done", "remaining"}. `saga`: what it follows; None if that is not known: its steps are as the row has them.

    `done` are the commands that have been carried out, in the order of the steps, compensations last; `remaining` those still
    to come if nothing else goes wrong: forward, or back. Each step: {"name", "kind", "service", "compensation", "state",
    "actions"}, and each of its actions: {"action", "command", "state", "attempts": [{"number", "sent_at", "error"}], "limit",
    "note", "due_at"}; `due_at` is when the next attempt or decision is due, if the saga waits for this very action.
    """
    if saga is None:
        return {"steps": _as_stored(row["steps"]), "done": [], "remaining": []}
    return {
        "steps": [_step(row, step) for step in saga.steps],
        "done": _done(row, saga),
        "remaining": _remaining(row, saga),
    }


def _known(row: Row, step: SagaStep, action: str) -> str:
    """pending, sent, succeeded, refused or skipped."""
    return str(row["steps"].get(step.name, {}).get(action, {}).get("known", "pending"))


def _step(row: Row, step: SagaStep) -> dict[str, Any]:
    tracks = row["steps"].get(step.name, {})
    undone = _known(row, step, COMPENSATION)
    undoing = "compensated" if undone in OVER else "compensating" if undone == "sent" else ""
    return {
        "name": step.name,
        "kind": step.kind,
        "service": step.service,
        "compensation": step.compensation or None,
        "state": undoing or _known(row, step, FORWARD),
        "actions": [
            _action(action, _command(step, action), tracks[action], _due(row, step.name, action, tracks[action]))
            for action in ACTIONS
            if tracks.get(action, {}).get("known", "pending") != "pending"
        ],
    }


def _command(step: SagaStep, action: str) -> str:
    """The command of this action, "" if the step has none."""
    return {FORWARD: step.name, FENCE: step.fence, COMPENSATION: step.compensation}.get(action, "")


def _due(row: Row, step: str, action: str, track: Row) -> str | None:
    awaited = (row["step"], row["action"], track["known"]) == (step, action, "sent")
    return row["due_at"] if awaited else None


def _action(action: str, command: str, track: Row, due_at: str | None) -> dict[str, Any]:
    return {
        "action": action,
        "command": command,
        "state": track["known"],
        "attempts": [{"number": number, **one} for number, one in enumerate(track["attempts"], 1)],
        "limit": track["limit"],
        "note": track["note"],
        "due_at": due_at,
    }


def _as_stored(tracks: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The steps of a row that no definition fits, as far as they can be read."""
    found = []
    for name, actions in tracks.items():
        shown = [
            _action(action, name if action == FORWARD else f"{name}, {action}", track, None)
            for action, track in actions.items()
        ]
        known = {"kind": "unknown", "service": "", "compensation": None, "actions": shown}
        found.append({"name": name, **known, "state": shown[-1]["state"] if shown else ""})
    return found


def _done(row: Row, saga: Saga) -> list[str]:
    forward = [step.name for step in saga.steps if _known(row, step, FORWARD) in OVER]
    return forward + [step.compensation for step in reversed(saga.steps) if _known(row, step, COMPENSATION) in OVER]


def _remaining(row: Row, saga: Saga) -> list[str]:
    if row["state"] in ENDED:
        return []
    if row["action"] == COMPENSATION:
        return [step.compensation for step in reversed(saga.steps) if _to_undo(row, step)]
    return [step.name for step in saga.steps if _known(row, step, FORWARD) not in OVER]


def _to_undo(row: Row, step: SagaStep) -> bool:
    may_have_happened = _known(row, step, FORWARD) in ("sent", "succeeded")
    return bool(step.compensation) and may_have_happened and _known(row, step, COMPENSATION) not in OVER

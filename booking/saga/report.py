"""A saga told to a person: its steps with their class, every attempt, what is done and what remains."""

from collections.abc import Mapping
from typing import Any

from booking.saga.definition import Kind, SagaDefinition, Step
from booking.saga.definitions import UnknownSagaError, restored
from booking.saga.state import Known, SagaState, Status
from booking.saga.stored import legible
from messaging.inbox.barrier import COMPENSATION, FENCE, FORWARD

ACTIONS = (FORWARD, FENCE, COMPENSATION)
OVER = (Known.SUCCEEDED, Known.SKIPPED)
ADVICE = "Run the version of Sagabox that knows it and it goes on; or put the other services right and end it by hand."


def saga(row: Mapping[str, Any]) -> dict[str, Any]:
    """A saga's row told to a person, whichever version wrote it: {"id", "definition", "state", "step", "steps", "done", ...}.

    `unknown`: why this version cannot carry on with it, and what can be done; "" as a rule. Its steps are then told as the
    row has them.
    """
    shown = legible(row)
    names = (
        "id",
        "definition",
        "definition_version",
        "state",
        "step",
        "action",
        "attempt",
        "reason",
        "awaiting",
        "due_at",
    )
    told = {name: shown[name] for name in names}
    try:
        definition, state = _restored(row)
    except UnknownSagaError as error:
        ended = shown["state"] in (Status.COMPLETED, Status.COMPENSATED)
        return {
            **told, "unknown": str(error) if ended else f"{error}. {ADVICE}",
            "steps": _as_stored(shown["steps"]), "done": [], "remaining": [],
        }  # fmt: skip
    return {
        **told, "unknown": "", "steps": steps(definition, state, told["due_at"]),
        "done": done(definition, state), "remaining": remaining(definition, state),
    }  # fmt: skip


def _restored(row: Mapping[str, Any]) -> tuple[SagaDefinition, SagaState]:
    """Raises UnknownSagaError."""
    names = ("id", "step", "action", "reason", "context", "steps")
    missing = [name for name in ("definition", "state", *names) if name not in row]
    if missing:
        raise UnknownSagaError(f"the saga's row has no {', '.join(missing)}")
    fields = {name: row[name] for name in names}
    return restored(row["definition"], row.get("definition_version", 1), status=row["state"], **fields)


def _as_stored(tracks: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The steps of a row that no definition fits, as far as they can be read."""
    found = []
    for name, actions in tracks.items():
        told = [_action_as_stored(name, action, track) for action, track in actions.items()]
        known = {"kind": "unknown", "service": "", "compensation": None, "actions": told}
        found.append({"name": name, **known, "state": told[-1]["state"] if told else ""})
    return found


def _action_as_stored(step: str, action: str, track: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "action": action,
        "command": step if action == FORWARD else f"{step}, {action}",
        "state": track["known"],
        "attempts": [{"number": number, **one} for number, one in enumerate(track["attempts"], 1)],
        "limit": track["limit"],
        "note": track["note"],
        "due_at": None,
    }


def steps(definition: SagaDefinition, state: SagaState, due_at: str | None) -> list[dict[str, Any]]:
    """Each step: {"name", "kind", "service", "state", "actions": [...]}.

    An action: {"action", "command", "state", "attempts": [{"number", "sent_at", "error"}], "limit", "note", "due_at"};
    `due_at` is when the next attempt or decision is due, if the saga waits for this very action.
    """
    return [_step(definition, state, position, due_at) for position in range(len(definition.steps))]


def _step(definition: SagaDefinition, state: SagaState, position: int, due_at: str | None) -> dict[str, Any]:
    step = definition.steps[position]
    actions = []
    for action in ACTIONS:
        track = state.track(step.name, action)
        if track.known == Known.PENDING:
            continue
        awaited = position == state.position and action == state.action and track.known == Known.SENT
        actions.append(
            {
                "action": action,
                "command": step.command(action).type(),
                "state": track.known,
                "attempts": [
                    {"number": number, "sent_at": attempt.sent_at, "error": attempt.error}
                    for number, attempt in enumerate(track.attempts, 1)
                ],
                "limit": track.limit,
                "note": track.note,
                "due_at": due_at if awaited else None,
            }
        )
    return {
        "name": step.name,
        "kind": step.kind,
        "service": step.service,
        "compensation": step.compensation.type() if step.compensation else None,
        "state": _state(state, step),
        "actions": actions,
    }


def _state(state: SagaState, step: Step) -> str:
    undone = state.track(step.name, COMPENSATION).known
    if undone in OVER:
        return "compensated"
    return "compensating" if undone == Known.SENT else state.track(step.name, FORWARD).known


def done(definition: SagaDefinition, state: SagaState) -> list[str]:
    """The commands that have been carried out, in the order of the steps, compensations last."""
    forward = [step.name for step in definition.steps if state.track(step.name, FORWARD).known in OVER]
    undone = [
        step.command(COMPENSATION).type()
        for step in reversed(definition.steps)
        if state.track(step.name, COMPENSATION).known in OVER
    ]
    return forward + undone


def remaining(definition: SagaDefinition, state: SagaState) -> list[str]:
    """The commands still to come if nothing else goes wrong: forward, or back."""
    if state.status in (Status.COMPLETED, Status.COMPENSATED):
        return []
    if state.action == COMPENSATION:
        return [step.command(COMPENSATION).type() for step in reversed(definition.steps) if _to_undo(state, step)]
    return [step.name for step in definition.steps if state.track(step.name, FORWARD).known not in OVER]


def _to_undo(state: SagaState, step: Step) -> bool:
    may_have_happened = state.track(step.name, FORWARD).known in (Known.SENT, Known.SUCCEEDED)
    undone = state.track(step.name, COMPENSATION).known in OVER
    return step.kind == Kind.COMPENSATABLE and may_have_happened and not undone

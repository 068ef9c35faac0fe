"""A saga told to a person: its steps with their class, every attempt, what is done and what remains."""

from typing import Any

from booking.saga.definition import Kind, SagaDefinition, Step
from booking.saga.state import Known, SagaState, Status
from messaging.barrier import COMPENSATION, FENCE, FORWARD

ACTIONS = (FORWARD, FENCE, COMPENSATION)
OVER = (Known.SUCCEEDED, Known.SKIPPED)


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

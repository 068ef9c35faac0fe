"""A saga's state as a value: what was sent, how often, and what is known of the outcome."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from booking.saga.definition import SagaDefinition, Step
from messaging.envelope import COMPENSATION, FENCE, FORWARD


class Status(StrEnum):
    RUNNING = "RUNNING"
    FENCING = "FENCING"  # the pivot was not answered in time: asking how it ended
    COMPENSATING = "COMPENSATING"
    COMPLETED = "COMPLETED"
    COMPENSATED = "COMPENSATED"
    STUCK = "STUCK"  # a step that must succeed keeps failing: a person has to decide


ACTIVE = (Status.RUNNING, Status.FENCING, Status.COMPENSATING, Status.STUCK)
ENDED = (Status.COMPLETED, Status.COMPENSATED)
FENCED = "fenced"  # the reason a participant gives for refusing an action that a fence has forbidden
STATUS_OF = {FORWARD: Status.RUNNING, FENCE: Status.FENCING, COMPENSATION: Status.COMPENSATING}
"""What a saga is doing while it waits for the answer to an action."""


class Known(StrEnum):
    """What is known of an action. SENT means unknown: it may have happened."""

    PENDING = "pending"
    SENT = "sent"
    SUCCEEDED = "succeeded"
    REFUSED = "refused"
    SKIPPED = "skipped"  # waived by a person


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sending of a command. `sent_at`: ISO time of the database; `error`: why another one was needed, or ""."""

    sent_at: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class Track:
    """All that is known of one action of one step. The saga is STUCK once `limit` attempts are used up."""

    known: Known = Known.PENDING
    attempts: tuple[Attempt, ...] = ()
    limit: int = 0
    note: str = ""  # why a person skipped it


NOTHING = Track()
Tracks = Mapping[tuple[str, str], Track]


@dataclass(frozen=True, slots=True)
class SagaState:
    """A saga between two events. It waits for `action` of step number `position`, unless it has ended."""

    id: str
    status: Status = Status.RUNNING
    position: int = 0
    action: str = FORWARD
    reason: str = ""  # why it turned back, or got stuck
    context: Mapping[str, Any] = field(default_factory=dict)
    tracks: Tracks = field(default_factory=dict)  # (step, action) -> what is known of it

    def track(self, step: str, action: str) -> Track:
        return self.tracks.get((step, action), NOTHING)

    def fenced(self, definition: SagaDefinition) -> bool:
        """Whether it ended because its pivot was never answered and then fenced: nothing has happened, and nothing was
        refused."""
        step = definition.steps[self.position]
        attempts = self.track(step.name, FORWARD).attempts
        return self.status == Status.COMPENSATED and bool(attempts) and attempts[-1].error == FENCED

    def awaited(self, definition: SagaDefinition) -> tuple[Step, Track]:
        """The step this saga is at, and the track of the action it waits for."""
        step = definition.steps[self.position]
        return step, self.track(step.name, self.action)


def dump_tracks(tracks: Tracks) -> dict[str, dict[str, Any]]:
    """Tracks as JSON: {step: {action: {"known", "attempts": [{"sent_at", "error"}], "limit", "note"}}}."""
    steps: dict[str, dict[str, Any]] = {}
    for (step, action), track in tracks.items():
        steps.setdefault(step, {})[action] = {
            "known": track.known,
            "attempts": [{"sent_at": attempt.sent_at, "error": attempt.error} for attempt in track.attempts],
            "limit": track.limit,
            "note": track.note,
        }
    return steps


def load_tracks(steps: Mapping[str, Mapping[str, Any]]) -> Tracks:
    return {
        (step, action): Track(
            Known(track["known"]),
            tuple(Attempt(attempt["sent_at"], attempt["error"]) for attempt in track["attempts"]),
            track["limit"],
            track["note"],
        )
        for step, actions in steps.items()
        for action, track in actions.items()
    }


def restore(
    definition: SagaDefinition,
    *,
    id: str,
    status: str,
    step: str,
    action: str,
    reason: str,
    context: Mapping[str, Any],
    steps: Mapping[str, Mapping[str, Any]],
) -> SagaState:
    """The state that a saga's row holds."""
    return SagaState(id, Status(status), definition.index[step], action, reason, context, load_tracks(steps))

"""What can happen to a saga, and the actions that the engine returns. `at` is the database's time, ISO 8601."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Replied:
    """A participant answered: `status` is succeeded or refused, `result` the rest of the reply."""

    at: str
    step: str
    action: str
    status: str
    reason: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue:
    """The time of attempt number `attempt` (from 1) is over."""

    at: str
    step: str
    action: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
    """The saga should turn back if it still can: the hold expired, or the customer cancelled."""

    at: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A person decided about attempt number `attempt` (from 1) of a step's action, as they saw it."""

    at: str
    step: str
    action: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RetriedByHand(Decided):
    """A person wants a stuck saga's step tried again, with all its attempts."""

    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResentByHand(Decided):
    """A person wants the command that the saga waits for sent again now."""

    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedByHand(Decided):
    """A person wants the saga to skip a stuck step."""

    reason: str


Event = Started | Replied | Overdue | Interrupted | Decided


@dataclass(frozen=True, slots=True)
class Send:
    """Send this command to the service that runs the step."""

    service: str
    type: str
    step: str
    action: str
    data: Mapping[str, Any]
    schema: str = ""


@dataclass(frozen=True, slots=True)
class Wait:
    """Wake the saga after so many seconds, unless something happens earlier. Replaces its timer."""

    seconds: float


@dataclass(frozen=True, slots=True)
class MoveBooking:
    """The booking is in this state from now on."""

    state: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """For the saga's log: what happened to which attempt."""

    what: str
    step: str = ""
    action: str = ""
    attempt: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Absorb:
    """Nothing happens: late, a duplicate, or no longer possible. The text says which."""

    why: str


Action = Send | Wait | MoveBooking | Note | Absorb

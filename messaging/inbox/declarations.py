"""How a service declares the commands it takes: the role of each in its saga, and the handler that decides a batch of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from faults import Plan
from messaging.database import Database
from messaging.envelope import COMPENSATION, FENCE, FORWARD
from messaging.message import Body

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Request:
    """A command to decide: its parsed body, and the refusal that an armed fault demands (normally "")."""

    envelope: dict[str, Any]
    command: Any
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """A fact: `data` is the aggregate's full state, `version` its own counter."""

    type: str
    subject: str
    version: int
    data: dict[str, Any]
    schema: str = ""

    @classmethod
    def of(cls, body: Body, subject: object, version: int) -> "Event":
        return cls(body.type(), str(subject), version, body.model_dump(mode="json"), body.schema_version)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a command: succeeded, or refused with a reason; `result` goes into the reply."""

    status: str = "succeeded"
    reason: str = ""
    result: dict[str, Any] = field(default_factory=dict)
    events: tuple[Event, ...] = ()

    @classmethod
    def refused(cls, reason: str, *events: Event) -> "Outcome":
        return cls("refused", reason, {}, events)

    def reply(self) -> dict[str, Any]:
        return {"status": self.status, "reason": self.reason, **self.result}


@dataclass(frozen=True, slots=True)
class Batch:
    """Commands of one kind to decide, in arrival order, all in the transaction that `db` is in."""

    db: Database
    requests: Sequence[Request]
    plan: Plan

    @property
    def commands(self) -> list[Any]:
        return [request.command for request in self.requests]

    @property
    def refusals(self) -> list[str]:
        """For each command the reason with which a fault refuses it, normally ""."""
        return [request.refusal for request in self.requests]

    def unless_refused(
        self, run: Callable[[Database, list[Any]], Sequence[T]], outcome: Callable[[T], Outcome]
    ) -> list[Outcome]:
        """An outcome for each request: `run` gets all commands that no fault refuses, in one call; the others do nothing."""
        done = iter(run(self.db, [request.command for request in self.requests if not request.refusal]))
        return [
            Outcome.refused(request.refusal) if request.refusal else outcome(next(done)) for request in self.requests
        ]

    def bookings_unless_refused(
        self, run: Callable[[Database, list[str]], Sequence[T]], outcome: Callable[[T], Outcome]
    ) -> list[Outcome]:
        """The same for a `run` that needs no more of a command than its booking."""
        return self.unless_refused(lambda db, commands: run(db, [one.booking_id for one in commands]), outcome)


Handler = Callable[[Batch], Sequence[Outcome]]
"""Decide a batch; return an outcome for each request, in the same order."""


@dataclass(frozen=True, slots=True)
class Forward:
    """A command that acts. Its refusal is final."""

    action: ClassVar[str] = FORWARD
    keeps_refusal: ClassVar[bool] = True
    body: type[Body]
    handler: Handler


@dataclass(frozen=True, slots=True)
class Retriable(Forward):
    """A command that acts after a saga's pivot and must eventually succeed: if refused, it runs again when it is sent again."""

    keeps_refusal: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class Compensation:
    """A command that undoes what the forward command `of` did; never called for one that did nothing. It must
    eventually succeed: if refused, it runs again when it is sent again.
    """

    action: ClassVar[str] = COMPENSATION
    keeps_refusal: ClassVar[bool] = False
    body: type[Body]
    handler: Handler
    of: type[Body]


@dataclass(frozen=True, slots=True)
class Fence:
    """A command that asks how the forward command `of` ended, and makes sure it never runs if it has not yet."""

    action: ClassVar[str] = FENCE
    body: type[Body]
    of: type[Body]


Command = Forward | Compensation | Fence

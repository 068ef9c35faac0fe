"""Declares a saga: its steps in order, as data, checked when the declaring module is imported.

After Garcia-Molina's sagas and Richardson's step classes: first the steps that can be undone (compensatable), then at
most one that decides (the pivot), then those that must eventually succeed (retriable). An order that could strand a
customer's money is refused here, not discovered in production.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar

from booking.saga.policy import Policies, Policy
from messaging.envelope import COMPENSATION, FENCE, FORWARD
from messaging.message import Body


class DefinitionError(ValueError):
    """A saga declared in a way that cannot be carried out safely; the text names the step and the rule."""


class Kind(StrEnum):
    COMPENSATABLE = "compensatable"
    PIVOT = "pivot"
    RETRIABLE = "retriable"


@dataclass(frozen=True, kw_only=True)
class Step:
    """A local transaction in `service`, requested by the command `forward`.

    A command takes its fields from the saga's context by name. `keeps`: fields of the reply that go into the context.
    `during`: the booking's state while this step runs (a semantic lock that all services can see).
    """

    kind: ClassVar[Kind]
    service: str
    forward: type[Body]
    during: str
    keeps: tuple[str, ...] = ()
    compensation: type[Body] | None = None
    fence: type[Body] | None = None

    @cached_property
    def name(self) -> str:
        return self.forward.type()

    def command(self, action: str) -> type[Body]:
        """The command of this action: forward, compensation or fence."""
        command = {FORWARD: self.forward, COMPENSATION: self.compensation, FENCE: self.fence}[action]
        if command is None:
            raise LookupError(f"{self.name} has no {action}")
        return command

    def build(self, action: str, context: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Return the command of this action as (type, data), filled from the context."""
        command = self.command(action)
        body = command.parse({name: context[name] for name in command.model_fields})
        return command.type(), body.model_dump(mode="json")


class Compensatable(Step):
    """Can be undone by its compensation, so a saga may turn back after it."""

    kind = Kind.COMPENSATABLE


class Pivot(Step):
    """The point of no return: once it has succeeded the saga only moves forward. Its fence asks how it ended."""

    kind = Kind.PIVOT


class Retriable(Step):
    """Follows the point of no return, is never undone, and is repeated until it succeeds."""

    kind = Kind.RETRIABLE


@dataclass(frozen=True, kw_only=True)
class SagaDefinition:
    """A saga: its steps in order, what its context holds at the start, and the booking states it ends in.

    `version`: another one for each change of steps, commands or context that a saga already under way could not follow; the
    definition it follows stays in booking.saga.definitions. `completed_reason`: the booking's reason once it has completed.
    `interruptible`: whether an expired hold or a customer's cancellation can turn it back. Raises DefinitionError when
    declared unsafely.
    """

    name: str
    given: tuple[str, ...]
    steps: tuple[Step, ...]
    completed: str
    compensated: str
    version: int = 1
    completed_reason: str = ""
    interruptible: bool = True
    policies: Policies = field(default_factory=Policies)

    def __post_init__(self) -> None:
        _check_kinds(self.steps)
        _check_order(self.steps)
        _check_names(self)
        _check_context(self)

    @cached_property
    def index(self) -> dict[str, int]:
        return {step.name: position for position, step in enumerate(self.steps)}

    def policy(self, step: Step, action: str) -> Policy:
        policy: Policy = getattr(self.policies, step.kind if action == FORWARD else action)
        return policy


def _check_kinds(steps: tuple[Step, ...]) -> None:
    if not steps:
        raise DefinitionError("a saga needs a step")
    for step in steps:
        if step.kind == Kind.COMPENSATABLE and step.compensation is None:
            raise DefinitionError(f"{step.name} is compensatable but has no compensation")
        if step.kind != Kind.COMPENSATABLE and step.compensation is not None:
            raise DefinitionError(f"{step.name} is {step.kind}: it is never undone, so it cannot have a compensation")
        if step.kind == Kind.PIVOT and step.fence is None:
            raise DefinitionError(
                f"{step.name} is a pivot without a fence: if overdue, its outcome could not be found out"
            )
        if step.kind != Kind.PIVOT and step.fence is not None:
            raise DefinitionError(f"{step.name} is {step.kind}: only a pivot is fenced")


def _check_order(steps: tuple[Step, ...]) -> None:
    order = [Kind.COMPENSATABLE, Kind.PIVOT, Kind.RETRIABLE]
    for before, after in pairwise(steps):
        if before.kind == after.kind == Kind.PIVOT:
            raise DefinitionError(
                f"{after.name} is a second pivot after {before.name}; a saga has one point of no return"
            )
        if order.index(after.kind) < order.index(before.kind):
            raise DefinitionError(
                f"{after.name} ({after.kind}) comes after {before.name} ({before.kind}); "
                "the order is compensatable steps, then at most one pivot, then retriable steps"
            )


def _check_names(definition: SagaDefinition) -> None:
    commands = [step.forward for step in definition.steps]
    commands += [command for step in definition.steps for command in (step.compensation, step.fence) if command]
    names = [command.type() for command in commands]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DefinitionError(
            f"{definition.name} uses {', '.join(twice)} twice; their replies could not be distinguished"
        )


def _check_context(definition: SagaDefinition) -> None:
    """Every command must find its fields in the context by the time it can be sent."""
    known = set(definition.given)
    for step in definition.steps:
        for command in filter(None, (step.forward, step.compensation, step.fence)):
            missing = sorted(set(command.model_fields) - known)
            if missing:
                raise DefinitionError(f"{command.type()} needs {', '.join(missing)}, which nothing before it provides")
        known |= set(step.keeps)

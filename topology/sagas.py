"""Reads the declarations of a service's sagas: their steps in order, as data, without the engine that runs them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from topology.parts import Service, TopologyError

if TYPE_CHECKING:
    from topology.house import House


PLACED, TURNED_BACK, STUCK = "PENDING", "COMPENSATING", "STUCK"
"""The states of a booking before its first saga starts, while a saga compensates, and once a person has to decide."""
ENDED = ("COMPLETED", "COMPENSATED")
"""The states of a saga that has ended."""


@dataclass(frozen=True, kw_only=True)
class SagaStep:
    """A local transaction of `service`. `name` is its forward command; `compensation` and `fence` are commands or "".

    `kind`: compensatable, pivot or retriable. `during`: the booking's state while it runs.
    """

    name: str
    service: str
    kind: str
    compensation: str
    fence: str
    during: str


@dataclass(frozen=True, kw_only=True)
class Saga:
    """A saga's steps in order, and the states of a booking it ends in. `interruptible`: it may be turned back."""

    name: str
    version: int
    steps: tuple[SagaStep, ...]
    completed: str
    compensated: str
    interruptible: bool


def sagas(service: Service) -> tuple[Saga, ...]:
    """All versions, those that new bookings follow before earlier ones; () for a service that declares none.

    Raises TopologyError if there is no such module.
    """
    if not service.sagas:
        return ()
    try:
        return _read(service.sagas)
    except ModuleNotFoundError as error:
        if not f"{service.sagas}.".startswith(f"{error.name}."):
            raise
        raise TopologyError(f"service '{service.name}' has no sagas {service.sagas}") from error


def sagas_of(house: House) -> tuple[Saga, ...]:
    """Of all its services."""
    return tuple(one for service in house.services for one in sagas(service))


def undoing(known: Iterable[Saga]) -> tuple[str, ...]:
    """The commands that undo: compensations, and the steps of a saga that ends where another one has turned back to."""
    known = list(known)
    back = {one.compensated for one in known if one.interruptible}
    commands = [step.compensation for one in known for step in one.steps if step.compensation]
    commands += [step.name for one in known if one.completed in back for step in one.steps]
    return tuple(dict.fromkeys(commands))


def leaving(known: Iterable[Saga]) -> tuple[str, ...]:
    """The states of a booking that is on its way out, or gone: turned back, or in a saga that ends where turning back ends."""
    known = list(known)
    back = {one.compensated for one in known if one.interruptible}
    steps = [step.during for one in known if one.completed in back for step in one.steps]
    return tuple(dict.fromkeys((TURNED_BACK, *steps, *sorted(back))))


def states(known: Iterable[Saga]) -> tuple[str, ...]:
    """All states that a booking can be in, in the order in which it may come to them."""
    known = list(known)
    first, later = known[:1], known[1:]
    forward = [state for one in first for state in (*(step.during for step in one.steps), one.completed)]
    then = [state for one in later for state in (*(step.during for step in one.steps), one.completed)]
    ends = [one.compensated for one in first]
    return tuple(dict.fromkeys((PLACED, *forward, TURNED_BACK, *then, *ends, STUCK)))


@cache
def _read(name: str) -> tuple[Saga, ...]:
    """From `definitions()` of the module; see booking/saga/definition.py for what it returns."""
    return tuple(
        Saga(
            name=one.name,
            version=one.version,
            steps=tuple(map(_step, one.steps)),
            completed=one.completed,
            compensated=one.compensated,
            interruptible=one.interruptible,
        )
        for one in import_module(name).definitions()
    )


def _step(step: Any) -> SagaStep:
    def named(command: Any) -> str:
        return command.type() if command else ""

    return SagaStep(
        name=step.name,
        service=step.service,
        kind=str(step.kind),
        compensation=named(step.compensation),
        fence=named(step.fence),
        during=step.during,
    )

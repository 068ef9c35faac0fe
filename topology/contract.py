"""Reads a service's contract: the messages that cross its boundary, by kind, in the order of their declaration."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from inspect import isclass
from typing import Any

from topology.parts import Service, TopologyError


@dataclass(frozen=True, kw_only=True)
class Contract:
    """Names of messages. `commands` act, `fences` ask how a command ended, `reports` go to the orchestrator unasked."""

    commands: tuple[str, ...]
    fences: tuple[str, ...]
    reports: tuple[str, ...]
    events: tuple[str, ...]
    asked: dict[str, str]
    """Commands that a person requests -> the label of the button."""
    refusals: dict[str, tuple[str, ...]]
    """Commands that the service may refuse -> the reasons it gives."""


def contract(service: Service) -> Contract:
    """The service's. Raises TopologyError if there is no such module."""
    try:
        return _read(service.contract)
    except ModuleNotFoundError as error:
        if not f"{service.contract}.".startswith(f"{error.name}."):
            raise
        raise TopologyError(f"service '{service.name}' has no contract {service.contract}") from error


def publisher(services: Iterable[Service], event: str) -> Service:
    """The one of these services that publishes the event. Raises TopologyError if none does."""
    for service in services:
        if event in contract(service).events:
            return service
    raise TopologyError(f"no service publishes {event}")


def request(service: Service, name: str) -> type[Any]:
    """The type of a body that the service's API takes. Raises TopologyError if it declares none of this name."""
    found: type[Any] | None = getattr(import_module(service.requests), name, None) if service.requests else None
    if found is None:
        raise TopologyError(f"service '{service.name}' takes no request {name}")
    return found


@cache
def _read(name: str) -> Contract:
    """A class is a message by its `kind` (messaging/message.py)."""
    module = import_module(name)
    found: list[Any] = [one for one in vars(module).values() if isclass(one) and one.__module__ == module.__name__]

    def of(kind: str) -> tuple[str, ...]:
        return tuple(one.__name__ for one in found if getattr(one, "kind", "") == kind)

    asked = {one.__name__: one.asked for one in found if getattr(one, "asked", "")}
    refusals = {one.__name__: tuple(map(str, one.refusals)) for one in found if getattr(one, "refusals", ())}
    return Contract(
        commands=of("command"),
        fences=of("fence"),
        reports=of("report"),
        events=of("event"),
        asked=asked,
        refusals=refusals,
    )

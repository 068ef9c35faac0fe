"""Reading what a room declares for pages that show its rows: the columns, the queries, and the code behind a transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module

from topology.parts import Service, TopologyError


@dataclass(frozen=True, slots=True)
class Work:
    """The function that runs in a local transaction, and a test that calls it. `function`: its dotted name; `test`: its
    pytest node id, without parameters."""

    function: str
    test: str


@dataclass(frozen=True, slots=True)
class Example:
    """A query to try in the service's console. `name`: in addresses."""

    name: str
    title: str
    sql: str


@dataclass(frozen=True, slots=True)
class Copied:
    """A view's copy of other services' rows: `column` of `table` holds the version of the row of this `kind` of truth.

    `by`: the column by which both rows are found, where a booking has several; "" if it has one of each.
    """

    table: str
    column: str
    kind: str
    by: str = ""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """`columns`: table -> what is worth a column on a small screen. `work`: message, or what else ran -> its function.

    `write`: a statement that the console refuses. Of a command whose function depends on the saga, the key is "<command>
    <action>".
    """

    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    examples: tuple[Example, ...] = ()
    write: str = ""
    work: Mapping[str, Work] = field(default_factory=dict)
    copies: tuple[Copied, ...] = ()


@cache
def shown(module: str) -> Shown:
    return import_module(module).SHOWN if module else Shown()


def shown_of(service: Service) -> Shown:
    """Nothing for a service that declares nothing. Raises TopologyError if there is no such module."""
    try:
        return shown(service.shown)
    except ModuleNotFoundError as error:
        if not f"{service.shown}.".startswith(f"{error.name}."):
            raise
        raise TopologyError(f"service '{service.name}' has no module {service.shown}") from error

"""The interface to start and stop programs where the control process runs.

SUPERVISION names the class, which is given the control process's environment; "" where nobody does, as in containers.
"""

from collections.abc import Callable, Mapping
from typing import Protocol, cast

from django.utils.module_loading import import_string

from topology.processes import Process


class MachineError(Exception):
    """The operation failed; the text is for the person who requested it, and `log` the path of the file with details,
    or ""."""

    def __init__(self, reason: str, log: str = "") -> None:
        super().__init__(reason)
        self.log = log


class State(Protocol):
    """Of a program: `state` as supervisord says it, `pid` 0 unless it runs; `is_wanted`: it runs, or is to run again."""

    state: str
    pid: int
    log: str

    @property
    def is_wanted(self) -> bool: ...


class Machine(Protocol):
    """Every step may be repeated, also after an interruption. All of them raise MachineError."""

    def states(self) -> Mapping[str, State]:
        """By the name of the program."""

    def start(self, program: Process) -> bool:
        """Start it; False if it runs, or is about to. A PostgreSQL gets a data directory if it has none."""

    def wait(self, *programs: Process, works: Callable[[Process], None]) -> None:
        """Until each works; `works` is called with each as soon as it does."""

    def stop(self, program: Process) -> None:
        """Stop it and wait until it is gone. Its data stay."""

    def discard(self, instance: str) -> None:
        """Remove the data of an instance that is stopped: its next start begins with the template."""

    def is_set_up(self, instance: str) -> bool:
        """Whether this version of the code has set up the instance's databases completely."""

    def set_up(self, instance: str) -> None:
        """Roles, databases, grants, migrations, publications, slots and demo data, unless it is set up."""


def machine(environment: Mapping[str, str]) -> Machine | None:
    """The one that the environment names; None where something else starts the programs."""
    name = environment.get("SUPERVISION", "")
    return cast(Machine, import_string(name)(environment)) if name else None

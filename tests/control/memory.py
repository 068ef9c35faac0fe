"""A machine of memory: what the starter would have done is noted, step by step."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Event

from control.on_demand import starter
from control.on_demand.machine import MachineError
from topology.processes import Process

MEMORY: list["Memory"] = []
"""Those that were made."""
SUPERVISION = f"{__name__}.Memory"


@dataclass
class State:
    state: str = "STOPPED"
    pid: int = 0
    log: str = "/log"

    @property
    def is_wanted(self) -> bool:
        return self.state == "RUNNING"


@dataclass
class Memory:
    """Notes each step; `broken` programs do not come up; a start waits for `go`."""

    environment: Mapping[str, str]
    steps: list[str] = field(default_factory=list)
    set_ups: set[str] = field(default_factory=set)
    broken: str = ""
    log: str = "/log"  # of what is broken
    go: Event = field(default_factory=Event)

    def __post_init__(self) -> None:
        self.programs = {one.name: State() for one in starter.HOUSE.programs}
        self.go.set()
        MEMORY.append(self)

    def states(self) -> Mapping[str, State]:
        return dict(self.programs)

    def start(self, program: Process) -> bool:
        self.go.wait(10)
        if self.programs[program.name].is_wanted:
            return False
        self.steps.append(f"start {program.name}")
        self.programs[program.name] = State("RUNNING", 1)
        return True

    def wait(self, *programs: Process, works: Callable[[Process], None]) -> None:
        for program in programs:
            if program.name == self.broken:
                raise MachineError(f"{self.broken} keeps dying", self.log)
            works(program)

    def stop(self, program: Process) -> None:
        self.steps.append(f"stop {program.name}")
        self.programs[program.name] = State()

    def discard(self, instance: str) -> None:
        self.steps.append(f"discard {instance}")
        self.set_ups.discard(instance)

    def is_set_up(self, instance: str) -> bool:
        return instance in self.set_ups

    def set_up(self, instance: str) -> None:
        self.steps.append(f"set up {instance}")
        self.set_ups.add(instance)

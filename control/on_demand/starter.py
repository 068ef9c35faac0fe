"""Starts and stops programs on demand, one operation at a time, and publishes which of them should work.

What runs is not stored here but asked of supervisord. So a control process that was killed continues where it was, and nothing on
demand outlives its sandbox. An interrupted start has to be requested again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import psycopg
from redis import Redis, RedisError

from control import slots
from control.on_demand.machine import MachineError, State, machine
from control.on_demand.operation import DOING, PAST, SHOWN, Operation, Refused, UnknownName
from messaging.process import on_demand
from topology.parts import Kind, postgres
from topology.processes import BY_NAME, HOUSE, Process
from topology.tuning import Seconds

log = logging.getLogger(__name__)
TELL_S: Seconds = 1.0  # seconds after which the set is published again: Redis may have lost its data


class Starter:
    """Thread-safe. Call `turn()` again and again. `told`: called with a sentence about what a person started or stopped."""

    def __init__(self, redis: Redis, environment: Mapping[str, str], told: Callable[[str], object]) -> None:
        self._redis, self._told = redis, told
        self._environment, self._machine = environment, machine(environment)
        self._operations: dict[str, Operation] = {}
        self._busy = ""  # the name of what is being started or stopped
        self._took: dict[str, tuple[int, float]] = {}  # program -> (pid, seconds that its start took until it worked)
        self._lock = threading.Lock()
        self._working: set[str] = set() if self._machine else _of_profiles(environment.get("COMPOSE_PROFILES", ""))
        self._known = self._machine is None  # what works; else supervisord has to be asked once
        self._tell_at = float("-inf")

    def works(self, instance: str) -> bool:
        """Whether the instance is set up and should work. One that is not on demand always is."""
        name = postgres(instance)
        return name not in on_demand.NAMES or name in self._working

    def listing(self) -> list[dict[str, Any]]:
        """Each thing on demand: {"name", "state", "step", "failure", "log", "programs": [...]}, where a program has {"name",
        "state", "pid", "log", "took_s"}.

        `state`: stopped, starting, running, stopping, partly (some of its programs run), or in compose "by compose".
        `took_s`: how long the program's last start took until it worked; null if that is not known. Raises MachineError
        while supervisord does not answer.
        """
        return self.shown(*HOUSE.startable)

    def shown(self, *names: str) -> list[dict[str, Any]]:
        """The same of these alone. Raises MachineError."""
        states = self._states()
        return [self._shown(name, states) for name in names]

    @property
    def busy(self) -> str:
        """What is being started or stopped, in words; "" if nothing is."""
        with self._lock:
            return f"{self._busy} is {DOING[self._operations[self._busy].verb]}" if self._busy else ""

    def is_working(self, name: str) -> bool:
        """Whether any of its programs should work. Asks nobody."""
        return any(program.name in self._working for program in HOUSE.startable[name])

    def start(self, name: str, who: str = "", instead_of: str = "") -> dict[str, Any]:
        """Begin to start it, unless that is under way; `instead_of` is stopped first. Raises UnknownName, Refused,
        MachineError."""

        def work(name: str, operation: Operation) -> None:
            if instead_of:
                self._stop(instead_of, operation)
            self._start(name, operation)

        return self._begin(name, "start", who, work)

    def stop(self, name: str, who: str = "") -> dict[str, Any]:
        """Begin to stop it and everything that depends on it; its data stay. Raises UnknownName, Refused, MachineError."""
        return self._begin(name, "stop", who, self._stop)

    def renew(self, name: str, who: str = "") -> dict[str, Any]:
        """Begin to stop it, discard the data of its instances and start it. Raises UnknownName, Refused, MachineError."""
        return self._begin(name, "renew", who, self._renew)

    def turn(self) -> None:
        """Publish in Redis what works. Never raises."""
        now = time.monotonic()
        if not on_demand.NAMES or now < self._tell_at:
            return
        self._tell_at = now + TELL_S
        try:
            if not self._known:
                self._look()
            on_demand.tell(self._redis, self._working)
        except (RedisError, MachineError) as error:
            log.debug("what is on demand is not told: %s", error)

    def _look(self) -> None:
        """Ask supervisord what it keeps running: an earlier control process started it."""
        assert self._machine is not None
        wanted = {name for name, status in self._machine.states().items() if status.is_wanted} & on_demand.NAMES
        half = {
            name for name in wanted
            if BY_NAME[name].kind == Kind.POSTGRES and not self._machine.is_set_up(BY_NAME[name].instance)
        }  # fmt: skip
        with self._lock:
            if not self._busy:
                self._working, self._known = wanted - half, True

    def _begin(self, name: str, verb: str, who: str, work: Callable[[str, Operation], None]) -> dict[str, Any]:
        if name not in HOUSE.startable:
            raise UnknownName(f"nothing on demand is called '{name}'; there is {', '.join(HOUSE.startable) or 'none'}")
        if self._machine is None:
            profile = name if name in HOUSE.instance_of else HOUSE.profiles(BY_NAME[name])[0]
            raise Refused(f"these containers are compose's: COMPOSE_PROFILES={profile} docker compose up -d")
        if not self._known:
            self._look()
        with self._lock:
            if self._busy and (self._busy, self._operations[self._busy].verb) != (name, verb):
                doing = DOING[self._operations[self._busy].verb]
                raise Refused(f"{self._busy} is {doing}, and one thing is at a time; try again when that has ended")
            if not self._busy:
                self._busy = name
                operation = self._operations[name] = Operation(verb, step="beginning")
                self._told(f"{who or 'somebody'} {PAST[verb]} {name}")
                threading.Thread(
                    target=self._do, args=(name, work, operation), name=f"{verb} {name}", daemon=True
                ).start()
        return self._shown(name, self._states())

    def _do(self, name: str, work: Callable[[str, Operation], None], operation: Operation) -> None:
        try:
            work(name, operation)
        except (MachineError, psycopg.Error, RedisError, OSError) as error:
            log.warning("%s %s: %s", operation.verb, name, error)
            operation.failure = f"{operation.step}: {error}"
            operation.log = str(getattr(error, "log", None) or "")
        except Exception as error:
            log.exception("%s %s", operation.verb, name)
            operation.failure = f"{operation.step}: {type(error).__name__}: {error}"
        finally:
            with self._lock:
                operation.step, self._busy = "", ""

    def _start(self, name: str, operation: Operation) -> None:
        """What the start began is stopped again when it fails."""
        assert self._machine is not None
        began: list[Process] = []
        begun: dict[str, float] = {}

        def works(program: Process) -> None:
            if program.name in begun and self._machine is not None:
                took = round(time.monotonic() - begun[program.name], 2)
                self._took[program.name] = self._machine.states()[program.name].pid, took

        try:
            for program in HOUSE.startable[name]:
                operation.step = f"starting {program.name}"
                if self._machine.start(program):
                    began.append(program)
                    begun[program.name] = time.monotonic()
                if program.kind == Kind.POSTGRES:
                    self._machine.wait(program, works=works)
                    operation.step = f"setting up {program.name}"
                    self._machine.set_up(program.instance)
                    self._change(add=program.name)
            rest = [one for one in HOUSE.startable[name] if one.kind != Kind.POSTGRES]
            operation.step = f"waiting for {', '.join(one.name for one in rest)}"
            self._machine.wait(*rest, works=works)
            for program in rest:
                self._change(add=program.name)
        except BaseException:
            for program in reversed(began):
                try:
                    self._end(program)
                except (MachineError, psycopg.Error) as error:
                    log.warning("%s could not be stopped after its start had failed: %s", program.name, error)
            raise

    def _stop(self, name: str, operation: Operation) -> None:
        for program in self._leaving(name):
            operation.step = f"stopping {program.name}"
            self._end(program)

    def _renew(self, name: str, operation: Operation) -> None:
        assert self._machine is not None
        self._stop(name, operation)
        for program in HOUSE.startable[name]:
            if program.kind == Kind.POSTGRES:
                operation.step = f"discarding the data of {program.name}"
                self._machine.discard(program.instance)
        self._start(name, operation)

    def _leaving(self, name: str) -> list[Process]:
        """What stops with this: of a service all, of an instance all that has its tables there; those that start last come first.

        An instance stays while another service's program on it runs.
        """
        assert self._machine is not None
        statuses = self._machine.states()
        chosen = {name} if name in on_demand.NAMES else {one.name for one in HOUSE.startable[name]}
        for server in [one for one in chosen if BY_NAME[one].kind == Kind.POSTGRES]:
            here = [one for one in HOUSE.programs if on_instance(one, BY_NAME[server].instance)]
            running = {one.name for one in here if statuses[one.name].is_wanted}
            if name == server:
                chosen |= running
            elif running - chosen:
                chosen.remove(server)
        return [one for one in reversed(HOUSE.programs) if one.name in chosen]

    def _end(self, program: Process) -> None:
        """First publish that it stops, so that it is not reported as missing; then let the recorder finish reading what
        has been committed."""
        assert self._machine is not None
        postgres = program.kind == Kind.POSTGRES
        if postgres and program.name in self._working:
            self._reading(slots.drain, program)
        self._change(remove=program.name)
        if postgres and self._machine.states()[program.name].state == "RUNNING":
            self._reading(slots.let_go, program)
        self._machine.stop(program)

    def _reading(self, done: Callable[[Mapping[str, str], str], None], program: Process) -> None:
        try:
            done(self._environment, program.instance)
        except psycopg.Error as error:  # it does not answer, and so nobody reads it
            log.info("%s: %s", program.name, error)

    def _change(self, add: str = "", remove: str = "") -> None:
        with self._lock:
            self._working = (self._working | {add}) - {"", remove}
        try:
            on_demand.tell(self._redis, self._working)
        except RedisError as error:  # the next turn says it
            log.debug("what is on demand is not told: %s", error)

    def _states(self) -> Mapping[str, State]:
        return self._machine.states() if self._machine else {}

    def _shown(self, name: str, statuses: Mapping[str, State]) -> dict[str, Any]:
        operation = self._operations.get(name, Operation("", ""))
        rows = [self._row(one.name, statuses[one.name]) for one in HOUSE.startable[name] if one.name in statuses]
        running = [row for row in rows if row["state"] in ("STARTING", "RUNNING", "BACKOFF")]
        if not self._machine:
            state = "by compose"
        elif operation.step:
            state = SHOWN[operation.verb]
        elif not running or (name in on_demand.NAMES and not statuses[name].pid):
            state = "stopped"
        else:
            state = "running" if len(running) == len(rows) else "partly"
        shown = {"step": operation.step, "failure": operation.failure, "log": operation.log}
        return {"name": name, "state": state, **shown, "programs": rows}

    def _row(self, name: str, status: State) -> dict[str, Any]:
        """supervisord calls a program STARTING for its first second, even if it works."""
        pid, took = self._took.get(name, (0, 0.0))
        known = bool(status.pid) and pid == status.pid
        state = "RUNNING" if known and status.state == "STARTING" else status.state
        return {
            "name": name, "state": state, "pid": status.pid, "log": status.log, "took_s": took if known else None,
        }  # fmt: skip


def on_instance(program: Process, instance: str) -> bool:
    """Whether it is a program on demand of a service with its tables on this instance."""
    return program.on_demand and HOUSE.instance_of.get(program.service) == instance


def _of_profiles(profiles: str) -> set[str]:
    """The programs on demand that compose runs for these profiles."""
    asked = {name.strip() for name in profiles.split(",")}
    chosen = HOUSE.startable.keys() if "*" in asked else asked & HOUSE.startable.keys()
    return {program.name for name in chosen for program in HOUSE.startable[name]}

"""The rigs of the lab: what may be opened, who is in one, and which closes when.

A rig is opened and closed by the starter, as a whole. At most two are open. The third takes the place of the one that has been
unused for longest, but never of one that somebody is in. A rig that nobody has been in for a while closes by itself.
"""

import logging
import re
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from control.on_demand.machine import MachineError
from control.on_demand.operation import Refused, UnknownName
from control.on_demand.starter import Starter
from topology.processes import HOUSE
from topology.tuning import Seconds

log = logging.getLogger(__name__)
AT_ONCE = 2  # rigs that may be open: one takes 65 to 80 MB a process
FADE_S: Seconds = 45.0  # after its last sign a page counts as closed; it gives one every 15 s
LOOK_S: Seconds = 5.0  # between two looks whether a rig is unused
TAIL = 12  # lines of the log of what failed
PEOPLE = 1000  # in one rig, at most: the caller gives the names
PERSON = re.compile(r"[\w-]{1,64}", re.ASCII)
STATES = {"running": "open", "stopped": "closed", "starting": "opening", "stopping": "closing"}


class Rigs:
    """Thread-safe. Call `turn()` again and again. `environment` has RIG_IDLE_S. While `measuring()` all are in use."""

    def __init__(self, starter: Starter, environment: Mapping[str, str], measuring: Callable[[], bool]) -> None:
        self._starter, self._measuring = starter, measuring
        self.idle_s = float(environment.get("RIG_IDLE_S") or 600)
        self._people: dict[str, dict[str, float]] = {rig.name: {} for rig in HOUSE.rigs}  # rig -> person -> last sign
        self._used: dict[str, float] = {}  # rig -> when it was opened, or somebody was in it
        self._lock = threading.Lock()
        self._look_at = float("-inf")

    def listing(self) -> list[dict[str, Any]]:
        """Each rig: what Starter.listing has of it, and {"people": how many are in it, "idle_s", "tail": the end of the
        log of what failed}.

        `state`: closed, opening, open, closing, partly, or "by compose". Raises MachineError.
        """
        return self._shown(*self._people)

    def seen(self, name: str, person: str) -> dict[str, Any]:
        """Somebody has the rig's page open. `person`: any name that differs from others'. Raises UnknownName,
        Refused, MachineError."""
        self._check(name)
        if not PERSON.fullmatch(person):
            raise Refused("a person's name has 1 to 64 letters, digits, - and _")
        now = time.monotonic()
        with self._lock:
            here = self._people[name]
            if person in here or len(here) < PEOPLE:
                here[person] = now
            self._used[name] = now
        return self._shown(name)[0]

    def open(self, name: str, who: str = "") -> dict[str, Any]:
        """Begin to open it; another one is closed for it where two are open. Raises UnknownName, Refused, MachineError."""
        self._check(name)
        states = {one["name"]: one["state"] for one in self.listing()}
        if states[name] == "open":
            raise Refused(f"the rig {name} is open already")
        others = [other for other, state in states.items() if other != name and state not in ("closed", "by compose")]
        gives_way = self._gives_way(others) if len(others) >= AT_ONCE else ""
        self._starter.start(name, who, instead_of=gives_way)
        with self._lock:
            self._used[name] = time.monotonic()
        return self._shown(name)[0]

    def close(self, name: str, who: str = "") -> dict[str, Any]:
        """Begin to close it, even if somebody is in it; its data stay. Raises UnknownName, Refused, MachineError."""
        self._refuse_closed(name)
        self._starter.stop(name, who)
        return self._shown(name)[0]

    def renew(self, name: str, who: str = "") -> dict[str, Any]:
        """Begin to start it over: new processes, and its instances made from the template. Raises UnknownName, Refused,
        MachineError."""
        self._refuse_closed(name)
        self._starter.renew(name, who)
        with self._lock:
            self._used[name] = time.monotonic()
        return self._shown(name)[0]

    def turn(self) -> None:
        """Close what nobody has used for a while. Costs nothing while no rig is open. Never raises."""
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + LOOK_S
        for name in self._people:
            if not self._starter.is_working(name):
                self._used.pop(name, None)
                continue
            with self._lock:  # one that an earlier control process opened is used from now on
                if self._measuring():
                    self._used[name] = now
                unused = now - self._used.setdefault(name, now)
            if unused >= self.idle_s and not self._starter.busy:
                try:
                    self._starter.stop(name, f"nobody has been in it for {self.idle_s:.0f} s, so the control process")
                except Refused:  # compose runs it, or something is being started meanwhile
                    self._used[name] = now
                except MachineError as error:
                    log.warning("%s could not be closed, and is tried again: %s", name, error)

    def _check(self, name: str) -> None:
        if name not in self._people:
            raise UnknownName(f"no rig is called '{name}'; there is {', '.join(self._people) or 'none'}")

    def _refuse_closed(self, name: str) -> None:
        self._check(name)
        if self._shown(name)[0]["state"] == "closed":
            raise Refused(f"the rig {name} is not open")

    def _gives_way(self, others: list[str]) -> str:
        """The one that has been unused for longest. Raises Refused where somebody is in each."""
        with self._lock:
            free = [name for name in others if not self._here(name)]
            found = min(free, key=lambda name: self._used.get(name, 0.0), default="")
        if not found:
            raise Refused(f"{AT_ONCE} rigs are open, and somebody is in each of them: {', '.join(others)}")
        return found

    def _here(self, name: str) -> set[str]:
        """Who is in it; forgets those that have gone."""
        gone = time.monotonic() - FADE_S
        self._people[name] = {person: at for person, at in self._people[name].items() if at > gone}
        return set(self._people[name])

    def _shown(self, *names: str) -> list[dict[str, Any]]:
        found = self._starter.shown(*names)
        with self._lock:
            people = {name: len(self._here(name)) for name in names}
        return [
            {
                **one,
                "state": STATES.get(one["state"], one["state"]),
                "people": people[one["name"]],
                "idle_s": self.idle_s,
                "tail": _tail(one["log"]) if one["failure"] else [],
            }
            for one in found
        ]


def _tail(log: str) -> list[str]:
    """The last lines of a program's log; none if it has none."""
    try:
        return Path(log).read_text(errors="replace").splitlines()[-TAIL:] if log else []
    except OSError:
        return []

"""Which safety mechanisms are off, who switched them off, and when, for the bar that everybody in this sandbox sees; and the
trial of one: what it is there for, played once."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from drawing.durations import lasting
from faults import Mechanism
from gateway.cached import Cached
from gateway.clients import ServiceDown
from gateway.faults_api import control
from serving.problems import Problem
from topology.tuning import Seconds

PACE_S: Seconds = 1.0  # how old the answer of the control process may be: every open page asks each three seconds
HERE = ("127.0.0.1", "::1")


@dataclass(frozen=True)
class Off:
    """`by` in words; `at`: ISO 8601, "" if it is not known."""

    id: str
    name: str
    by: str
    at: str

    @property
    def ago(self) -> str:
        if not self.at:
            return ""
        seconds = (datetime.now(UTC) - datetime.fromisoformat(self.at)).total_seconds()
        return lasting(max(seconds, 1.0), 0)


def _look() -> list[Off]:
    try:
        found: list[dict[str, Any]] = control("GET", "/mechanisms/off")["off"]
    except (ServiceDown, Problem):
        return SAFETIES_OFF.last()
    known = {one.value: one for one in Mechanism}
    return [
        Off(one["name"], known[one["name"]].label, _who(one["by"]), one["at"]) for one in found if one["name"] in known
    ]


@dataclass(frozen=True)
class Trial:
    """`mechanism`: the one that was tried last; "" if none was. `outcome`: as `manage.py trial` writes it, or failed; `said`: the
    step that is being played, or why it failed; `title`: of the promise that broke; `booking`: one that was used.
    """

    mechanism: str = ""
    running: bool = False
    on: bool = True
    said: str = ""
    outcome: str = ""
    title: str = ""
    booking: str = ""


def trial() -> Trial:
    """Raises ServiceDown, Problem."""
    state = control("GET", "/trial")
    found = state["result"] or {}
    if state["error"]:
        return Trial(state["mechanism"], outcome="failed", said=state["error"])
    return Trial(
        mechanism=state["mechanism"] or found.get("mechanism", ""),
        running=state["running"],
        on=found.get("on", True),
        said=found.get("said", ""),
        outcome="" if state["running"] else found.get("outcome", ""),
        title=found.get("title", ""),
        booking=next(iter(found.get("bookings", [])), ""),
    )


def _look_at_trial() -> Trial:
    try:
        return trial()
    except (ServiceDown, Problem):
        return TRIAL.last()


def try_safety(mechanism: Mechanism) -> None:
    """Start its trial. Raises Problem 409 while one runs, ServiceDown."""
    control("POST", f"/trial/{mechanism}")
    TRIAL.forget()


def _who(by: str) -> str:
    return "somebody at this machine" if by in HERE else by or "somebody"


SAFETIES_OFF = Cached[list[Off]](_look, PACE_S, [])
TRIAL = Cached[Trial](_look_at_trial, PACE_S, Trial())

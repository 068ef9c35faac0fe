"""Which service is down, for the page's banner: injected on purpose, or a real outage. The two must never look alike."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from drawing.present import SERVICE_NAMES
from gateway import readiness
from gateway.cached import Cached
from gateway.clients import ServiceDown
from gateway.faults_api import KNOWN, armed
from serving.problems import Problem
from topology.chosen import HOUSE
from topology.parts import Kind
from topology.tuning import Seconds

MAX_AGE_S: Seconds = 2.0  # how old an answer may be: many pages ask, and asking all parts takes time when one is down
PLAN_S: Seconds = 0.2
"""The same for the fault plan, which one process has in memory. Gained: while Redis is down the banner shows the plan at once,
and not after 2 to 10 s."""
AFTERMATH = timedelta(seconds=12)  # heartbeats that were lost with Redis' data, or with a database, are back after this
VIEWS = tuple(service.name for service in HOUSE.views)


MEANS = {
    "recorder": ": what happens now shows here once it is back",
    "auditor": ": the verdict is the last one it made, until it is back",
    "redis": ": messages wait, and continue once it is back",
    "worker": ": its steps wait, and continue once it is back",
    "projector": ": its view stops, and catches up once it is back",
}
"""The effect that a person notices, by the kind of part."""
KINDS = {"api": "API", "worker": "worker", "relay": "relay", "database": "database", "projector": "projector"}
SLOT_LOST = "replication slot"


@dataclass(frozen=True, kw_only=True)
class Down:
    """One line of the banner. `until`: when an injected outage ends, ISO 8601; "" if that is unknown."""

    name: str
    text: str
    injected: bool
    until: str = ""
    starting: bool = False

    @property
    def seconds_left(self) -> int:
        if not self.until:
            return 0
        return max(round((datetime.fromisoformat(self.until) - datetime.now(UTC)).total_seconds()), 0)

    @property
    def minutes_left(self) -> int:
        return round(self.seconds_left / 60)


def down() -> list[Down]:
    """What is down now. Parts that the control process has taken down are reported immediately, however long it takes
    to ask the others."""
    return explain(ARMED.get(), PARTS.at_once(), datetime.now(UTC))


def _parts() -> dict[str, str]:
    return readiness.parts(without={_whose(fault) for fault in _armed() if fault["until"]})


def explain(armed: list[dict[str, Any]], parts: dict[str, str], now: datetime) -> list[Down]:
    """Pure: the injected outages first, then the parts that are not ready for another reason."""
    outages = [fault for fault in armed if fault["until"]]
    struck = {_whose(fault) for fault in armed if _is_recent(fault, now)}
    found = [_injected(fault) for fault in outages]
    broken = {name: state for name, state in parts.items() if state != "ready" and not _is_consequence(name, struck)}
    starting = [name for name, state in broken.items() if state == readiness.STARTING]
    if starting:
        found.append(_starting(starting, parts))
    return found + _folded({name: state for name, state in broken.items() if name not in starting})


def _folded(broken: dict[str, str]) -> list[Down]:
    """One line for each owner of parts that are down: `Payment: worker, relay: no heartbeat for 10 s`."""
    owners: dict[str, list[str]] = {}
    for name in broken:
        owner = name.partition("-")[2]
        owners.setdefault(owner if owner in SERVICE_NAMES else name, []).append(name)
    return [_line(owner, names, broken) for owner, names in owners.items()]


def _line(owner: str, names: list[str], broken: dict[str, str]) -> Down:
    if len(names) == 1:
        (name,) = names
        return Down(name=_title(name), text=broken[name] + _means(name, broken[name]), injected=False)
    states = dict.fromkeys(broken[name] for name in names)
    kinds = ", ".join(KINDS.get(name.partition("-")[0], name) for name in names)
    means = next(filter(None, (_means(name, broken[name]) for name in names)), "")
    return Down(name=SERVICE_NAMES[owner], text=f"{kinds}: {'; '.join(states)}{means}", injected=False)


def _means(part: str, state: str) -> str:
    """A part that names its own problem has already said what it means."""
    return "" if SLOT_LOST in state else MEANS.get(part.partition("-")[0], "")


def _starting(starting: list[str], parts: dict[str, str]) -> Down:
    """One line for all parts that have not been up since the start."""
    up = sum(state == "ready" for state in parts.values())
    return Down(
        name="Starting", text=f"{up} of {len(parts)} parts · {_title(starting[0])} next", injected=False, starting=True
    )


def _injected(fault: dict[str, Any]) -> Down:
    if _whose(fault) == "redis":
        return Down(name="Redis", text="is down, and has lost its data", injected=True, until=fault["until"])
    name = SERVICE_NAMES[fault["service"]]
    text = "are down: their" if fault["service"] in VIEWS else "is down: its"
    return Down(name=name, text=f"{text} database refuses all clients", injected=True, until=fault["until"])


def _whose(fault: dict[str, Any]) -> str:
    """Redis belongs to no service: a fault there may have no service."""
    return fault["service"] or ("redis" if fault["point"] == "redis" else "")


def _is_recent(fault: dict[str, Any], now: datetime) -> bool:
    """Whether the fault stops processes now, or did a moment ago: then it is the reason why they do not answer."""
    stands = fault["action"] in ("down", "crash", "hold", "hang", "pause", "delay")
    if not stands or not fault["last_fired"]:
        return False
    last = datetime.fromisoformat(fault["last_fired"]) + timedelta(seconds=fault["seconds"])
    return bool(fault["until"] or fault["held"]) or now < last + AFTERMATH


def _is_consequence(part: str, struck: set[str]) -> bool:
    """Every part depends on Redis, the recorder on all databases, any other part on the instances of the databases it uses."""
    if "redis" in struck or part in struck:
        return True
    databases = {HOUSE.service(name).database for name in struck & SERVICE_NAMES.keys()}
    instances = {HOUSE.database(alias).instance for alias in databases}
    programs = {program.name: program for program in HOUSE.programs}
    if part in programs:
        if programs[part].kind == Kind.RECORDER:
            return bool(databases)
        own = HOUSE.visible(programs[part].service) if programs[part].kind != Kind.CONTROL else ()
        return any(HOUSE.database(alias).instance in instances for alias in own)
    return part.removeprefix("database-") in {one.alias for name in instances for one in HOUSE.databases_on(name)}


def _title(part: str) -> str:
    kind, _, owner = part.partition("-")
    return f"{SERVICE_NAMES.get(owner, owner)}'s {KINDS[kind]}" if owner and kind in KINDS else part.capitalize()


def _armed() -> list[dict[str, Any]]:
    try:
        return armed()
    except (ServiceDown, Problem):
        return KNOWN.while_away()


ARMED = Cached[list[dict[str, Any]]](_armed, PLAN_S, [])
PARTS = Cached[dict[str, str]](_parts, MAX_AGE_S, {})

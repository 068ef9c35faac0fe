"""The whole campaign: every API, the socket; then the check for rows that no answer accepted, and for dead processes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from audit.reader import fetch
from faults import Mechanism
from proofs.hostile import requests, socket
from proofs.hostile.requests import Outcome
from proofs.house import House
from topology.chosen import HOUSE

SERVICES = tuple(service.name for service in HOUSE.services)


@dataclass(kw_only=True)
class Campaign:
    """The result. `failures` is empty if all is well."""

    outcome: Outcome = field(default_factory=Outcome)
    failures: list[str] = field(default_factory=list)


def run(
    house: House,
    apis: Mapping[str, str],
    cases: int,
    number: int,
    pids: Callable[[], Mapping[str, int]],
    progress: Any = None,
) -> Campaign:
    """Nine in ten cases are requests (half of them to the front door), one in ten goes to the socket."""
    found = Campaign()
    before, alive = _written(apis), pids()
    for_socket = cases // 10
    rest = cases - for_socket
    shares = {house.url: rest - rest // 2} | {apis[name]: rest // 2 // len(SERVICES) for name in SERVICES}
    for url, share in shares.items():
        found.outcome.add(requests.attack(url, share, number, lambda: _mend(house), progress))
    found.failures += socket.attack(house.url, for_socket, number)
    found.outcome.cases += for_socket
    found.failures += found.outcome.failures
    found.failures += _unasked(before, _written(apis), found.outcome)
    dead = sorted(name for name, pid in pids().items() if alive.get(name) != pid)
    if dead:
        found.failures.append(f"died meanwhile: {', '.join(dead)}")
    if not house.ready():
        found.failures.append("afterwards not every part is ready; see /readyz")
    return found


def _mend(house: House) -> None:
    house.clear_all()
    house.switch(**{mechanism.value: True for mechanism in Mechanism})


def _written(apis: Mapping[str, str]) -> dict[str, set[str]]:
    """Whose rows are there: by service and kind, the bookings (or ids) they name."""
    found = {}
    for service in SERVICES:
        for kind, rows in fetch(service, apis[service]).rows.items():
            if kind not in ("meta", "end", "seat"):
                found[f"{service} {kind}"] = {str(row.get("booking_id") or row.get("id")) for row in rows}
    return found


def _unasked(before: Mapping[str, set[str]], after: Mapping[str, set[str]], outcome: Outcome) -> list[str]:
    """Rows that no accepted request explains."""
    accepted = {str(said.get("id")) for _, said in outcome.accepted if isinstance(said, dict)}
    return [
        f"{kind}: {len(new)} rows that no answer promised, of {sorted(new)[:3]}"
        for kind, there in after.items()
        if (new := there - before.get(kind, set()) - accepted - {"None"})
    ]

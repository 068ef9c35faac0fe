"""The rigs, by the control process: how they stand, opening and closing. Each function raises Problem and ServiceDown."""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.faults_api import control

VERBS = ("open", "close", "renew")


def listing() -> list[dict[str, Any]]:
    """Each rig, as control.on_demand.rigs.Rigs.listing has it."""
    return list(control("GET", "/rigs")["rigs"])


def rig(name: str) -> Mapping[str, Any]:
    return next(one for one in listing() if one["name"] == name)


def seen(name: str, person: str) -> Mapping[str, Any]:
    """The same, and a sign that this person has the rig's page open."""
    found: Mapping[str, Any] = control("POST", f"/rigs/{name}/seen", params={"person": person})
    return found


def change(name: str, verb: str, who: str) -> Mapping[str, Any]:
    """Begin to open it, close it, or start it over."""
    found: Mapping[str, Any] = control("POST", f"/rigs/{name}/{verb}", params={"who": who})
    return found


def measurement() -> Mapping[str, Any]:
    found: Mapping[str, Any] = control("GET", "/measurement")
    return found


def measure(exhibits: Sequence[str]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = control("POST", "/measurement", json={"exhibits": list(exhibits)})
    return found

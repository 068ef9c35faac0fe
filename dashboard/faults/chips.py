"""The faults on the rail, one chip each, grouped by the service they strike. Pure: describes the control process's listing."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from drawing.present import SERVICE_NAMES
from faults import SANDBOX, Kind, Point
from faults.toggles import LABELS
from topology.chosen import HOUSE

OWNERS = {**SERVICE_NAMES, "redis": "Redis", "house": "The sandbox itself"}
NOBODYS: Mapping[str, str] = MappingProxyType({})
SHOWN = 20  # maximum number of chips; a script may arm a thousand
POINT_NAMES = {
    Point.TRANSACTION_BEFORE: "before the transaction",
    Point.TRANSACTION_INSIDE: "inside the transaction",
    Point.TRANSACTION_COMMITTED: "after the commit, before the acknowledgement",
    Point.ANSWER: "the business answer",
    Point.ORCHESTRATOR_BEFORE: "before the orchestrator decides",
    Point.ORCHESTRATOR_AFTER: "after the orchestrator decides, before its commit",
    Point.RELAY_BEFORE_PUBLISH: "relay, before publishing",
    Point.RELAY_AFTER_PUBLISH: "relay, published but not confirmed",
    Point.BUS: "message on the bus",
    Point.PROJECTOR_BEFORE: "projector, before a batch",
    Point.PROJECTOR_COMMITTED: "projector, after its commit",
    Point.API: "its API",
    Point.DATABASE: "its database",
    Point.PROCESS: "one of its processes",
    Point.REDIS: "the server",
}


def owner_of(place: str) -> str:
    """The service whose process or service this is, as the rail groups them."""
    if place in OWNERS:
        return place
    if place in SANDBOX:
        return "house"
    return next((program.service for program in HOUSE.programs if program.name == place), "house")


def shown(armed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """At most SHOWN of them, in the order of arming: those that a person may have to end now, then the newest."""
    urgent = [fault for fault in armed if fault["held"] or fault["until"]]
    others = [fault for fault in armed if not fault["held"] and not fault["until"]]
    kept = {fault["id"] for fault in [*urgent[::-1], *others[::-1]][:SHOWN]}
    return [fault for fault in armed if fault["id"] in kept]


def is_for(fault: dict[str, Any], visitor: str) -> bool:
    """Whether a visitor's own next booking may hit it: a fault for another visitor's may not."""
    return fault.get("visitor", "") in ("", visitor)


def groups(
    armed: list[dict[str, Any]], visitor: str = "", seats: Mapping[str, str] = NOBODYS, by: str = ""
) -> list[dict[str, Any]]:
    """The chips of each service that has any, the newest first; holds and outages before all others, since a person may
    have to end them, then faults for any service. `visitor`: the viewer; `seats`: those of struck bookings; `by`: set
    for a viewer who may end only their own faults."""
    chips = [
        (owner_of(fault["service"]) if fault["service"] else "", _chip(fault, visitor, seats, by)) for fault in armed
    ]
    owners = {"": "Any service", **OWNERS}
    groups: list[dict[str, Any]] = [
        {"service": owner, "name": name, "chips": [chip for of, chip in reversed(chips) if of == owner]}
        for owner, name in owners.items()
    ]
    for group in groups:
        group["chips"].sort(key=_may_wait)
    return sorted((group for group in groups if group["chips"]), key=lambda group: _may_wait(group["chips"][0]))


def _may_wait(chip: dict[str, Any]) -> bool:
    return chip["state"] not in ("held", "down")


def _chip(fault: dict[str, Any], visitor: str, seats: Mapping[str, str], by: str) -> dict[str, Any]:
    """One fault in words: action, point, scope and state."""
    proof = fault["proofs"][-1] if fault["proofs"] else None
    state = "held" if fault["held"] else "down" if fault["until"] else fault["state"]
    return {
        "id": fault["id"],
        "what": LABELS.get(fault["name"]) or f"{fault['action']} · {POINT_NAMES[Point(fault['point'])]}",
        "detail": " · ".join(filter(None, [*_scope(fault, visitor), _when(fault)])),
        "state": state,
        "told": fault["told"],
        "fired": fault["fired"],
        "on": seats.get(fault["last_booking"], ""),
        "proof": proof,
        "held": next((held["booking"] for held in fault["held"]), "") if fault["held"] else "",
        "holds": bool(fault["held"]),
        "endable": by in ("", fault.get("who", "")),
        "live": fault["state"] in ("armed", "fired") or bool(fault["until"] or fault["held"]),
    }


def _scope(fault: dict[str, Any], visitor: str) -> list[str]:
    mine = ("my" if fault["visitor"] == visitor else "another visitor's") if fault.get("visitor") else ""
    booking = f"booking {fault['booking'][-8:]}" if fault["booking"] else ""
    customer = f"customer {fault['customer']}" if fault["customer"] is not None else ""
    new = "new bookings" if fault["only_new"] and fault["name"] not in LABELS else ""
    process = fault["service"] if fault["service"] not in OWNERS else ""
    return [
        process,
        fault["message"],
        fault["reason"],
        booking,
        fault["seat"] and f"seat {fault['seat']}",
        customer,
        mine and f"{mine} next booking",
        new,
    ]


def _when(fault: dict[str, Any]) -> str:
    trigger = fault["trigger"]
    texts = {
        Kind.ONCE: "once",
        Kind.TIMES: f"{trigger['times']} times",
        Kind.PROBABILITY: f"p = {trigger['probability']:g}",
        Kind.ALWAYS: "until cleared",
    }
    after = f", after {trigger['after']} passes" if trigger["after"] else ""
    seconds = f", {fault['seconds']:g} s" if fault["seconds"] else ""
    return texts[Kind(trigger["kind"])] + after + seconds

"""What the exhibit about copies asks of Ticket's API and of Booking's, with times as the front door measured them.

Raises Problem, and ServiceDown where a service does not answer.
"""

import time
import uuid
from dataclasses import dataclass
from typing import Any

import httpx

from gateway.clients import BOOKING, call
from gateway.operate_api import ask
from lab.halls import MOST, READS, ensure
from lab.reads.composition import TICKETS
from lab.reads.replicas.topology import RIG
from lab.waterfall import Span
from serving.problems import Problem
from topology.tuning import Seconds

CUSTOMER, NAMES = 1042, ("Ana", "Anna")
UNKNOWN = 555_555
"""An id that no customer has."""
CHECKS = ("api", "replica", "none")
SEEN_S: Seconds = 3.0  # how long a rename waits for the copy
LOOK_S: Seconds = 0.01  # between two looks at it
REBUILD_S: Seconds = 20.0  # how long a page waits for a rebuild
DOOR_LIST = "/api/tickets/door-list"


@dataclass(frozen=True, slots=True)
class DoorList:
    """`took_ms`: of the one call, with the simulated network, if there was one."""

    rows: list[dict[str, Any]]
    span: Span
    took_ms: float


@dataclass(frozen=True, slots=True)
class Renamed:
    """`seen_ms`: from the owner's answer until the copy had the new name; None if it has not within SEEN_S."""

    name: str
    seen_ms: float | None


def copies() -> dict[str, Any]:
    """{"running", "replicas"}: as Ticket's API has it."""
    found: dict[str, Any] = _good(call(TICKETS, "GET", "/api/tickets/replicas"))
    return found


def check_open() -> None:
    """Raises Problem 409 while the replicator does not run."""
    if not copies()["running"]:
        raise Problem(409, "The rig is closed", f"open the rig {RIG.name} first; nothing was asked")


def door_list(limit: int, network_ms: int = 0) -> DoorList:
    """The first rows of the lab's hall. It books what is missing there, if Booking is up."""
    found = _asked(limit, network_ms)
    if len(found.rows) < limit:
        ensure(READS, min(limit, MOST))
        found = _asked(limit, network_ms)
    return found


def rename() -> Renamed:
    """Give the customer the other of NAMES, and wait until the copy has it."""
    path = f"/api/customers/{CUSTOMER}"
    owned = _good(call(BOOKING, "GET", path))
    name = NAMES[owned["name"] == NAMES[0]]
    key = {"Idempotency-Key": str(uuid.uuid4())}
    version = _good(call(BOOKING, "PATCH", path, json={"name": name}, headers=key))["version"]
    began = time.perf_counter()
    while time.perf_counter() - began < SEEN_S:
        answer = call(TICKETS, "GET", f"/api/tickets/replicas/customers/{CUSTOMER}")
        if answer.status_code != 404 and _good(answer)["version"] >= version:
            return Renamed(name, round((time.perf_counter() - began) * 1000, 1))
        time.sleep(LOOK_S)
    return Renamed(name, None)


def hand_over(customer: int, check: str) -> httpx.Response:
    """The first ticket of the list gets this holder; Ticket's answer, whatever its status."""
    ticket = door_list(1).rows[0]["ticket_id"]
    return call(
        TICKETS, "PUT", f"/api/tickets/{ticket}/holder", params={"check": check}, json={"customer_id": customer}
    )


def attempt(name: str) -> dict[str, Any]:
    """What PostgreSQL says when Ticket writes its own copy."""
    found: dict[str, Any] = _good(ask("POST", TICKETS, f"/api/tickets/replicas/{name}/write-attempt"))
    return found


def rebuild(name: str) -> dict[str, Any]:
    """Ask for a rebuild and wait for it: {"events", "seconds", "failure", ...}."""
    asked = ask("POST", TICKETS, f"/api/tickets/replicas/{name}/rebuild")
    if asked.status_code != 409:
        _good(asked)
    give_up = time.monotonic() + REBUILD_S
    while time.monotonic() < give_up:
        found = next(one for one in copies()["replicas"] if one["name"] == name)["rebuild"]
        if found and found["done_at"]:
            return dict(found)
        time.sleep(LOOK_S * 5)
    raise Problem(
        503, "Not rebuilt yet", f"{name} was not rebuilt within {REBUILD_S:.0f} s; it will be when that is possible"
    )


def _asked(limit: int, network_ms: int) -> DoorList:
    began = time.perf_counter()
    time.sleep(network_ms / 1000)
    answer = call(TICKETS, "GET", DOOR_LIST, params={"performance": READS.id, "limit": limit})
    took = round((time.perf_counter() - began) * 1000, 2)
    return DoorList(_good(answer)["rows"], Span(TICKETS, DOOR_LIST, 0.0, took, answer.status_code), took)


def _good(answer: httpx.Response) -> Any:
    """Its JSON. Raises Problem for a refusal, as the service has put it."""
    if answer.is_success:
        return answer.json()
    try:
        found = answer.json()
        raise Problem(answer.status_code, str(found["title"]), str(found.get("detail", "")))
    except (ValueError, KeyError, TypeError):
        raise Problem(answer.status_code, "", "the answer cannot be read") from None

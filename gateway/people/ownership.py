"""Whose it is: a visitor cancels and breaks the bookings that they placed, and clears the faults that they armed.

An operator does anything. The rule of what touches one booking alone is the faults' own: `faults.check_own`.
"""

from typing import Any
from uuid import UUID

from django.http import HttpRequest

from faults import LIMIT, Fault, FaultError, check_own
from gateway.clients import BOOKING, get_json
from gateway.people.operator import check_operator, check_origin, is_operator, who
from gateway.people.visitor import visitor
from journal.runs import runs
from serving.problems import Problem

ARMED_AT_ONCE = 10
"""Faults of a visitor's that may still strike. All visitors together have half of the plan: an operator finds room in it."""
OPERATORS = (
    "a visitor arms faults for their own next booking, or for a booking of theirs, and clears those; everything else takes the "
    "operator token"
)


def check_owner(request: HttpRequest, booking: str) -> None:
    """Raise Problem 403 unless this visitor placed the booking, as Booking itself knows. Raises ServiceDown."""
    if is_operator(request):
        return
    found = get_json(BOOKING, f"/api/bookings/{booking}")
    if found is None or not found["placed_by"] or found["placed_by"] != visitor(request):
        raise Problem(403, "Not your booking", "only the visitor who placed a booking changes it, or an operator")


def check_run(request: HttpRequest, id: UUID) -> None:
    """Raise Problem 403 unless this visitor started the run."""
    if not is_operator(request) and str(id) not in runs.owned(visitor(request)):
        raise Problem(403, "Not your run", "only the visitor who started a run changes or exports it, or an operator")


def run_owner(request: HttpRequest) -> str:
    """Whose run this request may start or delete in the live journal: a visitor's own; "" for an operator."""
    return "" if is_operator(request) else visitor(request)


def visitors_too(request: HttpRequest) -> bool:
    """`auth=` of what a visitor may do with what is theirs. Raises Problem 401, 403 or 429 for whoever is neither.

    A wrong token is refused, cookie or not: who sends one means to be an operator.
    """
    check_origin(request)
    if not visitor(request) or "Authorization" in request.headers:
        check_operator(request)
    return True


def armer(request: HttpRequest) -> str:
    """Who arms, as the fault remembers it. Of a visitor that is their pseudonym, for nobody else may clear it."""
    return who(request) if is_operator(request) else f"visitor {visitor(request)}"


def armed_by(request: HttpRequest) -> str:
    """Whose faults this request may clear: a visitor their own; "" for an operator, who may clear any."""
    return "" if is_operator(request) else armer(request)


def check_arming(request: HttpRequest, fault: Fault, plan: list[dict[str, Any]]) -> None:
    """Raise Problem 403 unless whoever asks may arm this fault. `plan`: what is armed. Raises ServiceDown."""
    if is_operator(request):
        return
    try:
        check_own(fault, visitor(request))
    except FaultError as error:
        raise Problem(403, "Operators only", f"{error}; {OPERATORS}") from error
    if fault.booking:
        check_owner(request, fault.booking)
    live = [one["who"] for one in plan if one["state"] in ("armed", "fired")]
    if live.count(armer(request)) >= ARMED_AT_ONCE:
        raise Problem(403, "Operators only", f"{ARMED_AT_ONCE} faults of yours are armed already; clear one first")
    if sum(one.startswith("visitor ") for one in live) >= LIMIT // 2:
        raise Problem(403, "Operators only", "visitors have armed all that they may together; try again later")


def check_armer(request: HttpRequest, id: str, plan: list[dict[str, Any]]) -> None:
    """Raise Problem 403 unless this request may end the fault. One that is in no plan is left to whoever answers 404."""
    mine = armed_by(request)
    if mine and any(one["id"] == id and one["who"] != mine for one in plan):
        raise Problem(403, "Operators only", f"somebody else armed this fault; {OPERATORS}")

"""Ownership: a visitor can cancel and break the bookings that they placed, and clear the faults that they armed.

An operator can do anything. `faults.check_own` decides whether a fault affects one booking alone.
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
"""How many faults of one visitor may be armed. All visitors together have half of the plan, so an operator always has room."""
OPERATORS = (
    "a visitor can arm faults for their own next booking, or for a booking of theirs, and clear those; everything "
    "else needs the operator token"
)


def check_owner(request: HttpRequest, booking: str) -> None:
    """Raise Problem 403 unless this visitor placed the booking, according to Booking. Raises ServiceDown."""
    if is_operator(request):
        return
    found = get_json(BOOKING, f"/api/bookings/{booking}")
    if found is None or not found["placed_by"] or found["placed_by"] != visitor(request):
        raise Problem(403, "Not your booking", "only the visitor who placed a booking, or an operator, can change it")


def check_run(request: HttpRequest, id: UUID) -> None:
    """Raise Problem 403 unless this visitor started the run."""
    if not is_operator(request) and str(id) not in runs.owned(visitor(request)):
        raise Problem(
            403, "Not your run", "only the visitor who started a run, or an operator, can change or export it"
        )


def run_owner(request: HttpRequest) -> str:
    """Whose run this request may start or delete in the live journal: a visitor's own; "" for an operator."""
    return "" if is_operator(request) else visitor(request)


def visitors_too(request: HttpRequest) -> bool:
    """`auth=` for what a visitor may do with their own things. Raises Problem 401, 403 or 429 for a client that is
    neither visitor nor operator. A wrong token is refused, with or without a cookie: its sender wants to be an
    operator.
    """
    check_origin(request)
    if not visitor(request) or "Authorization" in request.headers:
        check_operator(request)
    return True


def armer(request: HttpRequest) -> str:
    """Who arms the fault, as stored with it. For a visitor that is their pseudonym, since no other visitor may clear it."""
    return who(request) if is_operator(request) else f"visitor {visitor(request)}"


def armed_by(request: HttpRequest) -> str:
    """Whose faults this request may clear: a visitor their own; "" for an operator, who may clear any."""
    return "" if is_operator(request) else armer(request)


def check_arming(request: HttpRequest, fault: Fault, plan: list[dict[str, Any]]) -> None:
    """Raise Problem 403 unless the caller may arm this fault. `plan`: what is armed. Raises ServiceDown."""
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
    """Raise Problem 403 unless this request may end the fault. A fault that is in no plan passes: the caller answers 404."""
    mine = armed_by(request)
    if mine and any(one["id"] == id and one["who"] != mine for one in plan):
        raise Problem(403, "Operators only", f"another person armed this fault; {OPERATORS}")

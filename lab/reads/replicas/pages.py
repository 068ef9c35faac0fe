"""The buttons of the exhibit about copies."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from faults import Action, Point
from gateway.clients import BOOKING, ServiceDown
from gateway.faults_api import arm_fault, armed, clear_fault
from gateway.people.operator import require_operator
from lab import waterfall
from lab.chosen import in_words, one_of
from lab.reads.composition import TICKETS
from lab.reads.pages import OUTAGE_S
from lab.reads.replicas import asking
from lab.reads.replicas.topology import REPLICATOR
from serving.problems import Problem

ROWS = 10
HOLDERS = {"known": asking.CUSTOMER, "unknown": asking.UNKNOWN}
OUTAGE, PAUSE = "lab_replicas_outage", "lab_replicas_pause"  # names of faults
ALWAYS = {"kind": "always"}
FAULTS: dict[str, dict[str, Any]] = {
    OUTAGE: {"point": Point.API, "action": Action.DOWN, "service": BOOKING, "trigger": ALWAYS},
    PAUSE: {"point": Point.PROJECTOR_BEFORE, "action": Action.PAUSE, "service": REPLICATOR, "trigger": ALWAYS},
}
TEMPLATE = "lab/replicas.html"


def context() -> dict[str, Any]:
    """What the exhibit's own part of the template offers."""
    return {"checks": asking.CHECKS, **_switches(), **_copies()}


@require_GET
def copies(request: HttpRequest) -> HttpResponse:
    """Ticket's copies, with their age."""
    return render(request, f"{TEMPLATE}#copies", _copies())


@require_POST
@require_operator
def ask(request: HttpRequest) -> HttpResponse:
    """The list at the door, from the copies. It books what it asks about, if that is not there yet."""
    predicted = request.POST.get("predicted", "")

    def answer() -> dict[str, Any]:
        asking.check_open()
        found = asking.door_list(ROWS)
        return {"answer": found, "drawn": waterfall.draw([found.span])}

    return _shown(request, "answer", answer, {"predicted": predicted, "down": _is_armed(OUTAGE)})


@require_POST
@require_operator
def rename(request: HttpRequest) -> HttpResponse:
    def answer() -> dict[str, Any]:
        asking.check_open()
        return {"renamed": asking.rename()}

    return _shown(request, "renamed", answer)


@require_POST
@require_operator
def switch(request: HttpRequest) -> HttpResponse:
    """Take Booking's API down or stop the copying (`on` is 1), or end that (0)."""
    name = one_of(request.POST.get("name", ""), FAULTS, "fault of this page")
    wanted = one_of(request.POST.get("on", ""), ("0", "1"), "switch") == "1"

    def answer() -> dict[str, Any]:
        live = _armed(name)
        for one in live if not wanted else ():
            clear_fault(request, one["id"])
        if wanted and not live:
            until = (datetime.now(UTC) + timedelta(seconds=OUTAGE_S)).isoformat()
            arm_fault(request, {**FAULTS[name], "name": name, "expires_at": until})
        return {}

    refused = _shown_context(answer)
    return render(request, f"{TEMPLATE}#switches", {**refused, **_switches()})


@require_POST
@require_operator
def hand_over(request: HttpRequest) -> HttpResponse:
    """Hand the first ticket over to a customer, whose id is checked as chosen."""
    check = one_of(request.POST.get("check", ""), asking.CHECKS, "check")
    customer = HOLDERS[one_of(request.POST.get("holder", ""), HOLDERS, "customer")]

    def answer() -> dict[str, Any]:
        handed = asking.hand_over(customer, check)
        return {"status": handed.status_code, "said": handed.json()}

    return _shown(request, "handed", answer, {"check": check, "customer": customer})


@require_POST
@require_operator
def write(request: HttpRequest) -> HttpResponse:
    return _shown(request, "written", lambda: {"attempt": asking.attempt("customers")})


@require_POST
@require_operator
def rebuild(request: HttpRequest) -> HttpResponse:
    return _shown(request, "rebuilt", lambda: {"rebuilt": asking.rebuild("customers")})


def _shown(
    request: HttpRequest, part: str, answer: Callable[[], dict[str, Any]], more: dict[str, Any] | None = None
) -> HttpResponse:
    return render(request, f"{TEMPLATE}#{part}", {**(more or {}), **_shown_context(answer)})


def _shown_context(answer: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return answer()
    except (Problem, ServiceDown) as error:
        return {"refused": in_words(error)}


def _copies() -> dict[str, Any]:
    """`replicas`: None while Ticket's API does not answer, and `away` says why. `behind`: events of all of them not read."""
    try:
        found = asking.copies()
    except (Problem, ServiceDown) as error:
        return {"replicas": None, "away": in_words(error)}
    return {**found, "behind": sum(one["events"] or 0 for one in found["replicas"]), "of": TICKETS}


def _switches() -> dict[str, Any]:
    return {"outage": OUTAGE, "pause": PAUSE, "down": _is_armed(OUTAGE), "paused": _is_armed(PAUSE)}


def _armed(name: str) -> list[dict[str, Any]]:
    """What this page has armed, while it lasts. Raises Problem, ServiceDown."""
    return [one for one in armed() if one["name"] == name and one["state"] in ("armed", "fired")]


def _is_armed(name: str) -> bool:
    """False while the control process does not answer: then the page shows that elsewhere."""
    try:
        return bool(_armed(name))
    except (Problem, ServiceDown):
        return False

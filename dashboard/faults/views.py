"""The fault commands of the page. Ordinary POSTs with CSRF; the answer is a partial. (For booking: dashboard.stage.shop.)"""

import json
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from dashboard.faults import context as rail
from dashboard.faults.chips import is_for
from dashboard.gauges import lags, with_line
from faults import Mechanism
from faults.toggles import TOGGLES
from gateway.clients import ServiceDown
from gateway.faults_api import arm_fault, armed, clear_fault, control, resume_fault, switch_mechanism
from gateway.people import operator
from gateway.people.operator import check_operator, is_operator, who
from gateway.people.ownership import armed_by, visitors_too
from gateway.people.visitor import visitor
from gateway.safeties import SAFETIES_OFF, TRIAL, try_safety
from gateway.services_down import down
from serving.problems import Problem


@require_GET
def faults(request: HttpRequest) -> HttpResponse:
    return _rail(request)


@require_GET
def arm_form(request: HttpRequest) -> HttpResponse:
    """The form with the options that fit the choices so far."""
    changed = request.htmx.trigger_name or ""  # type: ignore[attr-defined]
    context = rail.form(rail.form_after_change(request.GET.dict(), changed), own=not is_operator(request))
    return render(request, "faults/faults.html#form", context)


@require_GET
def outages(request: HttpRequest) -> HttpResponse:
    """The banner: safety mechanisms that are off, and what is down."""
    return _banner(request)


def _banner(request: HttpRequest, problem: str = "") -> HttpResponse:
    off = SAFETIES_OFF.get()
    context = {"outages": down(), "off": off, "operator": is_operator(request), "problem": problem}
    if off:
        context["trial"] = TRIAL.get()
    response = render(request, "faults/faults.html#outages", context)
    response["HX-Trigger"] = json.dumps({"lags": {one["view"]: with_line(one) for one in lags()}})
    return response


@require_POST
def arm(request: HttpRequest) -> HttpResponse:
    return _done(request, lambda: arm_fault(request, rail.wanted(request.POST.dict(), visitor(request))), visitors_too)


@require_POST
def clear(request: HttpRequest, fault: str = "") -> HttpResponse:
    if fault:
        return _done(request, lambda: clear_fault(request, fault), visitors_too)
    return _done(request, lambda: control("DELETE", "/faults", params={"who": who(request)}))


@require_POST
def resume(request: HttpRequest, fault: str) -> HttpResponse:
    return _done(request, lambda: resume_fault(request, fault), visitors_too)


@require_GET
def mechanisms(request: HttpRequest) -> HttpResponse:
    return _switches(request)


@require_POST
def mechanism(request: HttpRequest, name: str) -> HttpResponse:
    """Switch it off if it is on, and on if it is off."""
    if name not in set(Mechanism):
        return HttpResponse(f"no mechanism '{name}'", status=404, content_type="text/plain")

    def turn() -> None:
        switch_mechanism(Mechanism(name), on=not control("GET", "/mechanisms")[name], by=who(request))
        SAFETIES_OFF.forget()

    return _done(request, turn, shown=_switches)


@require_POST
def mechanism_on(request: HttpRequest, name: str) -> HttpResponse:
    """Switch it on, from the banner; it may be on already."""
    if name not in set(Mechanism):
        return HttpResponse(f"no mechanism '{name}'", status=404, content_type="text/plain")

    def turn() -> None:
        switch_mechanism(Mechanism(name), on=True, by=who(request))
        SAFETIES_OFF.forget()

    return _done(request, turn, shown=_banner)


@require_POST
def mechanism_try(request: HttpRequest, name: str) -> HttpResponse:
    """Play what it is there for, as it is switched: from the rail, or from the banner."""
    if name not in set(Mechanism):
        return HttpResponse(f"no mechanism '{name}'", status=404, content_type="text/plain")
    shown = _banner if request.htmx.target == "outages" else _switches  # type: ignore[attr-defined]
    return _done(request, lambda: try_safety(Mechanism(name)), shown=shown)


@require_POST
def toggle(request: HttpRequest, name: str) -> HttpResponse:
    """Arm a one-shot fault for this visitor's next booking, or clear it if it is armed; a visitor can clear only their own."""
    if name not in TOGGLES:
        return HttpResponse(f"no fault '{name}'; there are {', '.join(TOGGLES)}", status=404, content_type="text/plain")

    def turn() -> None:
        mine, by = visitor(request), armed_by(request)
        found = [one for one in armed() if one["name"] == name and is_for(one, mine) and by in ("", one["who"])]
        live = [fault for fault in found if fault["state"] in ("armed", "fired")]
        for fault in live:
            clear_fault(request, fault["id"])
        if not live:
            arm_fault(request, TOGGLES[name].fault(visitor=mine))

    return _done(request, turn, visitors_too)


@require_POST
def sign_in(request: HttpRequest) -> HttpResponse:
    """The operator token, typed into the page once."""
    response = _rail(request, known=True)
    try:
        known = operator.sign_in(request, response, request.POST.get("token", ""))
    except Problem as problem:
        return _rail(request, f"{problem.title}: {problem.detail}.")
    if not known:
        return _rail(request, "That is not the operator token.")
    response["HX-Refresh"] = "true"  # the form, the switches and all masked parts show more now
    return response


def _done(
    request: HttpRequest,
    act: Callable[[], Any],
    check: Callable[[HttpRequest], Any] = check_operator,
    shown: Callable[..., HttpResponse] | None = None,
) -> HttpResponse:
    """Do it, if `check` admits the client, and show the resulting rail, or why it could not be done."""
    shown = shown or _rail
    try:
        check(request)
        act()
    except Problem as problem:
        return shown(request, f"{problem.title}: {problem.detail}")
    except ServiceDown as error:
        return shown(request, f"{error}. Try again.")
    return shown(request)


def _rail(request: HttpRequest, problem: str = "", known: bool = False) -> HttpResponse:
    by = "" if known else armed_by(request)
    context = {**rail.rail(visitor(request), by), "problem": problem, "operator": not by}
    return render(request, "faults/faults.html#rail", context)


def _switches(request: HttpRequest, problem: str = "") -> HttpResponse:
    context = {
        "mechanisms": rail.mechanisms(),
        "trial": TRIAL.get(),
        "problem": problem,
        "operator": is_operator(request),
    }
    return render(request, "faults/faults.html#mechanisms", context)

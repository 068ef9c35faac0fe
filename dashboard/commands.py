"""What a person breaks on the page. Ordinary POSTs with CSRF; the answer is a partial. (To book: dashboard.stage.shop.)"""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from dashboard import operator, rail
from dashboard.chips import is_for
from dashboard.clients import ServiceDown
from dashboard.faults_api import arm_fault, control, switch_mechanism
from dashboard.operator import check_operator, who
from dashboard.outages import down
from dashboard.stage.gauges import gauge, lags
from dashboard.visitor import visitor
from faults import Mechanism, dump
from faults.catalogue import MECHANISMS
from faults.toggles import TOGGLES
from messaging.problems import Problem


@require_GET
def faults(request: HttpRequest) -> HttpResponse:
    return _rail(request)


@require_GET
def arm_form(request: HttpRequest) -> HttpResponse:
    """The form with the options that go with what has been chosen so far."""
    changed = request.htmx.trigger_name or ""  # type: ignore[attr-defined]
    return render(request, "dashboard/faults.html#form", rail.form(rail.anew(request.GET.dict(), changed)))


@require_GET
def outages(request: HttpRequest) -> HttpResponse:
    response = render(request, "dashboard/faults.html#outages", {"outages": down()})
    response["HX-Trigger"] = json.dumps({"lags": {one["view"]: gauge(one) for one in lags()}})
    return response


@require_POST
def arm(request: HttpRequest) -> HttpResponse:
    return _done(request, lambda: arm_fault(rail.wanted(request.POST.dict(), visitor(request)), who(request)))


@require_POST
def clear(request: HttpRequest, fault: str = "") -> HttpResponse:
    path = f"/faults/{fault}" if fault else "/faults"
    return _done(request, lambda: control("DELETE", path, params={"who": who(request)}))


@require_POST
def go_on(request: HttpRequest, fault: str) -> HttpResponse:
    return _done(request, lambda: control("POST", f"/faults/{fault}/go-on", params={"who": who(request)}))


@require_GET
def mechanisms(request: HttpRequest) -> HttpResponse:
    return _switches(request)


@require_POST
def mechanism(request: HttpRequest, name: str) -> HttpResponse:
    """Switch it off if it is on, and on if it is off."""
    if name not in MECHANISMS:
        return HttpResponse(f"no mechanism '{name}'", status=404, content_type="text/plain")

    def turn() -> None:
        switch_mechanism(Mechanism(name), on=not control("GET", "/mechanisms")[name], by=who(request))

    return _done(request, turn, _switches)


@require_POST
def toggle(request: HttpRequest, name: str) -> HttpResponse:
    """Arm a one-shot fault for this visitor's next booking, or clear it if it is armed."""
    if name not in TOGGLES:
        return HttpResponse(f"no fault '{name}'; there are {', '.join(TOGGLES)}", status=404, content_type="text/plain")

    def turn() -> None:
        mine = visitor(request)
        found = [one for one in control("GET", "/faults")["faults"] if one["name"] == name and is_for(one, mine)]
        live = [fault for fault in found if fault["state"] in ("armed", "fired")]
        for fault in live:
            control("DELETE", f"/faults/{fault['id']}", params={"who": who(request)})
        if not live:
            control("POST", "/faults", content=dump(replace(TOGGLES[name](visitor=mine), who=who(request))))

    return _done(request, turn)


@require_POST
def sign_in(request: HttpRequest) -> HttpResponse:
    """The operator token, typed into the page once."""
    response = _rail(request, known=True)
    try:
        known = operator.sign_in(request, response, request.POST.get("token", ""))
    except Problem as problem:
        return _rail(request, f"{problem.title}: {problem.detail}.")
    return response if known else _rail(request, "That is not the operator token.")


def _done(
    request: HttpRequest, act: Callable[[], Any], shown: Callable[..., HttpResponse] | None = None
) -> HttpResponse:
    """Do it, for an operator, and show the rail as it is then, or why it could not be done."""
    shown = shown or _rail
    try:
        check_operator(request)
        act()
    except Problem as problem:
        return shown(request, f"{problem.title}: {problem.detail}")
    except ServiceDown as error:
        return shown(request, f"{error}. Try again.")
    return shown(request)


def _rail(request: HttpRequest, problem: str = "", known: bool = False) -> HttpResponse:
    context = {**rail.rail(visitor(request)), "problem": problem, "operator": known or operator.is_operator(request)}
    return render(request, "dashboard/faults.html#rail", context)


def _switches(request: HttpRequest, problem: str = "") -> HttpResponse:
    return render(request, "dashboard/faults.html#mechanisms", {"mechanisms": rail.mechanisms(), "problem": problem})

"""The page /replay: what runs there are; starting, exporting, importing and deleting them. And a run's own page."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET, require_POST

from dashboard.replay import player
from dashboard.replay.asked import says_moments
from drawing.present import SERVICE_NAMES
from gateway.clients import JOURNAL, ServiceDown, in_words
from gateway.operate_api import ask
from gateway.people.operator import is_operator
from gateway.people.ownership import check_run, run_owner, visitors_too
from gateway.people.visitor import visitor
from gateway.runs import convergence
from gateway.runs.runs_api import delete_run, start_run, stop_run
from journal.reading import moments
from journal.reading.convergence import of_import, worst
from journal.runs import runs
from serving.problems import Problem

UNREADABLE = "a fault that cannot be read"


@require_GET
@ensure_csrf_cookie
def page(request: HttpRequest) -> HttpResponse:
    return render(request, "replay/replay.html", {**_runs(request), "operator": is_operator(request)})


@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    return render(request, "replay/replay.html#runs", _runs(request))


@require_POST
def start(request: HttpRequest) -> HttpResponse:
    def act() -> httpx.Response:
        return start_run(request.POST.get("name", ""), request.POST.get("seed", ""), run_owner(request))

    return _done(request, act, "The new run begins with the next entry.")


@require_POST
def delete(request: HttpRequest, run: UUID) -> HttpResponse:
    return _done(request, lambda: delete_run(run, run_owner(request)), "Deleted.", run)


@require_POST
def stop(request: HttpRequest, run: UUID) -> HttpResponse:
    return _done(request, lambda: stop_run(run), "Stopped.", run)


@require_POST
def rename(request: HttpRequest, run: UUID) -> HttpResponse:
    body = {"name": request.POST.get("name", "")}
    response = _done(request, lambda: ask("PATCH", JOURNAL, f"/api/runs/{run}", json=body), "Renamed.", run)
    if response.has_header("HX-Trigger"):
        response["HX-Refresh"] = "true"  # the name is all over the run's page
    return response


@require_GET
def importing(request: HttpRequest, id: UUID) -> HttpResponse:
    """How far an import has come; it asks for itself again until that is done."""
    context: dict[str, Any] = {"id": id, "state": "waiting"}
    try:
        answer = ask("GET", JOURNAL, f"/api/runs/imports/{id}")
        if answer.is_success:
            context = answer.json()
    except ServiceDown:
        context["state"] = "away"
    return render(request, "replay/replay.html#progress", context)


@require_GET
@ensure_csrf_cookie
@says_moments
def run(request: HttpRequest, run: UUID) -> HttpResponse:
    """A run, played back: `?pos=&booking=&performance=` is a permalink to what the page shows. And the run's facts."""
    found = player.known(run)
    pos = min(found["last_pos"], moments.indexed(found["tape"]))
    tables = [
        {"service": service, "name": SERVICE_NAMES.get(service, service), "tables": sorted(totals.items())}
        for service, totals in sorted(moments.totals_at(pos, found["tape"]).items())
        if found["last_pos"] >= found["first_pos"]
    ]
    may = is_operator(request) or found["id"] in runs.owned(visitor(request))
    context = {"services": tables, "last": pos, "operator": is_operator(request), "whole": True, "may": may}
    with player.drawable(found):
        told = player.shown(request, found)
        choices = player.choices(found)
        time = {**told["time"], **choices.pop("strip")}
        seats = {"sections": told["seats_then"]["sections"]}
        return render(
            request, "replay/run.html", context | told | choices | seats | {"time": time, "run": _shown(found)}
        )


@require_GET
@says_moments
def check(request: HttpRequest, run: UUID) -> HttpResponse:
    """Is what was replayed what there is? Of a live run compared with the live tables, of an imported one with its file's end."""
    found = player.known(run)
    if found["imported"]:
        services = [one.as_dict() for one in of_import(found["tape"])]
        status = worst(one["standing"] for one in services)
    else:
        compared = convergence.check()
        services, status = compared["services"], compared["status"]
    return _checked(request, services, status, imported=found["imported"])


@require_GET
def check_live(request: HttpRequest) -> HttpResponse:
    compared = convergence.check()
    return _checked(request, compared["services"], compared["status"])


def _checked(request: HttpRequest, services: list[dict[str, Any]], status: str, imported: bool = False) -> HttpResponse:
    named = [{**one, "name": SERVICE_NAMES.get(one["service"], one["service"])} for one in services]
    return render(request, "replay/check.html", {"imported": imported, "services": named, "status": status})


def _runs(request: HttpRequest) -> dict[str, Any]:
    """Each with `may`, whether the viewer changes and exports it, and `mine`."""
    operator = is_operator(request)
    try:
        mine = set() if operator else runs.owned(visitor(request))
        listed = [
            {**_shown(one), "may": operator or one["id"] in mine, "mine": one["id"] in mine} for one in runs.listing()
        ]
        return {"runs": listed}
    except (OperationalError, InterfaceError):
        return {"runs": [], "away": True}


def _shown(run: dict[str, Any]) -> dict[str, Any]:
    """With times as times, and the faults in a word each: whatever an older version has let in, the list stands."""
    told = [_words(one) for one in run["faults"]] if isinstance(run["faults"], list) else [UNREADABLE]
    began = datetime.fromisoformat(run["started_at"])
    ended = datetime.fromisoformat(run["ended_at"]) if run["ended_at"] else None
    return {**run, "began": began, "ended": ended, "told": told}


def _words(fault: Any) -> str:
    if not isinstance(fault, dict):
        return UNREADABLE
    words = (fault.get(name) for name in ("action", "point", "service"))
    return " ".join(word for word in words if isinstance(word, str) and word) or "a fault"


def _done(request: HttpRequest, act: Callable[[], httpx.Response], done: str, run: UUID | None = None) -> HttpResponse:
    """Do it, for an operator or for the visitor whose run it is, and say what came of it; the list asks for itself anew."""
    try:
        visitors_too(request)
        if run:
            check_run(request, run)
        answer = act()
        if answer.is_success:
            response = render(request, "replay/replay.html#answer", {"detail": done})
            response["HX-Trigger"] = "runs"
            return response
        context = in_words(answer, "Refused")
    except Problem as problem:
        context = {"title": problem.title, "detail": problem.detail}
    except ServiceDown:
        detail = "Nobody knows yet whether it was done: the list of runs says what stands."
        context = {"title": "The journal's process does not answer", "detail": detail}
    return render(request, "replay/replay.html#answer", context)

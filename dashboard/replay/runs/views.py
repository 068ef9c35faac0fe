"""The page /replay: lists, starts, exports, imports and deletes runs."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET, require_POST

from dashboard.replay.runs.context import listed
from gateway.clients import JOURNAL, ServiceDown, in_words
from gateway.operate_api import ask
from gateway.people.operator import is_operator
from gateway.people.ownership import check_run, run_owner, visitors_too
from gateway.runs.runs_api import delete_run, start_run, stop_run
from serving.problems import Problem


@require_GET
@ensure_csrf_cookie
def page(request: HttpRequest) -> HttpResponse:
    return render(request, "replay/replay.html", {**listed(request), "operator": is_operator(request)})


@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    return render(request, "replay/replay.html#runs", listed(request))


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
        response["HX-Refresh"] = "true"  # the name is in many places of the run's page
    return response


@require_GET
def importing(request: HttpRequest, id: UUID) -> HttpResponse:
    """The progress of an import; it reloads until the import is done."""
    context: dict[str, Any] = {"id": id, "state": "waiting"}
    try:
        answer = ask("GET", JOURNAL, f"/api/runs/imports/{id}")
        if answer.is_success:
            context = answer.json()
    except ServiceDown:
        context["state"] = "away"
    return render(request, "replay/replay.html#progress", context)


def _done(request: HttpRequest, act: Callable[[], httpx.Response], done: str, run: UUID | None = None) -> HttpResponse:
    """Do it, for an operator or for the run's own visitor, and show the outcome; the list reloads."""
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
        detail = "It is not known yet whether it was done: the list of runs shows the current state."
        context = {"title": "The journal's process does not answer", "detail": detail}
    return render(request, "replay/replay.html#answer", context)

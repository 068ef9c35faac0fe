"""The page /replay/<run>: plays a run back. Also the requests of its player."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET

from dashboard.panel.asked import NoMomentError, asked_position, says_moments
from dashboard.replay.run import context
from drawing.present import SERVICE_NAMES
from gateway.runs import replay_check
from journal.reading import marks, queries
from journal.reading.convergence import of_import, worst
from journal.runs import runs
from topology.tuning import Count

CHUNK: Count = 1000  # entries whose times are fetched in one request


@require_GET
@ensure_csrf_cookie
@says_moments
def run(request: HttpRequest, run: UUID) -> HttpResponse:
    """Plays a run back: `?pos=&booking=&performance=` is a permalink to the page's content. Also the run's facts."""
    found = context.known(run)
    with context.drawable(found):
        return render(request, "replay/run.html", context.whole(request, found))


@require_GET
@says_moments
def moment(request: HttpRequest, run: UUID) -> HttpResponse:
    """All panels of the page at `?pos=`, for its `booking` and `performance`."""
    found = context.known(run)
    with context.drawable(found):
        return render(request, "replay/run.html#moment", context.shown(request, found, request.GET.get("map", "")))


@require_GET
@says_moments
def schedule(request: HttpRequest, run: UUID) -> HttpResponse:
    """The commit times of the entries since `?pos=`, in ms since the epoch: a list of at most CHUNK."""
    found = context.known(run)
    pos = asked_position(request, bounds=(found["first_pos"], found["last_pos"]))
    return JsonResponse(marks.times(pos or found["first_pos"], found["last_pos"], CHUNK, found["tape"]), safe=False)


@require_GET
@says_moments
def of(request: HttpRequest) -> HttpResponse:
    """Redirects from a moment of the stage to the same moment in its run."""
    pos = asked_position(request)
    found = runs.at(pos if pos is not None else queries.last_pos())
    if found is None:
        raise NoMomentError(
            404, "There is no such run", "Nothing has been recorded yet, or the run of that time has been deleted."
        )
    booking = request.GET.get("booking", "")[:36]
    address = {name: value for name, value in (("booking", booking), ("pos", pos)) if value}
    return redirect(f"/replay/{found}?{urlencode(address)}")


@require_GET
@says_moments
def check(request: HttpRequest, run: UUID) -> HttpResponse:
    """Checks the replay: for a live run against the live tables, for an imported one against the end of its file."""
    found = context.known(run)
    if found["imported"]:
        services = [one.as_dict() for one in of_import(found["tape"])]
        status = worst(one["standing"] for one in services)
    else:
        compared = replay_check.check()
        services, status = compared["services"], compared["status"]
    return _checked(request, services, status, imported=found["imported"])


@require_GET
def check_live(request: HttpRequest) -> HttpResponse:
    compared = replay_check.check()
    return _checked(request, compared["services"], compared["status"])


def _checked(request: HttpRequest, services: list[dict[str, Any]], status: str, imported: bool = False) -> HttpResponse:
    named = [{**one, "name": SERVICE_NAMES.get(one["service"], one["service"])} for one in services]
    return render(request, "replay/check.html", {"imported": imported, "services": named, "status": status})

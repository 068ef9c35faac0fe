"""What a person gets instead of a page. The API says the same in problem details."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from messaging.problems import Problem, problem_of

MISSING = "dashboard/record_missing.html"


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404: no page has this address."""
    if request.path.startswith("/api/"):
        return problem_of(Http404(), request.path).response()
    told = {
        "title": "There is no such page",
        "detail": f"Nothing is at {request.path[:200]}. The header lists the pages.",
    }
    return render(request, MISSING, told, status=404)


def broken(request: HttpRequest) -> HttpResponse:
    """500: our mistake, and it looks like nothing that was injected."""
    detail = "This page could not be made: a mistake of ours, not an injected fault. The web process's log has it."
    if request.path.startswith("/api/"):
        return Problem(500, "Internal Server Error", "a mistake of ours; the web process's log has it").response()
    return render(request, MISSING, {"title": "Something is broken here", "detail": detail}, status=500)

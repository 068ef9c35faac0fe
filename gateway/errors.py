"""Error pages for a person. The API answers with the same content as problem details."""

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from messaging.process.outage import is_passing
from serving.problems import Problem, problem_of

MISSING = "records/record_missing.html"


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404: no page has this address."""
    if request.path.startswith("/api/"):
        return problem_of(Http404(), request.path).response()
    context = {
        "title": "There is no such page",
        "detail": f"Nothing is at {request.path[:200]}. The header lists the pages.",
    }
    return render(request, MISSING, context, status=404)


def refused(request: HttpRequest, problem: Problem) -> HttpResponse:
    """A problem document for a program, a page in the same words for a person."""
    if request.path.startswith("/api/"):
        return problem.response()
    context = {"title": problem.title, "detail": problem.detail, "sign_in": problem.status == 401}
    response = render(request, MISSING, context, status=problem.status)
    for name, value in problem.headers.items():
        response[name] = value
    return response


def unreadable(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: Django could not read the request (a broken form, an unknown host, too many fields)."""
    detail = "The request cannot be read. Go back, load the page again, and repeat what you did."
    return refused(request, Problem(400, "This request makes no sense", detail))


def forged(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: a form without the token of the page it belongs to (CSRF)."""
    detail = (
        "This page is too old, or its cookie is gone: load it again, then repeat what you did. Nothing was changed."
    )
    return refused(request, Problem(403, "Load the page again", detail))


def broken(request: HttpRequest) -> HttpResponse:
    """500: our own error; the page looks different from an injected one."""
    detail = "This page could not be made: an error of ours, not an injected fault. The details are in the web process's log."
    if request.path.startswith("/api/"):
        return Problem(
            500, "Internal Server Error", "an error of ours; the details are in the web process's log"
        ).response()
    return render(request, MISSING, {"title": "Something is broken here", "detail": detail}, status=500)


AWAY = "records/record_away.html"


class SaysWhenAway:
    """Middleware: a page whose database, or Redis, does not answer is a 503 page that retries, not an error of ours."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not is_passing(exception):
            return None
        if request.path.startswith("/api/"):
            return problem_of(exception, request.path, request.headers.get("Idempotency-Key", "")).response()
        response = render(request, AWAY, status=503)
        response["Retry-After"] = "2"
        return response

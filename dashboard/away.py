"""Error pages for when the read models are down, for operators' pages, and for missing things."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from gateway.people.operator import is_operator
from messaging.process.outage import is_passing
from serving.problems import Problem


def says_when_away(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Answer 503 with a page that retries, instead of a traceback, while the views' database is not reachable."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except Error as error:
            if not is_passing(error):
                raise
            return render(request, "records/record_away.html", status=503)

    return guarded


def for_operators(what: str) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """For everybody except an operator, answer 401 with a page that explains this, and where one can sign in."""

    def guard(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if is_operator(request):
                return view(request, *args, **kwargs)
            detail = f"{what} From another machine, sign in with the operator token."
            raise Problem(401, "Operators only", detail, headers={"WWW-Authenticate": "Bearer"})

        return guarded

    return guard


def missing(request: HttpRequest, title: str, detail: str) -> HttpResponse:
    """A page for something that does not exist, with what to do instead."""
    return render(request, "records/record_missing.html", {"title": title, "detail": detail}, status=404)

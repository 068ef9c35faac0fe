"""Pages made of read models say so when those are away, in words of their own."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from messaging.outage import is_passing


def says_when_away(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Answer 503 with a page that tries again, instead of a traceback, while the views' database is not reachable."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except Error as error:
            if not is_passing(error):
                raise
            return render(request, "dashboard/record_away.html", status=503)

    return guarded


def missing(request: HttpRequest, title: str, detail: str) -> HttpResponse:
    """A page for what is not there, with what to do instead."""
    return render(request, "dashboard/record_missing.html", {"title": title, "detail": detail}, status=404)

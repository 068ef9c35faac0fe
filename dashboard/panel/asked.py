"""The moment that a URL requests: a position, or a clear error page."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from journal.models import LIVE
from journal.reading import marks

LONGEST = 15  # digits; PostgreSQL's bigint has 18


class NoMomentError(Exception):
    """`status`: 400 for an invalid position, 404 for one that does not exist."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.title, self.detail = status, title, detail


def asked_position(request: HttpRequest, tape: int = LIVE, bounds: tuple[int, int] | None = None) -> int | None:
    """`?pos=`, None if the URL has none. Raises NoMomentError; `bounds` are the tape's by default."""
    raw = request.GET.get("pos", "")
    if not raw:
        return None
    first, last = bounds or marks.bounds(tape)
    allowed = f"The journal has the entries #{first} to #{last}." if last else "The journal has no entry yet."
    if not (raw.isascii() and raw.isdigit() and len(raw) <= LONGEST):
        raise NoMomentError(400, "That is no moment", f"“{raw[:40]}” is not the number of an entry. {allowed}")
    if not first <= int(raw) <= last:
        raise NoMomentError(404, "There is no such moment", f"There is no entry #{int(raw)} here. {allowed}")
    return int(raw)


def says_moments(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Answer NoMomentError with a page that explains what is allowed."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **names: Any) -> HttpResponse:
        try:
            return view(request, *args, **names)
        except NoMomentError as error:
            context = {"title": error.title, "detail": error.detail}
            return render(request, "panel/no_moment.html", context, status=error.status)

    return answer

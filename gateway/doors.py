"""What every page and API of the front door does before and after its view. Middleware.

Before: refuse an address that has a zero byte, which PostgreSQL holds in no text. After: say who may keep the answer. And a view
may raise Problem anywhere: a person gets a page, a program a problem document.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from gateway.errors import refused
from serving.problems import Problem

KEPT = "private, no-cache"
"""The stage: a browser may keep it to go back to, seats chosen and all, and asks before it shows it otherwise."""


class Doors:
    """Everything but files and the stage may name people, tickets or statements, so no cache keeps it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\x00" in request.path or "%00" in request.META["QUERY_STRING"]:
            detail = "Names, numbers and searches here have no zero byte (%00), and this address has one."
            response = refused(request, Problem(400, "No such address", detail))
        else:
            response = self.get_response(request)
        if response.status_code == 405 and not response.content and not request.path.startswith("/api/"):
            detail = (
                "This address takes what a page sends to it, and shows nothing by itself. The header lists the pages."
            )
            response = refused(
                request, Problem(405, "Nothing to see here", detail, headers={"Allow": response["Allow"]})
            )
        if not response.has_header("Cache-Control"):
            response["Cache-Control"] = KEPT if request.path == "/" else "no-store"
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return refused(request, exception) if isinstance(exception, Problem) else None

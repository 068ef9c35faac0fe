"""Middleware: what every page and API of the front door does before and after its view.

Before: refuse a URL with a zero byte, which PostgreSQL cannot store in text. After: set the caching headers. A view may
raise Problem anywhere: a person gets a page, a program a problem document.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from gateway.errors import refused
from serving.problems import Problem

KEPT = "private, no-cache"
"""The stage: a browser may keep it for going back, including the chosen seats, and otherwise revalidates it."""


class Doors:
    """Everything except files and the stage may name people, tickets or statements, so no cache may store it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\x00" in request.path or "%00" in request.META["QUERY_STRING"]:
            detail = "This address contains a zero byte (%00), which no name, number or search here has."
            response = refused(request, Problem(400, "No such address", detail))
        else:
            response = self.get_response(request)
        if response.status_code == 405 and not response.content and not request.path.startswith("/api/"):
            detail = (
                "This address only receives data from a page, and shows nothing by itself. The header lists the pages."
            )
            response = refused(
                request, Problem(405, "Nothing to see here", detail, headers={"Allow": response["Allow"]})
            )
        if not response.has_header("Cache-Control"):
            response["Cache-Control"] = KEPT if request.path == "/" else "no-store"
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return refused(request, exception) if isinstance(exception, Problem) else None

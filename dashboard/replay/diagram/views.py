"""The page /replay/diagram: a range of a tape by cause and effect, also of imported runs."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET

from dashboard import filtered
from dashboard.away import says_when_away
from dashboard.replay.diagram.asking import MOST, choices, read
from dashboard.replay.diagram.context import address, shown


@require_GET
@ensure_csrf_cookie
@says_when_away
def page(request: HttpRequest) -> HttpResponse:
    """The whole page, or for htmx the form's result, whose URL is pushed."""
    asked = read(request.GET)
    context: dict[str, Any] = {"asked": asked, "given": asked.given, **choices(), "most": MOST}
    status = 200
    if asked.problems:
        status = 404 if asked.missing else 400
    else:
        context |= shown(asked)
    return filtered.answer(request, "replay/diagram.html", "diagram", context, url=address(asked), status=status)

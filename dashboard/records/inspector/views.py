"""The page /bookings/<id>: the saga inspector."""

from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET

from dashboard.away import missing, says_when_away
from dashboard.records.inspector.context import inspect
from gateway.people.operator import is_operator, who


@require_GET
@ensure_csrf_cookie
@says_when_away
def page(request: HttpRequest, booking: UUID) -> HttpResponse:
    """The whole page, or for htmx the part that moves."""
    context = inspect(str(booking), operator=is_operator(request))
    if context is None:
        return missing(request, "No such booking", f"No service, no view and no journal entry has {booking}.")
    context |= {"who": who(request), "cancel_key": uuid4()}
    template = "records/inspector.html"
    return render(request, f"{template}#saga" if request.htmx else template, context)  # type: ignore[attr-defined]

"""The page /: the stage, and its partials."""

from uuid import UUID

from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET

from dashboard.faults import rail
from dashboard.panel.asked import asked_position, says_moments
from dashboard.panel.details import details
from dashboard.panel.story import narrow
from dashboard.stage import context
from gateway.people import masked_reading
from gateway.people.operator import is_operator
from gateway.people.ownership import armed_by
from gateway.people.visitor import visitor
from messaging.process.outage import is_passing


@require_GET
@ensure_csrf_cookie
@says_moments
def index(request: HttpRequest) -> HttpResponse:
    """The whole page. `?performance=&customer=&booking=&pos=` is a permalink to what it shows."""
    faults = {
        **rail.rail(visitor(request), armed_by(request)),
        **rail.form({}, own=not is_operator(request)),
        "mechanisms": rail.mechanisms(),
        "operator": is_operator(request),
    }
    try:
        if request.GET.get("pos") and not context.uuid_or_empty(request.GET.get("booking", "")):
            return redirect(f"/replay/of?pos={asked_position(request)}")  # no booking's: a moment of the run
        shown = context.page(request)
        status = 404 if shown["unknown_booking"] else 200
        return render(request, "stage/index.html", {**shown, **faults}, status=status)
    except Error as error:  # the page lives on the views: without them it can only say so
        if not is_passing(error):
            raise
        return render(request, "stage/away.html", faults, status=503)


@require_GET
@says_moments
def panel(request: HttpRequest, booking: UUID) -> HttpResponse:
    """One booking's story; with `?pos=` as it stood at that entry, with everything else the page shows then; else as of now.

    `?back=1`: the page comes back from the past, and wants the seats as they are. `?map=`: the version of those it has.
    """
    get = request.GET.get
    told = context.panel(
        str(booking), asked_position(request), get("performance", ""),
        follow=get("follow") == "1", narrow=narrow(request), back=get("back") == "1", seen=get("map", ""),
    )  # fmt: skip
    return render(request, "stage/booking.html#panel", told)


@require_GET
def entry(request: HttpRequest, booking: UUID, pos: int) -> HttpResponse:
    """One entry of a booking in full: payloads, rows, SQL, function, test."""
    found = details(str(booking), pos)
    if found is None:
        return HttpResponse(f"booking {booking} has no entry {pos}", status=404, content_type="text/plain")
    return render(request, "stage/entry.html", found)


@require_GET
def newest(request: HttpRequest) -> HttpResponse:
    """The story of whichever booking is the newest now."""
    performance = request.GET.get("performance", "")
    found = context.newest(narrow(request), performance)
    if found and request.GET.get("back") == "1":
        found |= context.seats_now(performance) | {"performance": performance}
    return render(request, "stage/booking.html#panel", found) if found else HttpResponse(status=204)


@require_GET
def opening(request: HttpRequest) -> HttpResponse:
    """What a page asks that was made before there was a hall or a customer: 204 while that is so, else it is loaded again.

    A page is told of seats that change; seats that are new have no place on it.
    """
    if not context.is_open(request.GET.get("performance", "")):
        return HttpResponse(status=204)
    return HttpResponse(headers={"HX-Refresh": "true"})


@require_GET
def recent(request: HttpRequest) -> HttpResponse:
    return render(request, "stage/booking.html#recent", {"recent": masked_reading.recent_bookings(6)})

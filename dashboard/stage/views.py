"""The page /: the stage, and its partials."""

from uuid import UUID

from django.db import Error
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET

from dashboard.faults import context as rail
from dashboard.panel.asked import asked_position, says_moments
from dashboard.panel.details import details
from dashboard.panel.story import picture
from dashboard.stage import context
from gateway.people import masked_reading
from gateway.people.operator import is_operator
from gateway.people.ownership import armed_by
from gateway.people.visitor import visitor
from gateway.safeties import TRIAL
from messaging.process.outage import is_passing


@require_GET
@ensure_csrf_cookie
@says_moments
def index(request: HttpRequest) -> HttpResponse:
    """The whole page. `?performance=&customer=&booking=&pos=` is a permalink to its content."""
    faults = {
        **rail.rail(visitor(request), armed_by(request)),
        **rail.form({}, own=not is_operator(request)),
        "mechanisms": rail.mechanisms(),
        "trial": TRIAL.last(),
        "operator": is_operator(request),
    }
    try:
        if request.GET.get("pos") and not context.uuid_or_empty(request.GET.get("booking", "")):
            return redirect(f"/replay/of?pos={asked_position(request)}")  # without a booking: a moment of the run
        shown = context.page(request)
        status = 404 if shown["unknown_booking"] else 200
        return render(request, "stage/index.html", {**shown, **faults}, status=status)
    except Error as error:  # the page needs the views: without them it can only report that
        if not is_passing(error):
            raise
        return render(request, "stage/away.html", faults, status=503)


@require_GET
@says_moments
def panel(request: HttpRequest, booking: UUID) -> HttpResponse:
    """One booking's story: with `?pos=` at that entry, together with the page's other panels; otherwise the current
    one. `?back=1`: the page returns from the past, and needs the current seats. `?map=`: the version of the seats it
    has.
    """
    get = request.GET.get
    found = context.panel(
        str(booking), asked_position(request), get("performance", ""),
        follow=get("follow") == "1", picture=picture(request), back=get("back") == "1", seen=get("map", ""),
    )  # fmt: skip
    return render(request, "panel/booking.html#panel", found)


@require_GET
def entry(request: HttpRequest, booking: UUID, pos: int) -> HttpResponse:
    """One entry of a booking in full: payloads, rows, SQL, function, test."""
    found = details(str(booking), pos)
    if found is None:
        return HttpResponse(f"booking {booking} has no entry {pos}", status=404, content_type="text/plain")
    return render(request, "panel/entry.html", found)


@require_GET
def newest(request: HttpRequest) -> HttpResponse:
    """The story of the newest booking."""
    performance = request.GET.get("performance", "")
    found = context.newest(picture(request), performance)
    if found and request.GET.get("back") == "1":
        found |= context.seats_now(performance) | {"performance": performance}
    return render(request, "panel/booking.html#panel", found) if found else HttpResponse(status=204)


@require_GET
def differing(request: HttpRequest) -> JsonResponse:
    """`?performance=`: the seats whose view has not applied the last change yet, {label: what Seat has committed}. A page
    asks while the seat map stands still."""
    return JsonResponse(context.differing_seats(request.GET.get("performance", "")[:100]))


@require_GET
def opening(request: HttpRequest) -> HttpResponse:
    """For a page that was rendered before there was a hall or a customer: 204 while that is so, otherwise the page
    reloads. The socket sends seats that change; new seats have no place on such a page.
    """
    if not context.is_open(request.GET.get("performance", "")):
        return HttpResponse(status=204)
    return HttpResponse(headers={"HX-Refresh": "true"})


@require_GET
def recent(request: HttpRequest) -> HttpResponse:
    return render(request, "panel/booking.html#recent", {"recent": masked_reading.recent_bookings(6)})

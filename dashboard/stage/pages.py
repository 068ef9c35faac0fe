"""The pages and their partials. Everything shown comes from the read models and the journal, by SELECT."""

from typing import Any
from uuid import UUID

from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET

from dashboard.faults import rail
from dashboard.replay.asked import asked_position, says_moments
from dashboard.replay.moment import panels
from dashboard.stage.details import details
from dashboard.stage.gauges import lags_of_page
from dashboard.stage.story import narrow, story
from drawing import present
from drawing.seats import sections
from gateway.people import reading
from gateway.people.operator import is_operator
from gateway.people.ownership import armed_by
from gateway.people.visitor import visitor
from journal.reading import queries as journal
from messaging.process.outage import is_passing
from projections import queries as views

FEATURED = "concert-2024"  # the field's textbook example is what a first visit shows
FEED = 40  # entries a fresh page begins with
METHODS = [
    ("tok_visa", "Visa, approves"),
    ("tok_declined", "card that declines"),
    ("tok_insufficient_funds", "card without funds"),
]


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
        if request.GET.get("pos") and not _uuid(request.GET.get("booking", "")):
            return redirect(f"/replay/of?pos={asked_position(request)}")  # no booking's: a moment of the run
        shown = _shown(request)
        status = 404 if shown["unknown_booking"] else 200
        return render(request, "stage/index.html", {**shown, **faults}, status=status)
    except Error as error:  # the page lives on the views: without them it can only say so
        if not is_passing(error):
            raise
        return render(request, "stage/away.html", faults, status=503)


def _shown(request: HttpRequest) -> dict[str, Any]:
    performances = views.performances()
    wanted = request.GET.get("booking", "").strip()
    booking, pos = _uuid(wanted), asked_position(request)
    unknown = "" if booking else wanted[:80]
    entries = reading.latest(FEED)
    asked = request.GET.get("performance", "")
    thin = narrow(request)
    told = story(booking, pos, performance=asked, narrow=thin) if booking else {} if unknown else _newest(thin, asked)
    if pos is not None:
        asked = asked or (told.get("booking") or {}).get("performance_id", "")
    chosen = asked or _first_ahead(performances)
    context = {
        "unknown_booking": unknown,
        "performances": performances,
        "performance": chosen,
        "announced": any(one["id"] == chosen for one in performances),
        "asked_performance": asked,
        "customers": reading.customers(),
        "customer": request.GET.get("customer", "123"),
        "methods": METHODS,
        "method": request.GET.get("method", "tok_visa"),
        "entries": [present.entry(raw) for raw in reversed(entries)],
        "pos": entries[-1]["pos"] if entries else 0,
        "epoch": journal.epoch(),
        "lags": lags_of_page(),
        "recent": reading.recent_bookings(6),
        "live": True,
        "whole": True,
        **told,
    }
    if booking and pos is not None:
        found = panels(pos, chosen)
        return context | found | {"sections": found["seats_then"]["sections"]}
    return context | {"sections": sections(views.seat_map(chosen))}


def _newest(thin: bool, performance: str = "") -> dict[str, Any]:
    """The story of the newest booking, which a page follows while none is chosen; {} before the first."""
    found = reading.recent_bookings(1)
    return story(str(found[0]["id"]), follow=True, performance=performance, narrow=thin) if found else {}


@require_GET
@says_moments
def panel(request: HttpRequest, booking: UUID) -> HttpResponse:
    """One booking's story; with `?pos=` as it stood at that entry, with everything else the page shows then; else as of now.

    `?back=1`: the page comes back from the past, and wants the seats as they are. `?map=`: the version of those it has.
    """
    pos, performance = asked_position(request), request.GET.get("performance", "")
    follow = request.GET.get("follow") == "1"
    told = story(str(booking), pos, follow=follow, performance=performance, narrow=narrow(request))
    performance = performance or (told["booking"] or {}).get("performance_id", "")
    if pos is not None:
        told |= panels(pos, performance, seen=request.GET.get("map", ""))
    elif request.GET.get("back") == "1":
        told |= _seats_now(performance)
    return render(request, "stage/booking.html#panel", told | {"performance": performance})


def _seats_now(performance: str) -> dict[str, Any]:
    return {"seats_now": {"sections": sections(views.seat_map(performance))}, "lags": lags_of_page()}


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
    found = _newest(narrow(request), performance)
    if found and request.GET.get("back") == "1":
        found |= _seats_now(performance) | {"performance": performance}
    return render(request, "stage/booking.html#panel", found) if found else HttpResponse(status=204)


@require_GET
def opening(request: HttpRequest) -> HttpResponse:
    """What a page asks that was made before there was a hall or a customer: 204 while that is so, else it is loaded again.

    A page is told of seats that change; seats that are new have no place on it.
    """
    performances = views.performances()
    chosen = request.GET.get("performance", "") or _first_ahead(performances)
    known = any(one["id"] == chosen and one["seats"] for one in performances)
    if not known or not reading.customers():
        return HttpResponse(status=204)
    return HttpResponse(headers={"HX-Refresh": "true"})


@require_GET
def recent(request: HttpRequest) -> HttpResponse:
    return render(request, "stage/booking.html#recent", {"recent": reading.recent_bookings(6)})


def _first_ahead(performances: list[dict[str, Any]]) -> str:
    ahead = [one["id"] for one in performances if one["ahead"]]
    return FEATURED if FEATURED in ahead else next(iter(ahead), "")


def _uuid(raw: str) -> str:
    try:
        return str(UUID(raw))
    except ValueError:
        return ""

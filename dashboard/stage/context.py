"""The content of the stage, from the read models and the journal, by SELECT."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest

from dashboard.gauges import lags_of_page
from dashboard.panel.asked import asked_position
from dashboard.panel.moment import committed, panels
from dashboard.panel.story import Picture, picture, story
from drawing import present
from drawing.seats import differing, sections
from gateway.bodies import most_seats
from gateway.people import masked_reading
from journal.reading import moments
from journal.reading import queries as journal
from projections import queries as views

FEATURED = "concert-2024"  # a first visit shows the textbook example
FEED = 40  # entries a fresh page begins with
METHODS = [
    ("tok_visa", "Visa, approves"),
    ("tok_declined", "card that declines"),
    ("tok_insufficient_funds", "card without funds"),
]


def page(request: HttpRequest) -> dict[str, Any]:
    """Context of the whole page; `unknown_booking`: the booking in the URL, if it does not exist. Raises NoMomentError."""
    performances = views.performances()
    wanted = request.GET.get("booking", "").strip()
    booking, pos = uuid_or_empty(wanted), asked_position(request)
    unknown = "" if booking else wanted[:80]
    entries = masked_reading.latest(FEED)
    asked = request.GET.get("performance", "")
    drawn = picture(request)
    shown = (
        story(booking, pos, performance=asked, picture=drawn) if booking else {} if unknown else newest(drawn, asked)
    )
    if pos is not None:
        asked = asked or (shown.get("booking") or {}).get("performance_id", "")
    chosen = asked or _first_ahead(performances)
    context = {
        "unknown_booking": unknown,
        "performances": performances,
        "performance": chosen,
        "announced": any(one["id"] == chosen for one in performances),
        "asked_performance": asked,
        "customers": masked_reading.customers(),
        "customer": request.GET.get("customer", "123"),
        "methods": METHODS,
        "most_seats": most_seats(),
        "method": request.GET.get("method", "tok_visa"),
        "entries": [present.entry(raw) for raw in reversed(entries)],
        "pos": entries[-1]["pos"] if entries else 0,
        "epoch": journal.epoch(),
        "lags": lags_of_page(),
        "recent": masked_reading.recent_bookings(6),
        "live": True,
        "whole": True,
        **shown,
    }
    if booking and pos is not None:
        found = panels(pos, chosen)
        return context | found | {"sections": found["seats_then"]["sections"]}
    return context | {"sections": sections(views.seat_map(chosen))}


def newest(drawn: Picture, performance: str = "") -> dict[str, Any]:
    """The story of the newest booking, which a page follows while none is chosen; {} before the first."""
    found = masked_reading.recent_bookings(1)
    return story(str(found[0]["id"]), follow=True, performance=performance, picture=drawn) if found else {}


def panel(
    booking: str, pos: int | None, performance: str, *, follow: bool, picture: Picture, back: bool, seen: str
) -> dict[str, Any]:
    """Context of one booking's panel. `back`: the page returns from the past, and needs the current seats; `seen`: the
    map it has."""
    found = story(booking, pos, follow=follow, performance=performance, picture=picture)
    performance = performance or (found["booking"] or {}).get("performance_id", "")
    if pos is not None:
        found |= panels(pos, performance, seen=seen)
    elif back:
        found |= seats_now(performance)
    return found | {"performance": performance}


def seats_now(performance: str) -> dict[str, Any]:
    return {"seats_now": {"sections": sections(views.seat_map(performance))}, "lags": lags_of_page()}


def differing_seats(performance: str) -> dict[str, str]:
    return differing(views.seat_map(performance), committed(moments.indexed(), performance))


def is_open(performance: str) -> bool:
    """Whether there is a hall with seats and a customer to book for."""
    performances = views.performances()
    chosen = performance or _first_ahead(performances)
    return any(one["id"] == chosen and one["seats"] for one in performances) and bool(masked_reading.customers())


def _first_ahead(performances: list[dict[str, Any]]) -> str:
    ahead = [one["id"] for one in performances if one["ahead"]]
    return FEATURED if FEATURED in ahead else next(iter(ahead), "")


def uuid_or_empty(raw: str) -> str:
    try:
        return str(UUID(raw))
    except ValueError:
        return ""

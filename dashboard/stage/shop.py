"""The booking form. Its answers are for a person: each status has an explanation, and what to do next.

Besides the partial an answer has an event for static/stage/shop.js: `booked`, `refused` (this request certainly booked
nothing) or `unanswered` (unknown: the page asks again with the same key).
"""

import json
from typing import Any

from django.contrib.humanize.templatetags.humanize import apnumber
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from dashboard.panel.story import from_entries, picture
from dashboard.typed import form_key, whole_or_text
from drawing.money import money
from gateway.bodies import most_seats
from gateway.clients import BOOKING, INJECTED, ServiceDown, call
from gateway.people import masked_reading
from gateway.people.visitor import placed_by
from gateway.pressure import PRESSURE
from serving.problems import Problem

STILL_CHOSEN = "Nothing was booked, and your seats are still selected"
CHOOSE = {
    "performance": "Choose a performance from the list.",
    "seats": f"Choose one to {apnumber(most_seats())} seats on the map.",
    "customer": "Choose a customer from the list.",
    "payment_method": "Choose how to pay from the list.",
}
"""What a person should do about a field that is missing or invalid."""


@require_POST
def book(request: HttpRequest) -> HttpResponse:
    """Send the form to the booking service; show the booking's panel, or why there is none. `performance` is the map's.
    `seen_amount` and `seen_currency`: the price of the seats on the map, minor units; left out, they are booked at any
    price. `accept`: a sum and its currency that the buyer has accepted instead.
    """
    body = _asked(request)
    headers = {"Idempotency-Key": form_key(request)} | placed_by(request)
    try:
        PRESSURE.check()
        answer = call(BOOKING, "POST", "/api/bookings", json=body, headers=headers)
    except Problem as late:
        return _refused(request, late.status, late.title, f"{STILL_CHOSEN}: try again in a moment.")
    except ServiceDown:
        return _unanswered(request)
    if answer.status_code == 202:
        return _booked(request, answer.json())
    if answer.status_code >= 500 and answer.status_code != 503:
        return _unanswered(request)
    if fault := answer.headers.get(INJECTED):
        said = f"Booking's API is down on purpose. {STILL_CHOSEN}: try again."
        return _refused(request, answer.status_code, "Injected fault", said, hint=f"fault {fault}")
    return _explain(request, answer.status_code, _problem_of(answer.content))


def _asked(request: HttpRequest) -> dict[str, Any]:
    sent = request.POST
    body: dict[str, Any] = {
        "performance": sent.get("performance", ""),
        "seats": [seat for seat in sent.get("seats", "").split(",") if seat],
        "customer": whole_or_text(sent.get("customer", "")),
        "payment_method": sent.get("payment_method", ""),
    }
    amount, _, currency = sent.get("accept", "").partition(" ")
    amount, currency = amount or sent.get("seen_amount", ""), currency or sent.get("seen_currency", "")
    return body | ({"seen": {"amount": whole_or_text(amount), "currency": currency}} if amount or currency else {})


def _booked(request: HttpRequest, accepted: dict[str, Any]) -> HttpResponse:
    """The current story of a booking that the key has found, which may have ended by now."""
    booking, performance = accepted["id"], request.POST.get("performance", "")
    entries = masked_reading.entries_of(booking)
    found = from_entries(booking, entries, performance=performance, picture=picture(request)) | {"fresh": not entries}
    response = render(request, "panel/booking.html#panel", found)
    response["HX-Trigger"] = json.dumps({"booked": {"id": booking, "state": accepted["state"]}})
    shown = request.POST.get("map", "") or performance
    response["HX-Push-Url"] = f"/?performance={shown}&customer={request.POST.get('customer', '')}&booking={booking}"
    return response


def _problem_of(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {}


def _explain(request: HttpRequest, status: int, problem: dict[str, Any]) -> HttpResponse:
    """Explains an answer of Booking's that booked nothing."""
    title, detail = problem.get("title") or "Not booked", problem.get("detail") or ""
    if problem.get("type") == "price-changed":
        price = problem["price"]
        now = money(price["amount"], price["currency"])
        said = f"These seats cost {now} now, which is not what the map showed. Nothing was booked."
        return _refused(request, status, title, said, accept=f"{price['amount']} {price['currency']}", now=now)
    if status in (429, 503):
        return _refused(request, status, title, f"{detail}. {STILL_CHOSEN}: try again in a moment.".lstrip(". "))
    if title == "Invalid request":
        fields = [str(error.get("pointer", "")).lstrip("#/").split("/")[0] for error in problem.get("errors", [])]
        said = " ".join(dict.fromkeys(CHOOSE[field] for field in fields if field in CHOOSE))
        return _refused(request, status, "Not booked", said or "The form is incomplete: load the page again.")
    return _refused(request, status, title, detail)


def _refused(request: HttpRequest, status: int, title: str, detail: str, **more: Any) -> HttpResponse:
    return _problem(request, {"refused": {"status": status}}, title=title, detail=detail, **more)


def _unanswered(request: HttpRequest) -> HttpResponse:
    detail = "It is not known yet whether it was booked. It books only once, however often it is sent."
    return _problem(request, {"unanswered": {}}, title="No answer yet", detail=detail)


def _problem(request: HttpRequest, event: dict[str, Any], **context: Any) -> HttpResponse:
    response = render(request, "panel/booking.html#problem", context)
    response["HX-Trigger"] = json.dumps(event)
    response["HX-Retarget"], response["HX-Reswap"] = "#problem", "outerHTML"
    return response

"""The page /operate: sagas and messages that need a person, and the buttons. Also the customer's cancel button on the
booking's panel."""

import json
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET, require_POST

from dashboard.away import for_operators
from dashboard.operate import context, letters
from dashboard.operate.letters import SERVICES
from dashboard.typed import form_key, whole_or_text
from drawing.present import SERVICE_NAMES
from gateway.clients import BOOKING, ServiceDown, call, in_words
from gateway.operate_api import ask
from gateway.people.operator import require_operator, who
from gateway.people.ownership import check_owner
from serving.problems import Problem

DONE = {
    "retry-now": "The step is tried again, with all its attempts.",
    "skip": "The saga continues without that step.",
    "resend": "The command is sent again.",
    "cancel": "The booking is being cancelled.",
    "end": "The saga is ended by hand.",
    "retry": "The message is sent again.",
    "edit-and-retry": "The edited message is sent.",
    "discard": "The message is discarded.",
}


@require_GET
@ensure_csrf_cookie
@for_operators("Stuck sagas and dead letters are for the operator to settle.")
def page(request: HttpRequest) -> HttpResponse:
    return render(request, "operate/operate.html", {"who": who(request), **context.work(request)})


@require_GET
@require_operator
def work(request: HttpRequest) -> HttpResponse:
    """The work to do; 204 if the page already has the same (`?seen=`)."""
    found = context.work(request)
    if request.GET.get("seen") == found["digest"]:
        return HttpResponse(status=204)
    return render(request, "operate/operate.html#work", found)


@require_POST
@require_operator
def act_on_saga(request: HttpRequest, booking: UUID, verb: str) -> HttpResponse:
    seen = {name: request.POST[name] for name in (*context.SEEN, "booking_state") if request.POST.get(name)}
    return _act(request, BOOKING, f"/api/operator/sagas/{booking}/{verb}", verb, **seen)


@require_POST
@require_operator
def act_on_letter(request: HttpRequest, service: str, letter: UUID, verb: str) -> HttpResponse:
    if service not in SERVICES:
        return _answer(request, "No such service", f"'{service}' is none of {', '.join(SERVICES)}")
    more: dict[str, Any] = {}
    if verb == "edit-and-retry":
        try:
            more["data"] = _exact(request.POST.get("data", ""))
        except ValueError as error:
            return _answer(request, "Not JSON", str(error))
    return _act(request, service, f"/api/{service}/dead-letters/{letter}/{verb}", verb, **more)


def _exact(text: str) -> Any:
    """The JSON in `text`. Raises ValueError, also for a number that no JSON can carry on to the service (NaN, 1e400)."""
    found = json.loads(text)
    json.dumps(found, allow_nan=False)
    return found


@require_POST
@require_operator
def settle_letters(request: HttpRequest, service: str, verb: str) -> HttpResponse:
    """Retry or discard the ticked letters; with `all`, those that existed at `until`."""
    if service not in SERVICES or verb not in letters.MANY:
        return _answer(request, "Not found", f"there is no '{verb}' of letters of '{service}'")
    decision = {"who": request.POST.get("who", ""), "why": request.POST.get("why", "")}
    if missing := _missing(decision):
        return _answer(request, "Not done", missing)
    until = request.POST.get("until", "") if request.POST.get("all") else ""
    try:
        return _answer(request, *letters.settle(service, verb, decision, request.POST.getlist("letter"), until))
    except ServiceDown as error:
        return _answer(request, f"{SERVICE_NAMES[service]} does not answer", str(error))


@require_POST
def cancel(request: HttpRequest, booking: UUID) -> HttpResponse:
    """The customer's button. The panel shows the outcome, from the journal."""
    body = {"customer": whole_or_text(request.POST.get("customer", ""))}
    headers = {"Idempotency-Key": form_key(request)}
    try:
        check_owner(request, str(booking))
        answer = call(BOOKING, "POST", f"/api/bookings/{booking}/cancel", json=body, headers=headers)
    except ServiceDown:
        detail = "It is not known yet whether the booking is being cancelled. Press again: it is cancelled only once."
        return _cancelled(request, "Booking does not answer", detail)
    except Problem as foreign:
        return _cancelled(request, foreign.title, foreign.detail)
    if answer.status_code == 202:
        return _cancelled(request, "", "Cancelling: watch the steps.")
    return _cancelled(request, **in_words(answer, "Not cancelled"))


def _cancelled(request: HttpRequest, title: str, detail: str) -> HttpResponse:
    return render(request, "operate/operate.html#cancelled", {"title": title, "detail": detail})


def _missing(decision: dict[str, str]) -> str:
    """The missing fields, in words; "" if none. The page checks them first: this is for a browser without scripts."""
    words = {"who": "Enter your name: it is kept in the journal.", "why": "Enter a reason: it is kept in the journal."}
    return next((words[name] for name, text in decision.items() if not text.strip()), "")


def _act(request: HttpRequest, service: str, path: str, verb: str, **more: Any) -> HttpResponse:
    decision = {"who": request.POST.get("who", ""), "why": request.POST.get("why", "")}
    if missing := _missing(decision):
        return _answer(request, "Not done", missing)
    try:
        answer = ask("POST", service, path, json={**decision, **more})
    except ServiceDown:
        detail = "It is not known yet whether it was done: the list below shows the current state."
        return _answer(request, f"{SERVICE_NAMES[service]} does not answer", detail)
    if answer.status_code in (200, 202):
        return _answer(request, "", DONE.get(verb, "Done."))
    return _answer(request, **in_words(answer, "Refused"))


def _answer(request: HttpRequest, title: str, detail: str) -> HttpResponse:
    """The outcome of a button: a problem has a title. Without one the list reloads."""
    response = render(request, "operate/operate.html#answer", {"title": title, "detail": detail})
    if not title:
        response["HX-Trigger"] = "acted"
    return response

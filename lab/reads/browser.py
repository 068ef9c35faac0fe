"""The browser asks by itself: one address for each part, as it would have without a composer; and one for the composed answer.

The network between them is simulated: each answer waits for one round trip of the chosen length. On one machine there is none.
"""

import json
import math
import time
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from gateway.clients import BOOKING, ServiceDown, as_it_is, call
from gateway.people.operator import require_operator
from lab import waterfall
from lab.chosen import one_of
from lab.halls import READS
from lab.reads import asking
from lab.reads.composition import PAYMENTS, TICKETS
from lab.reads.viewers import VIEWERS, may_see, refusal
from lab.waterfall import Span
from serving.problems import Problem

ROUND_TRIPS_MS = (0, 50, 300)
MOST_SPANS = 20
"""That a browser may hand in to be drawn."""


@require_GET
@require_operator
def subject(request: HttpRequest) -> HttpResponse:
    """What the browser asks about: {"booking", "customer"}. 409 while nothing has been asked yet: a GET books nothing."""
    try:
        answer = call(BOOKING, "GET", f"/api/bookings?performance={READS.id}&limit=1")
    except ServiceDown as error:
        return error.problem().response()
    found = answer.json() if answer.is_success else []
    if not found:
        return Problem(409, "Nothing to ask about", "ask the composer first: that makes the bookings").response()
    return JsonResponse({"booking": found[0]["id"], "customer": found[0]["customer_id"]})


@require_GET
@require_operator
def net(request: HttpRequest, part: str) -> HttpResponse:
    """One call of the browser's own, after a simulated round trip: what the part's owner says, if the viewer may see the part."""
    viewer = one_of(request.GET.get("viewer", ""), VIEWERS, "role")
    _wait(request)
    given = request.GET.get("id", "")
    paths = {
        "booking": (BOOKING, f"/api/bookings/{given}"),
        "customer": (BOOKING, f"/api/customers/{given}"),
        "payment": (PAYMENTS, f"/api/payments?booking={given}"),
        "tickets": (TICKETS, f"/api/tickets?booking={given}"),
    }
    if part not in paths:
        raise Problem(404, "No such part", f"'{part[:40]}' is none of {', '.join(paths)}")
    if not given.replace("-", "").isalnum() or not given.isascii():
        raise Problem(422, "No such id", f"'{given[:40]}' is no id")
    if not may_see(viewer, part):
        return Problem(403, "Not for this role", refusal(viewer, part)).response()
    service, path = paths[part]
    try:
        return as_it_is(call(service, "GET", path))
    except ServiceDown as error:
        return error.problem().response()


@require_GET
@require_operator
def net_composed(request: HttpRequest) -> HttpResponse:
    """The composed answer about one booking, after one simulated round trip: the composer decides once who may see what."""
    viewer = one_of(request.GET.get("viewer", ""), VIEWERS, "role")
    customer = request.GET.get("customer", "0")
    _wait(request)
    try:
        return as_it_is(asking.composed("parallel", 1, viewer=viewer, customer=customer))
    except Problem as problem:
        return problem.response()
    except ServiceDown as error:
        return error.problem().response()


@require_POST
@require_operator
def draw(request: HttpRequest) -> HttpResponse:
    """Draw what the browser has measured: `own` and `composed` are lists of spans as JSON."""
    own, composed = (_spans(request.POST.get(name, "")) for name in ("own", "composed"))
    took = max((span.began_ms + span.took_ms for span in (*own, *composed)), default=0.0)
    mine, one = (
        {"drawn": waterfall.draw(spans, took), "outcomes": ", ".join(span.outcome for span in spans)}
        for spans in (own, composed)
    )
    return render(request, "lab/composition.html#browser", {"own_calls": mine, "composed": one})


def _spans(text: str) -> list[Span]:
    """Raises Problem 422 for anything but a short list of spans."""
    try:
        found = json.loads(text)
        spans = [
            Span(
                str(one["service"])[:20], str(one["call"])[:80], _ms(one["began"]), _ms(one["took"]), int(one["status"])
            )
            for one in found
        ]
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise Problem(422, "Not a waterfall", "this is no list of calls: service, call, began, took, status") from error
    if len(spans) > MOST_SPANS:
        raise Problem(422, "Not a waterfall", f"at most {MOST_SPANS} calls are drawn, and these are {len(spans)}")
    return spans


def _ms(value: Any) -> float:
    found = float(value)
    if not math.isfinite(found) or not 0 <= found <= 600_000:
        raise ValueError(f"{found} is no time of a call")
    return found


def _wait(request: HttpRequest) -> None:
    """For the simulated network. Raises Problem 422."""
    time.sleep(int(one_of(request.GET.get("rtt", "0"), map(str, ROUND_TRIPS_MS), "round trip")) / 1000)

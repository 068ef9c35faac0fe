"""The pages /customers and /customers/<id>: the customers, and how a new name reaches the views."""

from hashlib import sha256
from typing import Any
from uuid import uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET, require_POST

from dashboard import filtered
from dashboard.away import for_operators, missing, says_when_away
from dashboard.typed import LARGEST, form_key, whole
from gateway.clients import BOOKING, ServiceDown, call, get_json, in_words
from gateway.people import masked_reading
from gateway.people.operator import require_operator
from projections import sums
from topology.tuning import Seconds

OPERATORS = for_operators("The list of customers is for operators.")
PAGE, LONGEST = 50, 80
PATIENCE_S: Seconds = 1.5  # the views can be shown without Booking's answer


@require_GET
@ensure_csrf_cookie
@OPERATORS
@says_when_away
def listing(request: HttpRequest) -> HttpResponse:
    """`?q=` part of a name, or a number; `?after=` the number of the last customer on the previous page."""
    search, raw = request.GET.get("q", "").strip(), request.GET.get("after", "")
    context: dict[str, Any] = {"q": search, "rows": [], "problem": ""}
    context["first"] = filtered.address("customers", {"q": search}) if raw else ""
    after = whole(raw or "0")
    if after is None:
        context["problem"] = "This address has been cut; begin again at the first customer."
    elif len(search) > LONGEST or "\x00" in search:
        context["problem"] = f"Search for at most {LONGEST} characters, without a zero byte."
    else:
        found = sums.customers(search, after, PAGE + 1)
        more = {"q": search, "after": found[PAGE - 1]["id"]} if len(found) > PAGE else None
        context |= {"rows": found[:PAGE], "next": filtered.address("customers", more) if more else ""}
    url, status = filtered.address("customers", {"q": search, "after": raw}), 400 if context["problem"] else 200
    return filtered.answer(request, "records/customers.html", "list", context, url=url, status=status)


@require_GET
@ensure_csrf_cookie
@OPERATORS
@says_when_away
def page(request: HttpRequest, customer: int) -> HttpResponse:
    found = sums.customer(customer) if customer <= LARGEST else None
    names = _names(customer) if customer <= LARGEST else {}
    if found is None and not names.get("truth"):
        return missing(request, "No such customer", f"Neither Booking nor the views have a customer {customer}.")
    rows = masked_reading.bookings_of(customer, limit=PAGE)
    context = {**names, "customer": found, "customer_id": customer, "rows": rows, "key": uuid4(), "page": PAGE}
    return render(request, "records/customer.html", context)


@require_GET
@OPERATORS
@says_when_away
def names(request: HttpRequest, customer: int) -> HttpResponse:
    """Booking's version next to each view's; reloads until they are the same."""
    return render(request, "records/customer.html#names", {**_names(customer), "customer_id": customer})


@require_POST
@require_operator
def rename(request: HttpRequest, customer: int) -> HttpResponse:
    """Send the form to Booking; the answer is the form again, with the outcome."""
    name, version = request.POST.get("name", ""), request.POST.get("version", "")
    body: dict[str, Any] = {"name": name}
    if (seen := whole(version)) is not None:
        body["version"] = seen
    # Another name is another intention: after a lost answer it must not reuse the key of the previous name.
    key = form_key(request)
    headers = {"Idempotency-Key": key and f"{key}.{sha256(name.encode('utf-8', 'replace')).hexdigest()[:32]}"}
    context: dict[str, Any] = {"customer_id": customer, "key": uuid4(), "typed": name}
    try:
        answer = call(BOOKING, "PATCH", f"/api/customers/{customer}", json=body, headers=headers)
        if answer.status_code >= 500 and answer.status_code != 503:
            raise ServiceDown(BOOKING, ValueError("no answer, so the outcome is unknown"))
    except ServiceDown:
        detail = "It is not known yet whether the customer has the new name. Press again: it is given only once."
        context |= {"title": "Booking does not answer", "detail": detail, "key": key or context["key"]}
    else:
        if answer.status_code == 200:
            renamed = answer.json()
            context |= {"done": renamed, "typed": renamed["name"], "truth": renamed}
        else:
            context |= in_words(answer, "Not renamed")
    if "truth" not in context:
        context["truth"] = _truth(customer)[0]
    response = render(request, "records/customer.html#rename", context)
    if "done" in context:
        response["HX-Trigger"] = "renamed"
    return response


def _names(customer: int) -> dict[str, Any]:
    """{"truth", "down", "versions", "converged"}: Booking's version, and each view's."""
    truth, down = _truth(customer)
    found = sums.versions(customer)
    versions = {one["view"]: one["version"] for one in found}
    converged = truth is not None and versions == dict.fromkeys(sums.NAMED_IN, truth["version"])
    return {"truth": truth, "down": down, "versions": found, "converged": converged}


def _truth(customer: int) -> tuple[dict[str, Any] | None, str]:
    try:
        return get_json(BOOKING, f"/api/customers/{customer}", timeout=PATIENCE_S), ""
    except ServiceDown as error:
        return None, str(error)

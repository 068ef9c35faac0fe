"""What a person does on the page: book, and break. Ordinary POSTs with CSRF and an idempotency key; the answer is a partial."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST
from redis import Redis

import faults as plan
from dashboard.clients import ServiceDown, call
from faults.toggles import LABELS, TOGGLES
from messaging.connections import redis_client


@require_POST
def book(request: HttpRequest) -> HttpResponse:
    """Hand the form to the booking service; show the booking's panel, or the problem in the form's own words."""
    seats = [seat for seat in request.POST.get("seats", "").split(",") if seat]
    customer = request.POST.get("customer", "")
    body = {
        "performance": request.POST.get("performance", ""),
        "seats": seats,
        "customer": int(customer) if customer.isascii() and customer.isdigit() else customer,
        "payment_method": request.POST.get("payment_method", ""),
    }
    headers = {"Idempotency-Key": request.headers.get("Idempotency-Key", "")}
    try:
        answer = call("booking", "POST", "/api/bookings", json=body, headers=headers)
    except ServiceDown as error:
        return _problem(request, "Booking does not answer", f"{error}. Your seats are still selected: try again.")
    if answer.status_code != 202:
        problem = answer.json()
        return _problem(request, problem.get("title", "Not booked"), problem.get("detail", ""))
    booking = answer.json()["id"]
    context = {"booking_id": booking, "fresh": True, "panel_url": reverse("panel", args=[booking])}
    response = render(request, "dashboard/booking.html#waiting", context)
    response["HX-Trigger"] = "booked"
    response["HX-Push-Url"] = f"/?performance={body['performance']}&customer={customer}&booking={booking}"
    return response


def _problem(request: HttpRequest, title: str, detail: str) -> HttpResponse:
    response = render(request, "dashboard/booking.html#problem", {"title": title, "detail": detail})
    response["HX-Retarget"], response["HX-Reswap"] = "#problem", "outerHTML"
    return response


@require_GET
def faults(request: HttpRequest) -> HttpResponse:
    return render(request, "dashboard/faults.html#rail", {"toggles": toggles(redis_client())})


@require_POST
def toggle(request: HttpRequest, name: str) -> HttpResponse:
    """Arm a one-shot fault, or clear it if it is armed."""
    if name not in TOGGLES:
        return HttpResponse(f"no fault '{name}'; there are {', '.join(TOGGLES)}", status=404, content_type="text/plain")
    redis = redis_client()
    armed = [fault for fault in plan.listing(redis) if fault.name == name]
    for fault in armed:
        plan.clear(redis, fault.id)
    if not any(fault.remaining for fault in armed):
        plan.arm(redis, TOGGLES[name]())
    return render(request, "dashboard/faults.html#rail", {"toggles": toggles(redis)})


def toggles(redis: Redis) -> list[dict[str, str]]:
    """Each toggle's state: idle, armed, or fired (it was a one-shot, so it is spent) with the booking it struck."""
    faults = {fault.name: fault for fault in plan.listing(redis)}
    shown = []
    for name, label in LABELS.items():
        fault = faults.get(name)
        state = "idle" if fault is None else "armed" if fault.remaining else "fired"
        shown.append({"name": name, "label": label, "state": state, "booking": fault.last_booking if fault else ""})
    return shown

"""Places a first booking in an empty sandbox: the page requests it once, as soon as every part is ready."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from gateway import readiness
from gateway.clients import BOOKING, ServiceDown, call
from projections import queries as views

DEMO = {"performance": "concert-2024", "seats": ["E-9"], "customer": 99, "payment_method": "tok_visa"}
KEY = "first-run"  # one intention, however many pages request it: Booking's idempotency makes it one booking


@require_POST
def first_run(request: HttpRequest) -> HttpResponse:
    """204: not yet, ask again. 200 without content: there is a booking, no need to ask again."""
    if not views.recent_bookings(1):
        if any(state != "ready" for state in readiness.parts().values()):
            return HttpResponse(status=204)
        try:  # any other answer than 202 means that this is not the demo's programme: nothing to show, and no error
            call(BOOKING, "POST", "/api/bookings", json=DEMO, headers={"Idempotency-Key": KEY})
        except ServiceDown:
            return HttpResponse(status=204)
    return HttpResponse()

"""The front door: one API for clients. It answers from the read models, or forwards to the service that owns the data."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import NinjaAPI

from gateway import faults_api, operate_api, readiness
from gateway.audit.verdict_api import router as verdict_router
from gateway.bodies import request_of, takes
from gateway.clients import BOOKING, SEATS, ServiceDown, as_it_is, call
from gateway.people import masked_reading
from gateway.people.operator import operators_only
from gateway.people.ownership import check_owner
from gateway.people.privacy import masked
from gateway.people.visitor import placed_by
from gateway.pressure import PRESSURE
from gateway.runs import runs_api
from gateway.runs.replay_api import router as replay_router
from projections import queries
from serving.doors.headers import handed_on
from serving.problems import Problem, install

api = NinjaAPI(
    title="Sagabox",
    version="1",
    description="Book seats by a saga over three services. Errors are RFC 9457 problem details.",
    urls_namespace="front-door",
    docs_url="/api/docs",
    openapi_url="/api/openapi.json",
)
install(api)
api.add_router("/api", faults_api.router)
api.add_router("/api", operate_api.router)
api.add_router("/api", runs_api.router)
api.add_router("", verdict_router)
api.add_router("", replay_router)


@api.exception_handler(ServiceDown)
def service_down(request: HttpRequest, error: ServiceDown) -> HttpResponse:
    return error.problem().response()


def _hand_over(service: str, request: HttpRequest, path: str, **more: Any) -> HttpResponse:
    """Call the owner and return its answer unchanged."""
    return as_it_is(call(service, request.method or "GET", path, **more))


@api.get("/api/performances", summary="Performances on sale")
def performances(request: HttpRequest) -> HttpResponse:
    return _hand_over(SEATS, request, "/api/performances")


@api.post(
    "/api/performances",
    auth=operators_only,
    summary="Announce a performance, with its hall and prices (operators)",
    openapi_extra=takes(request_of(SEATS, "PerformanceIn")),
)
def new_performance(request: HttpRequest) -> HttpResponse:
    return as_it_is(operate_api.ask("POST", SEATS, "/api/performances", content=request.body))


@api.get("/api/customers", auth=operators_only, summary="Customers (operators)")
def customers(request: HttpRequest) -> HttpResponse:
    return _hand_over(BOOKING, request, "/api/customers")


@api.patch(
    "/api/customers/{customer_id}",
    auth=operators_only,
    summary="Rename a customer; the views follow (operators)",
    openapi_extra=takes(request_of(BOOKING, "RenameIn"), key=True),
)
def rename(request: HttpRequest, customer_id: int) -> HttpResponse:
    path = f"/api/customers/{customer_id}"
    return _hand_over(BOOKING, request, path, content=request.body, headers=handed_on(request))


@api.get(
    "/api/customers/{customer_id}", auth=operators_only, summary="A customer, from the service that owns it (operators)"
)
def customer(request: HttpRequest, customer_id: int) -> HttpResponse:
    return _hand_over(BOOKING, request, f"/api/customers/{customer_id}")


@api.get("/api/performances/{performance}/seats", summary="The seat map, from the read model")
def seats(request: HttpRequest, performance: str) -> Any:
    found = queries.seat_map(performance)
    if not found:
        raise Problem(404, "Unknown performance", f"no performance '{performance}' is in the seat map")
    return found


@api.post(
    "/api/bookings",
    summary="Book seats: starts a saga",
    openapi_extra=takes(request_of(BOOKING, "BookingIn"), key=True),
)
def book(request: HttpRequest) -> HttpResponse:
    PRESSURE.check()
    headers = handed_on(request) | placed_by(request)
    return _hand_over(BOOKING, request, "/api/bookings", content=request.body, headers=headers)


@api.post(
    "/api/bookings/{booking_id}/cancel",
    summary="Cancel a booking: turns its saga back, or starts a cancelling saga",
    openapi_extra=takes(request_of(BOOKING, "CancelIn"), key=True),
)
def cancel(request: HttpRequest, booking_id: UUID) -> HttpResponse:
    check_owner(request, str(booking_id))
    return _hand_over(
        BOOKING,
        request,
        f"/api/bookings/{booking_id}/cancel",
        content=request.body,
        headers=handed_on(request),
    )


@api.get("/api/bookings/{booking_id}", summary="A booking, from the read model")
def booking(request: HttpRequest, booking_id: UUID) -> Any:
    found = masked_reading.booking(booking_id)
    if found is None:
        raise Problem(404, "Unknown booking", f"the read model has no booking '{booking_id}' (yet)")
    return found


@api.get("/api/bookings/{booking_id}/saga", summary="Its saga: steps, attempts, and the remaining steps")
def saga(request: HttpRequest, booking_id: UUID, saga: UUID | None = None) -> HttpResponse:
    """The newest of the booking's sagas, or the requested one."""
    params = {"saga": str(saga)} if saga else {}
    answer = call(BOOKING, "GET", f"/api/bookings/{booking_id}/saga", params=params)
    return JsonResponse(masked(answer.json(), str(booking_id))) if answer.is_success else as_it_is(answer)


@api.get(
    "/api/{service}/events", auth=operators_only, summary="A service's event log, starting at a horizon (operators)"
)
def events(request: HttpRequest, service: str, after: str = "0", limit: str = "1000") -> HttpResponse:
    if service not in settings.SERVICES:
        raise Problem(404, "Unknown service", f"'{service}' is none of {', '.join(settings.SERVICES)}")
    return _hand_over(service, request, f"/api/{service}/events", params={"after": after, "limit": limit})


@api.get("/healthz", summary="This process is alive")
def healthz(request: HttpRequest) -> dict[str, str]:
    return {"status": "ok"}


@api.get("/readyz", summary="Which parts are ready", response={200: dict, 503: dict})
def readyz(request: HttpRequest) -> tuple[int, dict[str, Any]]:
    parts = readiness.parts()
    ready = all(state == "ready" for state in parts.values())
    return (200 if ready else 503), {"ready": ready, "parts": parts}


def _sections() -> None:
    """Put each route without a section into the one that its path names: /api/bookings/{id} belongs to the bookings."""
    for path, view in api.default_router.path_operations.items():
        for operation in view.operations:
            named = path.strip("/").removeprefix("api/").partition("/")[0]
            section = {"{service}": "services", "healthz": "health", "readyz": "health"}.get(named, named)
            operation.tags = operation.tags or [section]


_sections()

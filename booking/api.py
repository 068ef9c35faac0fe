"""Booking's HTTP API: place a booking, read it and its saga, customers, and the event log."""

import asyncio
import re
from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID, uuid4

from django.db import close_old_connections
from django.http import Http404, HttpRequest, HttpResponse
from ninja import Query, Schema, Status

from booking import operator_api, saga_api
from booking.customers import api as customers
from booking.models import Booking, DeadLetter, Outbox
from booking.orchestrator.inbound import validate
from booking.placing import transaction
from booking.placing.apart import Apart
from booking.placing.group_commit import GroupCommit, Overloaded
from booking.placing.switches import Switches
from booking.placing.transaction import PRICES_UNKNOWN, PlaceBooking, Placed, Price, Refused, Result
from booking.schemas import BookingIn
from booking.truth import NAMED, TRUTH
from faults import Mechanism
from messaging.database import Database
from messaging.message import SLUG
from messaging.postgresql import kept
from messaging.process.warm_up import rolled_back
from serving.doors.headers import IN_OPENAPI, PLACED_BY, key_of
from serving.problems import Problem, ProblemDetails
from serving.service_api import service_api
from serving.several import MOST
from topology.chosen import HOUSE
from topology.tuning import Count

api = service_api("booking", outbox=Outbox, dead_letter=DeadLetter, validate=validate, truth=TRUTH, named=NAMED)
api.add_router("/api", saga_api.router)
api.add_router("/api", customers.router)
api.add_router("/api/operator", operator_api.router)

BATCH: Count = 50
"""Requests that share one local transaction, at most. Gained: 490 to 540 bookings placed a second became 1,150 to
1,310."""
WAITING: Count = 2000  # requests in line for it, at most; more are refused with 503
VISITOR = re.compile(r"[0-9a-f]{16}")
PRICE_CHANGED = "price-changed"  # the type of the problem


class BookingAccepted(Schema):
    id: UUID
    state: str
    url: str


class BookingOut(Schema):
    """A booking, from its owner. `amount` in minor units of `currency`; null until Seat has returned the price."""

    id: UUID
    state: str
    reason: str
    customer_id: int
    performance_id: str
    seats: list[str]
    payment_method: str
    amount: int | None
    currency: str
    saga_id: UUID
    version: int
    placed_by: str


def _place(requests: Any) -> list[Result | Exception]:
    """Runs in the group commit's thread, which keeps its connection, unless that is broken."""
    close_old_connections()
    kept.close_if_cut(DATABASE.alias)
    try:
        # the control: each request counts as a new one, so a double click books twice
        if switches.off(Mechanism.IDEMPOTENCY_KEY):
            requests = [replace(request, key=f"{request.key} {uuid4()}") for request in requests]
        return apart(requests)
    except Exception:
        DATABASE.close()
        raise


async def keep_connection() -> None:
    """Let the group commit's thread keep a connection of its own, outside of the pool."""
    await asyncio.get_running_loop().run_in_executor(front.thread, kept.keep_connection, DATABASE.alias)


async def rehearse() -> None:
    """Do once, without effect, what delays the first booking."""
    await asyncio.get_running_loop().run_in_executor(front.thread, _rehearse)


def _rehearse() -> None:
    switches.off(Mechanism.IDEMPOTENCY_KEY)
    with rolled_back(DATABASE):
        transaction.rehearse(DATABASE)


switches = Switches()
DATABASE = Database(HOUSE.database_of("booking").alias)
apart = Apart(DATABASE, lambda db, requests: transaction.place(db, requests))
front = GroupCommit(_place, size=BATCH, waiting=WAITING)
AT_START = (keep_connection, rehearse)


@api.post(
    "/api/bookings",
    response={
        202: BookingAccepted,
        400: ProblemDetails,
        409: ProblemDetails,
        422: ProblemDetails,
        503: ProblemDetails,
        504: ProblemDetails,
    },
    summary="Book seats: starts a saga",
    openapi_extra=IN_OPENAPI,
)
async def place(request: HttpRequest, payload: BookingIn, response: HttpResponse) -> Any:
    """202 and the booking's URL. The same Idempotency-Key with the same body gives the same booking, also while it is
    in flight."""
    accepted = await answer_to(wanted_of(key_of(request), payload, visitor_of(request.headers.get(PLACED_BY, ""))))
    response["Location"] = accepted["url"]
    return Status(202, accepted)


def visitor_of(header: str) -> str:
    """Who placed it, according to the front door; "" for anything that is not a pseudonym."""
    return header if VISITOR.fullmatch(header) else ""


def wanted_of(key: str, payload: BookingIn, placed_by: str = "") -> PlaceBooking:
    return PlaceBooking(
        key=key,
        customer=payload.customer,
        performance=payload.performance,
        seats=tuple(payload.seats),
        payment_method=payload.payment_method,
        seen=Price(payload.seen.amount, payload.seen.currency) if payload.seen else None,
        placed_by=placed_by,
    )


async def answer_to(wanted: PlaceBooking) -> dict[str, str]:
    """A BookingAccepted, once its batch has committed. Raises Problem 409, 422 and 503, and database errors. Among
    these is CommitUnknownError: sending the same key again then shows whether there is a booking.
    """
    try:
        result = await front.submit(wanted)
    except Overloaded as error:
        raise Problem(503, "Too many requests are waiting", str(error), headers={"Retry-After": "1"}) from error
    match result:
        case Exception():
            raise result
        case Refused():
            raise _refusal(result)
        case Placed():
            return {"id": result.id, "state": result.state, "url": f"/api/bookings/{result.id}"}


def _refusal(refused: Refused) -> Problem:
    where = [{"in": "body", "pointer": f"#/{refused.field}", "detail": refused.detail}] if refused.field else []
    if refused == PRICES_UNKNOWN:
        return Problem(503, refused.title, refused.detail, headers={"Retry-After": "1"})
    if refused.price is None:
        return Problem(422, refused.title, refused.detail, errors=where)
    price = {"amount": refused.price.amount, "currency": refused.price.currency}
    return Problem(409, refused.title, refused.detail, type=PRICE_CHANGED, more={"price": price}, errors=where)


@api.get(
    "/api/bookings",
    response={200: list[BookingOut], 422: ProblemDetails},
    summary="The bookings of a performance, the newest first",
)
def of_performance(
    request: HttpRequest,
    performance: Annotated[str, Query(pattern=SLUG, max_length=64)],
    limit: Annotated[int, Query(ge=1, le=MOST)] = MOST,
) -> Any:
    return list(Booking.objects.filter(performance_id=performance).order_by("-id")[:limit])


@api.get("/api/bookings/{booking_id}", response=BookingOut, summary="A booking, from the service that owns it")
def booking(request: HttpRequest, booking_id: UUID) -> Any:
    try:
        return Booking.objects.get(id=booking_id)
    except Booking.DoesNotExist:
        raise Http404(f"there is no booking {booking_id}") from None

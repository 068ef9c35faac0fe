"""Seat's HTTP API: performances and seats, and the event log."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.db.models import Count, F, Q
from django.http import HttpRequest
from ninja import Path, Schema, Status

from messaging.database import Database
from messaging.message import SLUG
from seats.commands import validate
from seats.contract import HoldStatus, SeatStatus
from seats.models import DeadLetter, Hold, Outbox, Performance, Seat
from seats.schemas import PerformanceIn
from seats.transactions import Programme, SeatBlock, announce
from seats.truth import NAMED, TRUTH
from serving.operator_token import OperatorToken
from serving.problems import Problem, ProblemDetails
from serving.service_api import service_api
from serving.several import Bookings, uuids

api = service_api("seats", outbox=Outbox, dead_letter=DeadLetter, validate=validate, truth=TRUTH, named=NAMED)

PerformanceId = Annotated[str, Path(pattern=SLUG, max_length=64)]


class PerformanceOut(Schema):
    id: str
    title: str
    venue: str
    starts_at: datetime
    currency: str
    seats: int
    available: int


class SeatOut(Schema):
    """`price` in minor units of `currency`; `version` counts the changes of the seat."""

    id: int
    label: str
    section: str
    row: str
    number: int
    price: int
    currency: str
    status: SeatStatus
    booking_id: UUID | None
    version: int


class HoldOut(Schema):
    """`seats` are those that the booking has now, none once they are released; `amount` in minor units of `currency`."""

    booking_id: UUID
    performance_id: str
    status: HoldStatus
    seats: list[str]
    expires_at: datetime
    amount: int
    currency: str
    version: int


@api.get("/api/performances", response=list[PerformanceOut], summary="All performances, the next one first")
def performances(request: HttpRequest) -> Any:
    counted = Performance.objects.annotate(
        available=Count("seats", filter=Q(seats__status=SeatStatus.AVAILABLE)), total=Count("seats")
    )
    columns = ("id", "title", "starts_at", "currency", "available")
    found = counted.order_by("starts_at", "id").values(*columns, place=F("venue__name"), count=F("total"))
    return [{**row, "venue": row["place"], "seats": row["count"]} for row in found]


@api.post(
    "/api/performances",
    response={201: PerformanceIn, 401: ProblemDetails, 409: ProblemDetails, 422: ProblemDetails},
    auth=OperatorToken(),
    summary="Announce a performance, with its hall and prices",
)
def new_performance(request: HttpRequest, payload: PerformanceIn) -> Any:
    """The other services and the views receive its event a moment later."""
    if not announce(Database.of(Outbox), _programme(payload)):
        raise Problem(409, "Announced before", f"there is a performance '{payload.id}' already; choose another id")
    return Status(201, payload)


@api.get(
    "/api/performances/{performance_id}/seats",
    response={200: list[SeatOut], 404: ProblemDetails},
    summary="The seats of a performance, from the service that owns them",
)
def seats(request: HttpRequest, performance_id: PerformanceId) -> Any:
    columns = ("id", "label", "number", "price", "status", "booking_id", "version")
    names = {"in_section": F("section__name"), "in_row": F("row__name"), "money": F("performance__currency")}
    found = Seat.objects.filter(performance=performance_id).order_by("pk").values(*columns, **names)
    if not found:
        raise Problem(404, "Unknown performance", f"there is no performance '{performance_id}'")
    return [{**row, "section": row["in_section"], "row": row["in_row"], "currency": row["money"]} for row in found]


@api.get(
    "/api/seats/holds",
    response={200: list[HoldOut], 400: ProblemDetails, 422: ProblemDetails},
    summary="What is held or sold for several bookings",
)
def holds(request: HttpRequest, bookings: Bookings = None) -> Any:
    return _holds(uuids("bookings", bookings or ""))


@api.get(
    "/api/seats/holds/{booking_id}",
    response={200: HoldOut, 404: ProblemDetails},
    summary="What is held or sold for a booking",
)
def hold(request: HttpRequest, booking_id: UUID) -> Any:
    for found in _holds([booking_id]):
        return found
    raise Problem(404, "Unknown hold", f"nothing was ever held for booking {booking_id}")


def _holds(bookings: Sequence[UUID]) -> list[dict[str, Any]]:
    taken: dict[UUID, list[str]] = {}
    booking: Any
    for booking, label in (
        Seat.objects.filter(booking_id__in=bookings).order_by("pk").values_list("booking_id", "label")
    ):
        taken.setdefault(booking, []).append(label)
    columns = ("performance_id", "status", "expires_at", "amount", "currency", "version")
    found = Hold.objects.filter(pk__in=bookings).order_by("pk").values(*columns, booking_id=F("pk"))
    return [{**row, "seats": taken.get(row["booking_id"], [])} for row in found]


def _programme(asked: PerformanceIn) -> Programme:
    blocks = tuple(SeatBlock(one.section, tuple(one.rows), one.seats_a_row, one.price) for one in asked.blocks)
    return Programme(
        id=asked.id,
        title=asked.title,
        venue=asked.venue,
        starts_at=asked.starts_at,
        currency=asked.currency,
        blocks=blocks,
    )

"""Ticket's HTTP API: the tickets of a booking, and the event log."""

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Schema

from serving.problems import ProblemDetails
from serving.service_api import service_api
from serving.several import Bookings, bookings_of
from tickets import door_api
from tickets.commands import validate
from tickets.contract import IssuanceStatus
from tickets.models import DeadLetter, Issuance, Outbox
from tickets.truth import TRUTH

api = service_api("tickets", outbox=Outbox, dead_letter=DeadLetter, validate=validate, truth=TRUTH)
api.add_router("/api/tickets", door_api.router)


class TicketOut(Schema):
    id: UUID
    seat: str
    code: str


class IssuanceOut(Schema):
    """`reason`: why no tickets were issued."""

    booking_id: UUID
    performance_id: str
    customer_id: int
    status: IssuanceStatus
    reason: str
    tickets: list[TicketOut]
    version: int


@api.get(
    "/api/tickets",
    response={200: list[IssuanceOut], 400: ProblemDetails, 422: ProblemDetails},
    summary="The tickets of a booking (one issuance, or none), or those of several",
)
def tickets(
    request: HttpRequest,
    booking: Annotated[UUID | None, Query(description="the booking's id")] = None,
    bookings: Bookings = None,
) -> Any:
    columns = ("booking_id", "performance_id", "customer_id", "status", "reason", "version")
    found = Issuance.objects.filter(pk__in=bookings_of(booking, bookings)).prefetch_related("tickets")
    return [
        {**{name: getattr(issuance, name) for name in columns}, "tickets": list(issuance.tickets.all())}
        for issuance in found
    ]

"""Ticket's HTTP API: the tickets of a booking, and the event log."""

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import NinjaAPI, Query, Schema

from serving import dead_letter_api, event_api, hashes_api, health, truth_api
from serving.problems import install
from tickets.commands import validate
from tickets.contract import IssuanceStatus
from tickets.models import DeadLetter, Issuance, Outbox
from tickets.truth import TRUTH

api = NinjaAPI(
    title="Sagabox: Ticket service",
    urls_namespace="tickets",
    docs_url="/api/docs",
    openapi_url="/api/openapi.json",
)
install(api)
api.add_router("/api/tickets", event_api.router(Outbox))
api.add_router(
    "/api/tickets", dead_letter_api.router("tickets", dead_letter=DeadLetter, outbox=Outbox, validate=validate)
)
api.add_router("/api/tickets", truth_api.router(Outbox, TRUTH))
api.add_router("/api/tickets", hashes_api.router("tickets"))
api.add_router("", health.router({"database": health.database("tickets"), "redis": health.redis}))


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


@api.get("/api/tickets", response=list[IssuanceOut], summary="The tickets of a booking: one issuance, or none")
def tickets(request: HttpRequest, booking: Annotated[UUID, Query(description="the booking's id")]) -> Any:
    columns = ("booking_id", "performance_id", "customer_id", "status", "reason", "version")
    found = Issuance.objects.filter(pk=booking).prefetch_related("tickets")
    return [
        {**{name: getattr(issuance, name) for name in columns}, "tickets": list(issuance.tickets.all())}
        for issuance in found
    ]

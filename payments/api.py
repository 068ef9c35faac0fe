"""Payment's HTTP API: what was taken and given back for a booking, and the event log."""

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import NinjaAPI, Query, Schema

from payments.commands import validate
from payments.contract import PaymentStatus
from payments.models import DeadLetter, Outbox, Payment
from payments.truth import TRUTH
from serving import dead_letter_api, event_api, hashes_api, health, truth_api
from serving.problems import install

api = NinjaAPI(
    title="Sagabox: Payment service",
    urls_namespace="payments",
    docs_url="/api/docs",
    openapi_url="/api/openapi.json",
)
install(api)
api.add_router("/api/payments", event_api.router(Outbox))
api.add_router(
    "/api/payments", dead_letter_api.router("payments", dead_letter=DeadLetter, outbox=Outbox, validate=validate)
)
api.add_router("/api/payments", truth_api.router(Outbox, TRUTH))
api.add_router("/api/payments", hashes_api.router("payments"))
api.add_router("", health.router({"database": health.database("payments"), "redis": health.redis}))


class RefundOut(Schema):
    id: UUID
    amount: int


class PaymentOut(Schema):
    """`amount` in minor units of `currency`; `reason`: why a payment was declined."""

    id: UUID
    booking_id: UUID
    customer_id: int
    amount: int
    currency: str
    method: str
    status: PaymentStatus
    reason: str
    refund: RefundOut | None
    version: int


@api.get("/api/payments", response=list[PaymentOut], summary="The payment of a booking: one, or none")
def payments(request: HttpRequest, booking: Annotated[UUID, Query(description="the booking's id")]) -> Any:
    found = Payment.objects.filter(booking_id=booking).select_related("refund")
    return [_out(payment) for payment in found]


def _out(payment: Payment) -> dict[str, Any]:
    refund = getattr(payment, "refund", None)
    return {
        "id": payment.id,
        "booking_id": payment.booking_id,
        "customer_id": payment.customer_id,
        "amount": payment.amount,
        "currency": payment.currency,
        "method": payment.method_id,
        "status": payment.status,
        "reason": payment.reason,
        "refund": refund and {"id": refund.id, "amount": refund.amount},
        "version": payment.version,
    }

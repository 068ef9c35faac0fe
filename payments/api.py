"""Payment's HTTP API: what was taken and given back for a booking, and the event log."""

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Schema

from payments.commands import validate
from payments.contract import PaymentStatus
from payments.models import DeadLetter, Outbox, Payment
from payments.truth import TRUTH
from serving.problems import ProblemDetails
from serving.service_api import service_api
from serving.several import Bookings, bookings_of

api = service_api("payments", outbox=Outbox, dead_letter=DeadLetter, validate=validate, truth=TRUTH)


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


@api.get(
    "/api/payments",
    response={200: list[PaymentOut], 400: ProblemDetails, 422: ProblemDetails},
    summary="The payment of a booking (one, or none), or those of several",
)
def payments(
    request: HttpRequest,
    booking: Annotated[UUID | None, Query(description="the booking's id")] = None,
    bookings: Bookings = None,
) -> Any:
    found = Payment.objects.filter(booking_id__in=bookings_of(booking, bookings)).select_related("refund")
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

"""The operator's hand on sagas: which need one, and what a person may do. The orchestrator carries it out in its own time."""

import uuid
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.http import HttpRequest
from ninja import Router, Schema, Status

from booking.cancelling import Cancellation, CannotCancel, request_cancel
from booking.contract import ResendCommand, RetryNow, SkipStep
from booking.models import Booking, Outbox, Saga
from booking.saga.state import ACTIVE
from booking.saga.state import Status as SagaStatus
from booking.saga_api import describe
from messaging import outbox
from messaging.barrier import FENCE
from messaging.connections import redis_client
from messaging.message import Body
from messaging.observe import observe
from messaging.operator_token import Hand, OperatorToken
from messaging.outbox import Message
from messaging.problems import Problem, ProblemDetails
from messaging.typed_text import isolated

AT_ONCE = 100
router = Router(tags=["operator"], auth=OperatorToken())


class Verb(StrEnum):
    RETRY_NOW = "retry-now"
    SKIP = "skip"
    RESEND = "resend"
    CANCEL = "cancel"


class Asked(Schema):
    booking_id: UUID
    saga_id: UUID
    asked: Verb


@router.get("/stuck", summary="Sagas that are stuck, and those that try again")
def stuck(request: HttpRequest) -> dict[str, Any]:
    """{"sagas": [...]}, stuck ones first: the shape of GET /api/bookings/{id}/saga, without its log.

    `due_at` is when the saga goes on by itself; a stuck one does not.
    """
    late = Q(state=SagaStatus.STUCK) | Q(state__in=ACTIVE) & (Q(attempt__gt=1) | Q(due_at__lt=Now()))
    found = Saga.objects.filter(late).select_related("booking")
    rows = sorted(found[:AT_ONCE], key=lambda row: (row.state != SagaStatus.STUCK, row.id))
    return {"sagas": [describe(row.booking, row, log=False) for row in rows]}


@router.post(
    "/sagas/{booking_id}/{verb}",
    response={202: Asked, 401: ProblemDetails, 404: ProblemDetails, 409: ProblemDetails},
    summary="Retry a stuck step now, skip it, send the present command again, or cancel the booking",
)
def act(request: HttpRequest, booking_id: UUID, verb: Verb, payload: Hand) -> Any:
    """202: the orchestrator has been told. 409 says why it makes no sense at the moment."""
    booking = Booking.objects.filter(id=booking_id).first()
    if booking is None:
        raise Problem(404, "Unknown booking", f"there is no booking {booking_id}")
    saga_id = _cancel(booking) if verb == Verb.CANCEL else _ask(booking, verb, payload)
    told = {"who": payload.who, "why": payload.why, "what": verb}
    text = f"{isolated(payload.who)} asked to {verb}: {isolated(payload.why)}"
    observe(redis_client(), "booking", "operator", text, booking=str(booking_id), data=told)
    return Status(202, {"booking_id": booking_id, "saga_id": saga_id, "asked": verb})


def _ask(booking: Booking, verb: Verb, hand: Hand) -> UUID:
    saga = Saga.objects.filter(booking=booking, state__in=ACTIVE).first()
    if saga is None:
        raise Problem(409, "Nothing to do", f"booking {booking.id} is {booking.state}: no saga of it is under way")
    is_stuck = saga.state == SagaStatus.STUCK
    if verb == Verb.RESEND and is_stuck:
        raise Problem(409, "The saga is stuck", "it waits for no answer; retry its step instead")
    if verb != Verb.RESEND and not is_stuck:
        raise Problem(409, "The saga is not stuck", f"it is {saga.state} and goes on by itself")
    if verb == Verb.SKIP and saga.action == FENCE:
        raise Problem(409, "A fence cannot be skipped", "nobody would know how the pivot ended; retry it")
    with transaction.atomic(using="booking"):
        outbox.append(Outbox, [_message(booking, _command(str(booking.id), verb, hand))])
    return saga.id


def _command(booking: str, verb: Verb, hand: Hand) -> Body:
    if verb == Verb.SKIP:
        return SkipStep(booking_id=booking, reason=hand.why, who=hand.who)
    command = RetryNow if verb == Verb.RETRY_NOW else ResendCommand
    return command(booking_id=booking, who=hand.who, why=hand.why)


def _cancel(booking: Booking) -> UUID:
    """As the customer would; each time with a key of its own."""
    wanted = Cancellation(key=str(uuid.uuid4()), booking=str(booking.id), customer=booking.customer_id)
    try:
        request_cancel(wanted)
    except CannotCancel as error:
        raise Problem(409, "Cannot be cancelled", str(error)) from error
    return booking.saga_id


def _message(booking: Booking, command: Body) -> Message:
    return Message(
        kind="command",
        type=command.type(),
        data=command.model_dump(mode="json"),
        destination="booking",
        subject=str(booking.id),
        correlation_id=str(booking.id),
    )

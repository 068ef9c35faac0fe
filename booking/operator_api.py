"""Operator actions on sagas: which sagas need one, and what a person may do. The orchestrator carries them out later."""

import uuid
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from django.db.models import Case, Q, When
from django.db.models.functions import Now
from django.http import HttpRequest
from ninja import Query, Router, Schema, Status

from booking.cancelling import Cancellation, CannotCancel, request_cancel
from booking.contract import EndSaga, ResendCommand, RetryNow, SkipStep
from booking.models import Booking, Outbox, Saga
from booking.saga.definitions import known_places
from booking.saga.state import ACTIVE, ENDED
from booking.saga.state import Status as SagaStatus
from booking.saga_api import describe
from booking.schemas import Decided, Ended
from messaging.database import Database
from messaging.envelope import FENCE
from messaging.message import Body
from messaging.observe import observe
from messaging.outbox.append import Message
from messaging.process.redis import redis_of_requests
from messaging.typed_text import isolated
from serving.operator_token import OperatorToken
from serving.problems import Problem, ProblemDetails

AT_ONCE = 100
_KNOWN = Q()
for _definition, _version, _step, _action in known_places():
    _KNOWN |= Q(definition=_definition, definition_version=_version, step=_step, action=_action)
router = Router(tags=["operator"], auth=OperatorToken())


class Verb(StrEnum):
    RETRY_NOW = "retry-now"
    SKIP = "skip"
    RESEND = "resend"
    END = "end"
    CANCEL = "cancel"


class Asked(Schema):
    booking_id: UUID
    saga_id: UUID
    asked: Verb


@router.get("/stuck", summary="Sagas that are stuck, and those that retry")
def stuck(request: HttpRequest, skip: Annotated[int, Query(ge=0, le=10**9)] = 0) -> dict[str, Any]:
    """{"sagas": [...], "total"}, stuck ones first: the shape of GET /api/bookings/{id}/saga, without its log.

    `due_at` is when the saga continues by itself; a stuck one does not, nor one with `unknown`, which this version
    cannot continue. At most 100 are returned; use `skip` to see the others.
    """
    late = Q(state=SagaStatus.STUCK) | Q(state__in=ACTIVE) & (Q(attempt__gt=1) | Q(due_at__lt=Now()))
    late |= ~Q(state__in=ENDED) & (~Q(state__in=ACTIVE) | ~_KNOWN)
    stuck_first = Case(When(state=SagaStatus.STUCK, then=0), default=1)
    found = Saga.objects.filter(late).select_related("booking").order_by(stuck_first, "id")
    sagas = [describe(row.booking, row, log=False) for row in found[skip : skip + AT_ONCE]]
    return {"sagas": sagas, "total": found.count()}


@router.post(
    "/sagas/{booking_id}/{verb}",
    response={202: Asked, 401: ProblemDetails, 404: ProblemDetails, 409: ProblemDetails, 422: ProblemDetails},
    summary="Retry a stuck step now, skip it, send the current command again, cancel the booking, or end an unknown "
    "saga",
)
def act(request: HttpRequest, booking_id: UUID, verb: Verb, payload: Ended) -> Any:
    """202: the decision has been sent to the orchestrator. 409: it makes no sense at the moment, with the reason. The
    decision applies to the attempt that the person saw: if the saga moves on before the orchestrator reads it, nothing
    happens, and the saga's log records that. A cancellation concerns the booking, whatever its saga does.
    """
    booking = Booking.objects.filter(id=booking_id).first()
    if booking is None:
        raise Problem(404, "Unknown booking", f"there is no booking {booking_id}")
    saga_id = _cancel(booking) if verb == Verb.CANCEL else _ask(booking, verb, payload)
    details = {"who": payload.who, "why": payload.why, "what": verb}
    text = f"{isolated(payload.who)} asked to {verb}: {isolated(payload.why)}"
    observe(redis_of_requests(), "booking", "operator", text, booking=str(booking_id), data=details)
    return Status(202, {"booking_id": booking_id, "saga_id": saga_id, "asked": verb})


def _ask(booking: Booking, verb: Verb, decision: Ended) -> UUID:
    saga = Saga.objects.filter(booking=booking).exclude(state__in=ENDED).first()
    if saga is None:
        raise Problem(409, "Nothing to do", f"booking {booking.id} is {booking.state}: no saga of it is under way")
    seen = _seen(saga, decision)
    _check_known(booking, saga, verb)
    is_stuck = saga.state == SagaStatus.STUCK
    if verb == Verb.RESEND and is_stuck:
        raise Problem(409, "The saga is stuck", "it is not waiting for an answer; retry its step instead")
    if verb not in (Verb.RESEND, Verb.END) and not is_stuck:
        raise Problem(409, "The saga is not stuck", f"it is {saga.state} and continues by itself")
    if verb == Verb.SKIP and saga.action == FENCE:
        raise Problem(409, "A fence cannot be skipped", "the outcome of the pivot would stay unknown; retry it")
    db = Database.of(Outbox)
    with db.atomic():
        db.append(Outbox, [_message(booking, _command(str(booking.id), verb, decision, seen))])
    return saga.id


def _check_known(booking: Booking, saga: Saga, verb: Verb) -> None:
    """A saga that this version does not know can only be ended; any other cannot be ended. Raises Problem."""
    unknown = describe(booking, saga, log=False)["unknown"]
    if unknown and verb != Verb.END:
        raise Problem(409, "The saga is unknown here", unknown)
    if verb == Verb.END and not unknown:
        raise Problem(409, "The saga can continue", f"it is {saga.state} at {saga.step}: retry, skip or cancel instead")


def _seen(saga: Saga, decision: Decided) -> dict[str, Any]:
    """The attempt that the decision is about: the one in the request, else the saga's present one. Raises Problem if
    the saga has moved on since."""
    now = {"saga_id": str(saga.id), "step": saga.step, "action": saga.action, "attempt": saga.attempt}
    said = {name: getattr(decision, name) for name in now if getattr(decision, name) is not None}
    seen = {**now, **said, "saga_id": str(said.get("saga_id", saga.id))}
    if seen != now:
        where = "attempt {attempt} of {step} ({action}) in saga {saga_id}"
        text = f"you decided on {where.format(**seen)}; it is at {where.format(**now)}"
        raise Problem(409, "The saga has moved on since", text)
    return seen


def _command(booking: str, verb: Verb, decision: Ended, seen: dict[str, Any]) -> Body:
    if verb == Verb.SKIP:
        return SkipStep(booking_id=booking, reason=decision.why, who=decision.who, **seen)
    if verb == Verb.END:
        return EndSaga(booking_id=booking, state=decision.booking_state, reason=decision.why, who=decision.who, **seen)
    command = RetryNow if verb == Verb.RETRY_NOW else ResendCommand
    return command(booking_id=booking, who=decision.who, why=decision.why, **seen)


def _cancel(booking: Booking) -> UUID:
    """As the customer would, each time with a new key."""
    wanted = Cancellation(key=str(uuid.uuid4()), booking=str(booking.id), customer=booking.customer_id)
    try:
        request_cancel(Database.of(Outbox), wanted)
    except CannotCancel as error:
        raise Problem(409, "Cannot be cancelled", str(error)) from error
    return booking.saga_id


def _message(booking: Booking, command: Body) -> Message:
    return Message(
        kind="command",
        type=command.type(),
        data=command.model_dump(mode="json"),
        schema=command.schema_version,
        destination="booking",
        subject=str(booking.id),
        correlation_id=str(booking.id),
    )

"""A booking's sagas over HTTP: read the current one, and cancel."""

from typing import Any
from uuid import UUID

from django.forms.models import model_to_dict
from django.http import Http404, HttpRequest
from ninja import Router, Schema, Status

from booking.cancelling import Cancellation, CannotCancel, Why, request_cancel
from booking.models import Booking, Saga, SagaLog
from booking.saga import report
from booking.schemas import CancelIn
from messaging.database import Database
from serving.doors.headers import IN_OPENAPI, key_of
from serving.problems import Problem, ProblemDetails

STATUS = {Why.UNKNOWN: 404, Why.FOREIGN: 403, Why.REUSED: 422, Why.OVER: 409, Why.REFUSED: 409}
TITLE = {
    Why.UNKNOWN: "Unknown booking",
    Why.FOREIGN: "Not your booking",
    Why.REUSED: "Idempotency key reused",
    Why.OVER: "Cancelled already",
    Why.REFUSED: "Cancellation refused",
}
router = Router()


class CancelAccepted(Schema):
    """`state` is the booking's as it was found. It ends CANCELLED; or, if Ticket refuses or gives no answer, CONFIRMED with
    the `reason`.
    """

    id: UUID
    state: str
    url: str


@router.post(
    "/bookings/{booking_id}/cancel",
    response={
        202: CancelAccepted,
        400: ProblemDetails,
        403: ProblemDetails,
        404: ProblemDetails,
        409: ProblemDetails,
        422: ProblemDetails,
    },
    summary="Cancel a booking: turns its saga back, or starts a cancelling saga",
    openapi_extra=IN_OPENAPI,
)
def cancel(request: HttpRequest, booking_id: UUID, payload: CancelIn) -> Any:
    """202: it will be cancelled. 409 once it has been. A repeated request meanwhile gets the same answer.

    The same key again after the cancellation was refused gives 409 with the reason; a new key makes a new request.
    """
    wanted = Cancellation(key=key_of(request), booking=str(booking_id), customer=payload.customer)
    try:
        state = request_cancel(Database.of(Booking), wanted)
    except CannotCancel as error:
        raise Problem(STATUS[error.why], TITLE[error.why], str(error)) from error
    return Status(202, {"id": booking_id, "state": state, "url": f"/api/bookings/{booking_id}"})


@router.get("/bookings/{booking_id}/saga", summary="Its saga: steps, attempts, and the remaining steps")
def saga(request: HttpRequest, booking_id: UUID, saga: UUID | None = None) -> dict[str, Any]:
    """The booking's newest saga, or the requested one; `sagas` lists them all, oldest first.

    See messaging.saga_report for the shape of `steps`. `unknown` is a sentence if this version cannot continue it.
    Before the saga has started all its steps are pending.
    """
    booking = Booking.objects.filter(id=booking_id).first()
    if booking is None:
        raise Http404(f"there is no booking {booking_id}")
    rows = list(Saga.objects.filter(booking=booking).order_by("id"))
    found = [row for row in rows if saga in (None, row.id)]
    if saga is not None and not found:
        raise Http404(f"booking {booking_id} has no saga {saga}")
    return {**describe(booking, found[-1] if found else None), "sagas": [_brief(row) for row in rows]}


def describe(booking: Booking, row: Saga | None, *, log: bool = True) -> dict[str, Any]:
    """A saga's report for a person; without a row, that of the one about to start. `log`: include its log, line by line."""
    found = report.saga(_row(row)) if row else report.about_to_start(str(booking.saga_id))
    found |= {"booking_id": str(booking.id), "booking_state": booking.state}
    if log:
        lines = SagaLog.objects.filter(saga_id=found["id"]).order_by("id")
        found["log"] = list(lines.values("at", "who", "what", "step", "action", "attempt", "error", "state"))
    return found


def _brief(row: Saga) -> dict[str, str]:
    return {"id": str(row.id), "definition": row.definition, "state": row.state}


def _row(row: Saga) -> dict[str, Any]:
    due_at = row.due_at.isoformat() if row.due_at else None
    return {**model_to_dict(row), "id": str(row.id), "due_at": due_at}

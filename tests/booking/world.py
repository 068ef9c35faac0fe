"""A booking and the messages of its saga, as the relay would deliver them."""

import uuid
from collections.abc import Sequence
from typing import Any

from booking.contract import BookTickets, SagaOverdue
from booking.models import Booking, Outbox, Saga
from booking.placing import transaction
from booking.placing.transaction import PlaceBooking, Placed
from messaging.database import Database
from tests.booking.saga.protocol import PRICE
from tests.messages import command, new_id


def request(*seats: str, **more: Any) -> PlaceBooking:
    wanted = {"customer": 123, "performance": "concert-2030", "payment_method": "tok_visa", "key": str(uuid.uuid4())}
    return PlaceBooking(seats=seats or ("A-15",), **{**wanted, **more})


def place(count: int = 1) -> list[Booking]:
    results = transaction.place(Database("booking"), [request(f"A-{number}") for number in range(1, count + 1)])
    ids = [result.id for result in results if isinstance(result, Placed)]
    return [Booking.objects.get(id=booking) for booking in ids]


def start(booking: Booking) -> dict[str, Any]:
    return command(BookTickets(booking_id=str(booking.id)), saga=str(booking.saga_id))


def commands(booking: Booking | None = None) -> list[str]:
    """The types of the commands sent to participants, in order."""
    rows = Outbox.objects.filter(kind="command").exclude(destination="booking").order_by("seq")
    return [row.type for row in (rows.filter(correlation_id=str(booking.id)) if booking else rows)]


def events(booking: Booking) -> list[tuple[str, str, int | None]]:
    """(type, state, version) of each of the booking's events, in order."""
    rows = Outbox.objects.filter(kind="event", subject=str(booking.id)).order_by("seq")
    return [(row.type, row.data["state"], row.version) for row in rows]


def reply(
    booking: Booking, step: str, status: str = "succeeded", reason: str = "", action: str = "forward"
) -> dict[str, Any]:
    result = PRICE if step == "ReserveSeats" and (status, action) == ("succeeded", "forward") else {}
    return {
        "specversion": "1.0",
        "id": new_id(),
        "source": "/somebody",
        "type": f"{step}Reply",
        "kind": "reply",
        "data": {"status": status, "reason": reason, **result},
        "correlationid": str(booking.id),
        "sagaid": str(booking.saga_id),
        "sagastep": step,
        "sagaaction": action,
    }


def overdue(booking: Booking) -> dict[str, Any]:
    """What the watchdog would send now, whether or not the time is over."""
    saga = Saga.objects.get(id=booking.saga_id)
    late = SagaOverdue(saga_id=str(saga.id), step=saga.step, action=saga.action, attempt=saga.attempt)
    return command(late, saga=str(saga.id), booking=str(booking.id))


def seen(booking: Booking) -> dict[str, Any]:
    """What a person's decision is about: the attempt that the booking's saga waits for now."""
    saga = Saga.objects.filter(booking=booking).latest("id")
    return {
        "booking_id": str(booking.id),
        "saga_id": str(saga.id),
        "step": saga.step,
        "action": saga.action,
        "attempt": saga.attempt,
    }


def up_to(step: str, booking: Booking) -> list[dict[str, Any]]:
    """The messages after which the saga waits for `step`."""
    steps: Sequence[str] = ("ReserveSeats", "TakePayment", "IssueTickets", "ConfirmSeats")
    return [start(booking), *(reply(booking, before) for before in steps[: steps.index(step)])]

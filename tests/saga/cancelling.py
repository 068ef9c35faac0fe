"""Asking for a cancellation, and what it leaves."""

import json
import uuid
from typing import Any

from django.test import Client

from booking.models import Booking, Outbox
from payments.models import Payment
from seats.models import Hold, Seat
from tickets.models import Issuance


def cancel(client: Client, booking: Booking | str, customer: Any = 123, key: str = "", **more: Any) -> Any:
    return client.post(
        f"/api/bookings/{booking if isinstance(booking, str) else booking.id}/cancel",
        json.dumps({"customer": customer, **more}),
        content_type="application/json",
        headers={"Idempotency-Key": key or str(uuid.uuid4())},
    )


def state(booking: Booking) -> tuple[str, str]:
    booking.refresh_from_db()
    return booking.state, booking.reason


def all_undone() -> bool:
    """No seat taken, no money held, no ticket that opens a door."""
    return (
        not Seat.objects.exclude(status="AVAILABLE").exists()
        and not Hold.objects.exclude(status="RELEASED").exists()
        and not Payment.objects.filter(status="COMPLETED").exists()
        and not Issuance.objects.filter(status="ISSUED").exists()
    )


def requests() -> int:
    return Outbox.objects.filter(type="CancelRequested").count()

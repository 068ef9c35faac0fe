"""The four services in one process, on real databases: outbox rows are carried to the handlers by hand, one at a time.

Nothing happens by itself here, so a test can stop a message on its way, bring it twice, or let something else happen first.
"""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

from django.apps import apps

from booking.models import Booking, Saga
from booking.placing import transaction
from booking.placing.transaction import PlaceBooking, Placed
from messaging import envelope as envelopes
from messaging.database import Database
from seats.transactions import Programme, SeatBlock, announce

SERVICES = ("booking", "seats", "payments", "tickets")
PERFORMANCE = "concert-2030"


class House:
    """Bookings are placed with `book`, messages carried with `run`; `held` are those stopped by the last `run`."""

    def __init__(self) -> None:
        self._read = dict.fromkeys(SERVICES, 0)
        self.held: list[dict[str, Any]] = []

    def book(self, *seats: str, customer: int = 123, method: str = "tok_visa") -> Booking:
        wanted = PlaceBooking(
            key=str(uuid.uuid4()), customer=customer, performance=PERFORMANCE, seats=seats, payment_method=method
        )
        (placed,) = transaction.place(Database("booking"), [wanted])
        assert isinstance(placed, Placed)
        return Booking.objects.get(id=placed.id)

    def run(self, *, hold: str | Callable[[dict[str, Any]], bool] = "") -> "House":
        """Carry messages until there are none. `hold`: a type of message to keep back, or a predicate."""
        stops = hold if callable(hold) else lambda envelope: envelope["type"] == hold
        while new := self._new():
            for one in new:
                if stops(one):
                    self.held.append(one)
                else:
                    self.deliver(one)
        return self

    def release(self, **more: Any) -> "House":
        """Deliver what was held, then carry on."""
        held, self.held = self.held, []
        for one in held:
            self.deliver(one)
        return self.run(**more)

    def deliver(self, envelope: dict[str, Any]) -> None:
        self.deliver_batch([envelope])

    def deliver_batch(self, envelopes: list[dict[str, Any]]) -> None:
        """Messages of one destination, taken in together."""
        import_module(f"{envelopes[0]['destination']}.commands").handle(envelopes)

    def overdue(self, booking: Booking) -> None:
        """The time of what the booking's active saga waits for is over."""
        self.deliver(self.saga_overdue(booking))

    def saga_overdue(self, booking: Booking) -> dict[str, Any]:
        """What the watchdog says of it."""
        saga = Saga.objects.filter(booking=booking).order_by("-id")[0]
        data = {"saga_id": str(saga.id), "step": saga.step, "action": saga.action, "attempt": saga.attempt}
        return {
            "id": str(uuid.uuid4()), "source": "/booking", "type": "SagaOverdue", "kind": "command", "data": data,
            "destination": "booking", "correlationid": str(booking.id),
        }  # fmt: skip

    def _new(self) -> list[dict[str, Any]]:
        found = []
        for service in SERVICES:
            outbox: Any = apps.get_model(service, "Outbox")
            for row in outbox.objects.filter(seq__gt=self._read[service]).order_by("seq"):
                self._read[service] = row.seq
                if row.kind != "event":
                    found.append(envelopes.from_row(service, vars(row)))
        return found


def furnish(seats: int = 40) -> None:
    """Seats A-1 to A-40 of concert-2030 (or fewer), at 150,000 KRW each, and what Booking knows of them."""
    announce(
        Database("seats"),
        Programme(
            id=PERFORMANCE, title="Concert", venue="Hall", starts_at=datetime(2030, 1, 1, 20, tzinfo=UTC),
            currency="KRW", blocks=(SeatBlock("Stalls", ("A",), seats, 150_000),),
        )
    )  # fmt: skip

"""What a fault's scope is compared with: a message (or request, or process) at a fault point."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The target that a fault would strike. Only some messages carry seats and customer; see `Plan.learn`."""

    message: str = ""
    booking: str = ""
    step: str = ""
    direction: str = ""
    seats: frozenset[str] = frozenset()
    customer: int | None = None
    visitor: str = ""  # the visitor who placed the booking, from Booking's events

    @classmethod
    def of(cls, envelope: Mapping[str, Any]) -> "Target":
        """Read an envelope (CloudEvents with the extensions correlationid, sagastep, sagaaction).

        Seats are the labels in `data.seats` (of texts, or of objects with a `label`), the customer is `data.customer_id`.
        """
        data = envelope.get("data")
        data = data if isinstance(data, Mapping) else {}
        customer = data.get("customer_id")
        return cls(
            message=str(envelope.get("type", "")),
            booking=str(envelope.get("correlationid", "")),
            step=str(envelope.get("sagastep", "")),
            direction=str(envelope.get("sagaaction", "")),
            seats=frozenset(_labels(data.get("seats"))),
            customer=customer if isinstance(customer, int) else None,
            visitor=str(data.get("placed_by") or ""),
        )


def _labels(seats: Any) -> list[str]:
    if not isinstance(seats, list):
        return []
    return [str(seat.get("label", "")) if isinstance(seat, Mapping) else str(seat) for seat in seats]

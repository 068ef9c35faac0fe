"""The bookings view: one row per booking, fed by four services; and the names of customers.

The events of the services may arrive in any order. A service's columns change only with a newer version of its own
aggregate.
"""

from collections.abc import Callable, Mapping
from typing import Any

from messaging.events.upsert import Part, Table
from messaging.events.view import Folds, Project, View

BOOKING = Part(
    version="booking_version",
    columns={
        "customer_id": "bigint",
        "performance_id": "text",
        "seats": "jsonb",
        "payment_method": "text",
        "placed_by": "text",
        "state": "text",
        "reason": "text",
        "amount": "bigint",
        "currency": "text",
        "booking_at": "timestamptz",
    },
)
HOLD = Part(
    version="hold_version",
    columns={"hold_status": "text", "hold_expires_at": "timestamptz", "hold_at": "timestamptz"},
)
PAYMENT = Part(
    version="payment_version",
    columns={
        "payment_id": "text",
        "payment_status": "text",
        "payment_reason": "text",
        "payment_at": "timestamptz",
    },
)
TICKETS = Part(
    version="tickets_version",
    columns={"tickets_status": "text", "tickets": "jsonb", "tickets_at": "timestamptz"},
)
ROWS = Table(
    name="projections_bookingview",
    key={"id": "uuid"},
    parts=(BOOKING, HOLD, PAYMENT, TICKETS),
    derived={
        "version": (
            "coalesce({booking_version}, 0) + coalesce({hold_version}, 0) + coalesce({payment_version}, 0)"
            " + coalesce({tickets_version}, 0)"
        ),
        "updated_at": "greatest({booking_at}, {hold_at}, {payment_at}, {tickets_at})",
        "created_at": "uuid_extract_timestamp({id})",
    },
)
CUSTOMERS = Table(
    name="projections_customer", key={"id": "bigint"}, parts=(Part(version="version", columns={"name": "text"}),)
)


def _part(part: Part, booking: str, columns: Callable[[Mapping[str, Any]], dict[str, Any]]) -> Project:
    """The function for events that feed one part of a booking's row; `booking` is the key of the booking's id in their data."""

    def project(envelope: Mapping[str, Any], folds: Folds) -> None:
        data = envelope["data"]
        key = {"id": str(data[booking])}
        folds[ROWS.name].put(key, part.version, int(envelope["version"]), columns(envelope), envelope["id"])

    return project


def _booking(envelope: Mapping[str, Any]) -> dict[str, Any]:
    data = envelope["data"]
    return {
        "customer_id": data["customer_id"],
        "performance_id": data["performance_id"],
        "seats": data["seats"],
        "payment_method": data["payment_method"],
        "placed_by": data.get("placed_by", ""),  # events of an older version have none
        "state": data["state"],
        "reason": data["reason"],
        "amount": data["amount"],
        "currency": data["currency"],
        "booking_at": envelope["time"],
    }


def _hold(envelope: Mapping[str, Any]) -> dict[str, Any]:
    data = envelope["data"]
    return {"hold_status": data["status"], "hold_expires_at": data["expires_at"], "hold_at": envelope["time"]}


def _payment(envelope: Mapping[str, Any]) -> dict[str, Any]:
    data = envelope["data"]
    return {
        "payment_id": data["id"],
        "payment_status": data["status"],
        "payment_reason": data["reason"],
        "payment_at": envelope["time"],
    }


def _tickets(envelope: Mapping[str, Any]) -> dict[str, Any]:
    data = envelope["data"]
    return {"tickets_status": data["status"], "tickets": data["tickets"], "tickets_at": envelope["time"]}


def _customer(envelope: Mapping[str, Any], folds: Folds) -> None:
    data = envelope["data"]
    version = int(envelope["version"])
    folds[CUSTOMERS.name].put({"id": int(data["id"])}, "version", version, {"name": data["name"]}, envelope["id"])


booking, hold = _part(BOOKING, "id", _booking), _part(HOLD, "booking_id", _hold)
payment, tickets = _part(PAYMENT, "booking_id", _payment), _part(TICKETS, "booking_id", _tickets)

VIEW = View(
    name="bookings",
    tables=(ROWS, CUSTOMERS),
    events={
        ("booking", "CustomerRegistered"): _customer,
        ("booking", "CustomerRenamed"): _customer,
        ("booking", "BookingPlaced"): booking,
        ("booking", "BookingAdvanced"): booking,
        ("booking", "BookingConfirmed"): booking,
        ("booking", "BookingCancelled"): booking,
        ("booking", "BookingStuck"): booking,
        ("seats", "SeatsReserved"): hold,
        ("seats", "SeatsReleased"): hold,
        ("seats", "SeatsSold"): hold,
        ("payments", "PaymentCompleted"): payment,
        ("payments", "PaymentDeclined"): payment,
        ("payments", "PaymentRefunded"): payment,
        ("tickets", "TicketsIssued"): tickets,
        ("tickets", "TicketsRefused"): tickets,
        ("tickets", "TicketsVoided"): tickets,
    },
)

"""The customer history view: the bookings, tickets, payments and refunds of each customer.

A sum is never kept as a number that events add to: a duplicate event would be added twice. Each booking's contribution
is a row, keyed by the booking, in parts that change only with a newer version of their source; the sums are computed
from these rows.
"""

from collections.abc import Mapping
from typing import Any

from messaging.events.upsert import Part, Table
from messaging.events.view import Folds, View

BOOKING = Part(
    version="booking_version", columns={"customer_id": "bigint", "state": "text", "booking_at": "timestamptz"}
)
PAYMENT = Part(
    version="payment_version",
    columns={"taken": "bigint", "refunded": "bigint", "currency": "text", "payment_at": "timestamptz"},
)
TICKETS = Part(
    version="tickets_version", columns={"tickets_status": "text", "tickets": "integer", "tickets_at": "timestamptz"}
)
CONTRIBUTIONS = Table(
    name="projections_historybooking",
    key={"id": "uuid"},
    parts=(BOOKING, PAYMENT, TICKETS),
    derived={"updated_at": "greatest({booking_at}, {payment_at}, {tickets_at})"},
)
NAMES = Table(
    name="projections_historycustomer",
    key={"id": "bigint"},
    parts=(Part(version="version", columns={"name": "text"}),),
)


def contribution(payment: Mapping[str, Any]) -> dict[str, Any]:
    """The contribution of a payment's full state to the sums, in minor units: the amount taken, and the amount returned."""
    refund = payment["refund"]
    return {
        "taken": 0 if payment["status"] == "DECLINED" else payment["amount"],
        "refunded": refund["amount"] if refund else 0,
        "currency": payment["currency"],
    }


def _customer(envelope: Mapping[str, Any], folds: Folds) -> None:
    data = envelope["data"]
    name = {"name": data["name"]}
    folds[NAMES.name].put({"id": int(data["id"])}, "version", int(envelope["version"]), name, envelope["id"])


def _booking(envelope: Mapping[str, Any], folds: Folds) -> None:
    data = envelope["data"]
    columns = {"customer_id": data["customer_id"], "state": data["state"], "booking_at": envelope["time"]}
    _put(folds, data["id"], BOOKING, columns, envelope)


def _payment(envelope: Mapping[str, Any], folds: Folds) -> None:
    data = envelope["data"]
    _put(folds, data["booking_id"], PAYMENT, {**contribution(data), "payment_at": envelope["time"]}, envelope)


def _tickets(envelope: Mapping[str, Any], folds: Folds) -> None:
    data = envelope["data"]
    columns = {"tickets_status": data["status"], "tickets": len(data["tickets"]), "tickets_at": envelope["time"]}
    _put(folds, data["booking_id"], TICKETS, columns, envelope)


def _put(folds: Folds, booking: str, part: Part, columns: dict[str, Any], envelope: Mapping[str, Any]) -> None:
    folds[CONTRIBUTIONS.name].put({"id": booking}, part.version, int(envelope["version"]), columns, envelope["id"])


VIEW = View(
    name="customer_history",
    tables=(CONTRIBUTIONS, NAMES),
    events={
        ("booking", "CustomerRegistered"): _customer,
        ("booking", "CustomerRenamed"): _customer,
        ("booking", "BookingPlaced"): _booking,
        ("booking", "BookingAdvanced"): _booking,
        ("booking", "BookingConfirmed"): _booking,
        ("booking", "BookingCancelled"): _booking,
        ("booking", "BookingStuck"): _booking,
        ("payments", "PaymentCompleted"): _payment,
        ("payments", "PaymentDeclined"): _payment,
        ("payments", "PaymentRefunded"): _payment,
        ("tickets", "TicketsIssued"): _tickets,
        ("tickets", "TicketsRefused"): _tickets,
        ("tickets", "TicketsVoided"): _tickets,
    },
)

"""The sales view: by performance the seats sold, held and free, and the money taken and returned.

Kept as contributions (see customer_history.py): a row per seat, and a row per booking that paid. Payment has no
performances and Seat no payments, so a booking's row gets its performance from Seat and its money from Payment.
"""

from collections.abc import Mapping
from typing import Any

from messaging.events.upsert import Part, Table
from messaging.events.view import Folds, View
from projections.views.customer_history import contribution

PERFORMANCES = Table(
    name="projections_salesperformance",
    key={"id": "text"},
    parts=(Part(version="version", columns={"title": "text", "starts_at": "timestamptz", "currency": "text"}),),
)
SEATS = Table(
    name="projections_salesseat",
    key={"performance_id": "text", "label": "text"},
    parts=(Part(version="version", columns={"status": "text", "price": "bigint"}),),
)
HOLD = Part(version="hold_version", columns={"performance_id": "text"})
PAYMENT = Part(version="payment_version", columns={"taken": "bigint", "refunded": "bigint", "currency": "text"})
BOOKINGS = Table(name="projections_salesbooking", key={"id": "uuid"}, parts=(HOLD, PAYMENT))


def _announced(envelope: Mapping[str, Any], folds: Folds) -> None:
    data = envelope["data"]
    columns = {name: data[name] for name in PERFORMANCES.parts[0].columns}
    folds[PERFORMANCES.name].put({"id": data["id"]}, "version", int(envelope["version"]), columns, envelope["id"])
    _seats(envelope, data["id"], folds)


def _hold(envelope: Mapping[str, Any], folds: Folds) -> None:
    data = envelope["data"]
    _seats(envelope, data["performance_id"], folds)
    columns = {"performance_id": data["performance_id"]}
    version = int(envelope["version"])
    folds[BOOKINGS.name].put({"id": data["booking_id"]}, HOLD.version, version, columns, envelope["id"])


def _seats(envelope: Mapping[str, Any], performance: str, folds: Folds) -> None:
    for seat in envelope["data"]["seats"]:
        key = {"performance_id": performance, "label": seat["label"]}
        columns = {"status": seat["status"], "price": seat["price"]}
        folds[SEATS.name].put(key, "version", int(seat["version"]), columns, envelope["id"])


def _payment(envelope: Mapping[str, Any], folds: Folds) -> None:
    data, version = envelope["data"], int(envelope["version"])
    folds[BOOKINGS.name].put({"id": data["booking_id"]}, PAYMENT.version, version, contribution(data), envelope["id"])


VIEW = View(
    name="sales",
    tables=(SEATS, BOOKINGS, PERFORMANCES),
    events={
        ("seats", "PerformanceAnnounced"): _announced,
        ("seats", "SeatsReserved"): _hold,
        ("seats", "SeatsReleased"): _hold,
        ("seats", "SeatsSold"): _hold,
        ("payments", "PaymentCompleted"): _payment,
        ("payments", "PaymentDeclined"): _payment,
        ("payments", "PaymentRefunded"): _payment,
    },
)

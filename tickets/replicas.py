"""Data replication: read-only copies of Booking's customers and of Seat's seats, so that the door needs neither to be up.

A copy has the columns that the door needs, and may be a moment behind. How many bookings a customer has is counted from one row a
booking: an event that comes twice changes nothing.
"""

from collections.abc import Mapping
from typing import Any

from messaging.events.replication import Replication
from messaging.events.upsert import Part, Table
from messaging.events.view import Folds, View
from tickets.models import DeadLetter, ReplicaCheckpoint, ReplicaRebuild

CUSTOMERS = Table(
    name="tickets_customerreplica",
    key={"id": "bigint"},
    parts=(Part(version="version", columns={"name": "text", "email": "text"}),),
)
COUNTED = Table(
    name="tickets_customerbooking",
    key={"id": "uuid"},
    parts=(Part(version="version", columns={"customer_id": "bigint", "confirmed": "boolean"}),),
    caused_by=False,
)
SEATS = Table(
    name="tickets_seatreplica",
    key={"performance_id": "text", "label": "text"},
    parts=(
        Part(
            version="version",
            columns={"section": "text", "row": "text", "number": "integer", "price": "bigint", "currency": "text"},
        ),
    ),
)


def _customer(envelope: Mapping[str, Any], folds: Folds) -> None:
    data = envelope["data"]
    columns = {"name": data["name"], "email": data["email"]}
    folds[CUSTOMERS.name].put({"id": int(data["id"])}, "version", int(envelope["version"]), columns, envelope["id"])


def _confirmed(envelope: Mapping[str, Any], folds: Folds) -> None:
    _count(envelope, folds, confirmed=True)


def _cancelled(envelope: Mapping[str, Any], folds: Folds) -> None:
    _count(envelope, folds, confirmed=False)


def _count(envelope: Mapping[str, Any], folds: Folds, *, confirmed: bool) -> None:
    data = envelope["data"]
    columns = {"customer_id": data["customer_id"], "confirmed": confirmed}
    folds[COUNTED.name].put({"id": data["id"]}, "version", int(envelope["version"]), columns, envelope["id"])


def _announced(envelope: Mapping[str, Any], folds: Folds) -> None:
    data, version, columns = envelope["data"], int(envelope["version"]), SEATS.parts[0].columns
    for seat in data["seats"]:
        key = {"performance_id": data["id"], "label": seat["label"]}
        folds[SEATS.name].put(key, "version", version, {name: seat[name] for name in columns}, envelope["id"])


CUSTOMERS_REPLICA = View(
    name="customers",
    tables=(CUSTOMERS, COUNTED),
    events={
        ("booking", "CustomerRegistered"): _customer,
        ("booking", "CustomerRenamed"): _customer,
        ("booking", "BookingConfirmed"): _confirmed,
        ("booking", "BookingCancelled"): _cancelled,
    },
)
SEATS_REPLICA = View(name="seats", tables=(SEATS,), events={("seats", "PerformanceAnnounced"): _announced})
REPLICATION = Replication(
    replicas=(CUSTOMERS_REPLICA, SEATS_REPLICA),
    checkpoint=ReplicaCheckpoint,
    dead_letter=DeadLetter,
    wish=ReplicaRebuild,
)

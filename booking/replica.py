"""Data replication: keeps a read-only copy of Seat's performances, so that a booking is checked without calling Seat.

The copy may be a moment behind. That is harmless: Seat refuses a seat that is already taken when the saga asks for it.
"""

from collections.abc import Mapping
from typing import Any

from booking.models import DeadLetter, ReplicaCheckpoint
from messaging.events.projector import Projector
from messaging.events.replication import Replication
from messaging.events.upsert import Part, Table
from messaging.events.view import Folds, View
from seats.contract import PerformanceAnnounced
from topology.chosen import HOUSE
from topology.contract import publisher

SOURCE = publisher(HOUSE.services, PerformanceAnnounced.type()).name
PERFORMANCES = Table(
    name="booking_performancereplica",
    key={"id": "text"},
    parts=(
        Part(
            version="version",
            columns={
                "title": "text",
                "starts_at": "timestamptz",
                "labels": "text[]",
                "prices": "bigint[]",
                "currency": "text",
            },
            incomplete="{currency} = ''",
        ),
    ),
    caused_by=False,
)


def _announced(envelope: Mapping[str, Any], folds: Folds) -> None:
    announced = PerformanceAnnounced.read(envelope)
    columns = {
        "title": announced.title,
        "starts_at": announced.starts_at.isoformat(),
        "labels": [seat.label for seat in announced.seats],
        "prices": [seat.price for seat in announced.seats],
        "currency": announced.currency,
    }
    folds[PERFORMANCES.name].put({"id": announced.id}, "version", envelope["version"], columns, envelope["id"])


VIEW = View(name="performances", tables=(PERFORMANCES,), events={(SOURCE, PerformanceAnnounced.type()): _announced})


REPLICATION = Replication(replicas=(VIEW,), checkpoint=ReplicaCheckpoint, dead_letter=DeadLetter)


def replica() -> Projector:
    """The projector that keeps the copy up to date."""
    return REPLICATION.projector()

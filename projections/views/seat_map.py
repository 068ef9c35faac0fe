"""The seat map view: performances, and each of their seats with its place, price and status.

A seat's place comes from the announcement of its performance; its status from that and from each event of a hold. Each
seat has its own version: it orders two holds of the same seat, whichever event arrives first.
"""

from collections.abc import Mapping
from typing import Any

from messaging.events.upsert import Part, Table
from messaging.events.view import Folds, View

PERFORMANCES = Table(
    name="projections_performance",
    key={"id": "text"},
    parts=(
        Part(
            version="version",
            columns={"title": "text", "venue": "text", "starts_at": "timestamptz", "currency": "text"},
        ),
    ),
)
PLACE = Part(
    version="place_version",
    columns={"section": "text", "row": "text", "number": "integer", "price": "bigint", "currency": "text"},
)
STATUS = Part(version="version", columns={"seat_id": "bigint", "status": "text", "booking_id": "uuid"})
SEATS = Table(name="projections_seatmap", key={"performance_id": "text", "label": "text"}, parts=(PLACE, STATUS))


def _announced(envelope: Mapping[str, Any], folds: Folds) -> None:
    data, version, event_id = envelope["data"], int(envelope["version"]), envelope["id"]
    performance = {name: data[name] for name in PERFORMANCES.parts[0].columns}
    folds[PERFORMANCES.name].put({"id": data["id"]}, "version", version, performance, event_id)
    for seat in data["seats"]:
        place = {name: seat[name] for name in PLACE.columns}
        folds[SEATS.name].put(_key(data["id"], seat), PLACE.version, version, place, event_id)
    _statuses(envelope, data["id"], folds)


def _hold_changed(envelope: Mapping[str, Any], folds: Folds) -> None:
    _statuses(envelope, envelope["data"]["performance_id"], folds)


def _statuses(envelope: Mapping[str, Any], performance: str, folds: Folds) -> None:
    for seat in envelope["data"]["seats"]:
        status = {"seat_id": seat["id"], "status": seat["status"], "booking_id": seat["booking_id"]}
        folds[SEATS.name].put(_key(performance, seat), STATUS.version, int(seat["version"]), status, envelope["id"])


def _key(performance: str, seat: Mapping[str, Any]) -> dict[str, Any]:
    return {"performance_id": performance, "label": seat["label"]}


VIEW = View(
    name="seat_map",
    tables=(SEATS, PERFORMANCES),
    events={
        ("seats", "PerformanceAnnounced"): _announced,
        ("seats", "SeatsReserved"): _hold_changed,
        ("seats", "SeatsReleased"): _hold_changed,
        ("seats", "SeatsSold"): _hold_changed,
    },
)

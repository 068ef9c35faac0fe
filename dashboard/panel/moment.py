"""One moment of a tape, for the panels next to a booking's story: seat map, views' lag, armed faults, messages in
flight.

Everything comes from the journal alone, so an imported run needs no service. For a moment that is not indexed yet the
last indexed one is shown; `waiting` is the number of entries in between.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from dashboard.faults.chips import POINT_NAMES
from drawing.present import SERVICE_NAMES
from drawing.seats import differing, sections
from drawing.tables import truths
from faults import Point
from faults.toggles import LABELS
from gateway.people import masked_reading
from journal.models import LIVE
from journal.reading import moments
from journal.reading.moments import FaultThen, FlightThen, RowThen
from topology.chosen import HOUSE

SEATS, PERFORMANCES, CHECKPOINTS = "projections_seatmap", "projections_performance", "projections_checkpoint"
TRUTH = next(table for view in HOUSE.views for table in truths(view, SEATS))
CHANGED_LAST = 200  # seats that are compared with their view: one that differs has changed a moment ago
MOST_SEATS = 5_000
MOST_FLIGHTS = 200
SHOWN = 12  # maximum number of messages in flight, and of faults; the rest is a count


def panels(pos: int, performance: str, tape: int = LIVE, seen: str = "") -> dict[str, Any]:
    """Context for the panels after entry `pos`. `seen`: the version of the seat map that the page already has.

    {"then": {pos, flights, more_flights, faults, lags, waiting}, "seats": {sections, version} or None if it is the one seen}.
    """
    at = min(pos, moments.indexed(tape))
    # Only this performance's: a sandbox may have more seats than are read at a time.
    seats = masked_reading.rows_at(at, tape, tables=[SEATS], like={"performance_id": performance}, limit=MOST_SEATS)
    truth = committed(at, performance, tape)
    checkpoints = masked_reading.rows_at(at, tape, tables=[CHECKPOINTS])
    flights = moments.flights_at(at, tape, limit=MOST_FLIGHTS)
    faults = moments.faults_at(at, tape)
    return {
        "then": {
            "pos": pos,
            "flights": [_flight(one) for one in flights[:SHOWN]],
            "more_flights": len(flights[SHOWN:]),
            "uncounted": len(flights) == MOST_FLIGHTS,
            "faults": [_fault(one) for one in faults[:SHOWN]],
            "more_faults": len(faults[SHOWN:]),
            "lags": _lags(checkpoints),
            "waiting": pos - at,
        },
        "seats_then": _seats(seats, truth, performance, tape, seen),
    }


def committed(pos: int, performance: str, tape: int = LIVE) -> list[dict[str, Any]]:
    """The seats of a performance that changed last, as the service had committed them after entry `pos`."""
    like = {"performance_id": performance}
    found = masked_reading.rows_at(pos, tape, tables=[TRUTH], like=like, limit=CHANGED_LAST)
    return [one.row for one in found]


def _seats(
    rows: list[RowThen], truth: list[dict[str, Any]], performance: str, tape: int, seen: str
) -> dict[str, Any] | None:
    """The map is the same at many moments that a scrubber passes: then it is not drawn again."""
    mine = [one for one in rows if one.row["place_version"] is not None]
    differs = differing((one.row for one in mine), truth)
    behind = "".join(f"-{label}{status[:1]}" for label, status in sorted(differs.items()))
    version = f"{tape}-{performance}-{max((one.from_pos for one in mine), default=0)}{behind}"
    if version == seen:
        return None
    return {
        "sections": sections({**one.row, "truth": differs.get(one.row["label"], "")} for one in mine),
        "version": version,
    }


def _lags(rows: Any) -> list[dict[str, Any]]:
    """Each view according to its checkpoints: the lag of its latest source, and the unread events of all. They are as
    old as the entry `pos`, so they do not show whether a view has stopped since.
    """
    newest: dict[str, RowThen] = {}
    behind: Counter[str] = Counter()
    for one in rows:
        behind[one.row["view"]] += one.row["behind"]
        if one.row["applied"] and one.from_pos > getattr(newest.get(one.row["view"]), "from_pos", 0):
            newest[one.row["view"]] = one
    return [
        {"view": view, "lag_ms": one.row["lag_ms"], "behind": behind[view], "pos": one.from_pos}
        for view, one in sorted(newest.items())
    ]


def _flight(flight: FlightThen) -> dict[str, Any]:
    return {
        "kind": flight.kind,
        "type": flight.type,
        "service": flight.source,
        "source": SERVICE_NAMES.get(flight.source, flight.source),
        "target": SERVICE_NAMES.get(flight.target, flight.target) or "all who listen",
        "booking": flight.correlation,
        "pos": flight.from_pos,
    }


def _fault(fault: FaultThen) -> dict[str, Any]:
    what = fault.what
    point = what.get("point", "")
    place = POINT_NAMES[Point(point)] if point in set(Point) else point
    ready = LABELS.get(what.get("name", ""))
    return {
        "text": ready or f"{what.get('action', 'a fault')} · {place}",
        "service": what.get("service", ""),
        "fired": fault.fired,
        "pos": fault.pos,
        "last_pos": fault.last_pos,
    }

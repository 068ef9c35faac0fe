"""The seat map's rows as the page draws them: sections of rows of seats. Pure."""

from collections.abc import Iterable
from typing import Any

Seat = dict[str, Any]


def sections(seats: Iterable[Seat]) -> dict[str, list[dict[str, Any]]]:
    """Section -> its rows, {name, seats}. `seats` are rows of the seat map view."""
    rows: dict[tuple[str, str], list[Seat]] = {}
    by_row = sorted(seats, key=lambda seat: (len(seat["row"]), seat["row"], seat["number"]))
    for seat in by_row:  # AA comes after Z, and the section with row A, the best, first
        rows.setdefault((seat["section"], seat["row"]), []).append(seat)
    found: dict[str, list[dict[str, Any]]] = {}
    for (section, row), of_row in rows.items():
        found.setdefault(section, []).append({"name": row, "seats": of_row})
    return found


def differing(seats: Iterable[Seat], truth: Iterable[Seat]) -> dict[str, str]:
    """Label -> the status that the service has committed, of the seats whose view has not applied it yet. `truth`: rows of the
    service; both have a version, the service's own.
    """
    shown = {seat["label"]: seat for seat in seats}
    return {
        str(row["label"]): str(row["status"])
        for row in truth
        if (seat := shown.get(row["label"])) is not None
        and (row.get("version") or 0) > (seat.get("version") or 0)
        and row["status"] != seat["status"]
    }

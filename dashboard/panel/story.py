"""A booking's panel: its saga, one journal entry, and every service's rows at that moment. From the journal alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from django.http import HttpRequest

from dashboard.panel.cancelling import may_cancel
from dashboard.panel.details import describe
from dashboard.panel.standing import standing
from drawing import present, steps, tables, time_bar
from drawing.lanes import Lane, draw, orchestrated
from drawing.narration import narrate
from gateway.people import masked_reading
from journal.entry import EntryDict, Tables
from journal.reading.moments import RowThen
from journal.reading.stories import fold
from messaging.saga_row import legible
from topology.chosen import HOUSE
from topology.sagas import sagas_of


@dataclass(frozen=True, slots=True)
class Picture:
    """Which picture of the lanes a browser gets: the one for a phone or not, at a glance or in every detail."""

    narrow: bool = False
    details: bool = False


def picture(request: HttpRequest) -> Picture:
    """According to the cookies of static/drawing/lanes.js; a permalink says itself whether it shows details."""
    details = request.GET.get("details") or request.COOKIES.get("details")
    return Picture(request.COOKIES.get("lanes") == "narrow", details == "1")


GLANCE = Picture()


def story(
    booking: str, pos: int | None = None, *, follow: bool = False, performance: str = "", picture: Picture = GLANCE
) -> dict[str, Any]:
    """Context for the panel: the state after the booking's last entry at or before `pos`, or the current one. `follow`:
    the panel shows this booking because it is the newest, and a newer one replaces it. `picture`: see `picture`.
    """
    found = from_entries(
        booking, masked_reading.entries_of(booking), pos, follow=follow, performance=performance, picture=picture
    )
    lanes = found["lanes"]
    if pos is None and lanes and (lanes.standing or lanes.still):
        found["hold"] = standing(booking, view=not lanes.standing)
    return found


def from_entries(
    booking: str,
    entries: Sequence[EntryDict],
    pos: int | None = None,
    *,
    follow: bool = False,
    performance: str = "",
    sql: bool = True,
    before: Sequence[RowThen] = (),
    picture: Picture = GLANCE,
) -> dict[str, Any]:
    """`story` over given entries; with none, the panel of a booking that has just been accepted. `performance`: the one
    whose seats the page shows, for the permalink. `sql`: the statements of these transactions may be available.
    `before`: the booking's rows before the first entry.
    """
    state = fold(booking, entries, pos, before)
    row = _row(state.tables, booking)
    address = {
        "performance": performance,
        "booking": "" if follow and pos is None else booking,
        "details": "1" if picture.details else "",
    }
    address = {name: value for name, value in address.items() if value}
    return {
        "booking_id": booking,
        "live": pos is None,
        "at_pos": pos,
        "follow": follow and pos is None,
        "booking": row,
        "can_cancel": row is not None and may_cancel(row["state"], booking),
        "cancel_key": uuid4(),
        "sagas": steps.sagas(state.tables),
        "entry": present.entry(state.entry, booking) if state.entry else None,
        "tables": tables.groups(state),
        "time": time_bar.of_booking(entries, state.pos),
        "lanes": draw(
            entries,
            booking,
            pos,
            lanes=_lanes(state.tables, entries),
            narrow=picture.narrow,
            folded=not picture.details,
        ),
        "narration": narrate(entries, booking, pos),
        "details": describe(state.entry, booking, sql=sql) if state.entry and pos is not None else None,
        "panel_url": f"/bookings/{booking}/panel?pos=",
        "link": f"/?{urlencode({**address, 'pos': ''})}",
        "whole_url": f"/replay/of?{urlencode({'booking': booking, 'pos': state.pos})}" if state.pos else "",
        "permalink": f"/?{urlencode(address if pos is None else {**address, 'pos': pos})}".rstrip("?"),
    }


def _lanes(found: Tables, entries: Sequence[EntryDict]) -> tuple[Lane, ...]:
    """The lanes of the booking's sagas; before the first has started, of those that bookings begin with."""
    known = sagas_of(HOUSE)
    names = {legible(row)["definition"] for row in _of_orchestrator(found, "saga").values()}
    followed = [saga for saga in known if saga.name in names] if names else known[:1]
    return orchestrated(HOUSE, followed, {entry["service"] for entry in entries})


def _row(found: Tables, booking: str) -> dict[str, Any] | None:
    return next((row for row in _of_orchestrator(found, "booking").values() if row.get("id") == booking), None)


def _of_orchestrator(found: Tables, what: str) -> dict[str, dict[str, Any]]:
    """The orchestrator's rows: `booking`s, or `saga`s, by key."""
    service = HOUSE.orchestrator
    return found.get(service.name, {}).get(service.truth[what], {})

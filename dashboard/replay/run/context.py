"""The content of a run's page at any of its moments, from the journal alone, so without any service running."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest

from dashboard.panel import story
from dashboard.panel.asked import NoMomentError, asked_position
from dashboard.panel.moment import PERFORMANCES, panels
from dashboard.replay.run.everything import everything
from dashboard.replay.runs.context import shown as shown_run
from drawing import present, time_bar
from drawing.present import SERVICE_NAMES, clock
from gateway.people import masked_reading
from gateway.people.operator import is_operator
from gateway.people.visitor import visitor
from journal.reading import marks, moments
from journal.runs import runs
from journal.runs.runs import RunDict

log = logging.getLogger(__name__)
BOOKINGS = 200  # maximum number in the chooser: those that changed last


@contextmanager
def drawable(run: RunDict) -> Iterator[None]:
    """Check that the run can be drawn: a foreign file may be valid, but without the columns that are drawn here. Raises
    NoMomentError."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
        if not run["imported"]:
            raise
        log.warning("the imported run %s cannot be drawn: %r", run["id"], error)
        raise NoMomentError(
            422,
            "This run cannot be drawn",
            f"Its rows are not those of Sagabox's tables: {error!r}. It can be exported again, or deleted.",
        ) from error


def known(run: UUID) -> RunDict:
    """Raises NoMomentError."""
    found = runs.find(run)
    if found is None:
        raise NoMomentError(
            404, "There is no such run", f"There is no run {run} here. The page of runs lists those there are."
        )
    return found


def whole(request: HttpRequest, run: RunDict) -> dict[str, Any]:
    """Context for the whole page: the run's facts, the choices, and the moment in the URL."""
    end = min(run["last_pos"], moments.indexed(run["tape"]))
    services = [
        {"service": service, "name": SERVICE_NAMES.get(service, service), "tables": sorted(totals.items())}
        for service, totals in sorted(moments.totals_at(end, run["tape"]).items())
        if run["last_pos"] >= run["first_pos"]
    ]
    operator = is_operator(request)
    panel, chosen = shown(request, run), choices(run)
    strip = chosen.pop("strip")
    return {
        **panel, **chosen,
        "services": services, "last": end, "operator": operator, "whole": True,
        "may": operator or run["id"] in runs.owned(visitor(request)),
        "sections": panel["seats_then"]["sections"],
        "time": {**panel["time"], **strip},
        "run": shown_run(run),
    }  # fmt: skip


def shown(request: HttpRequest, run: RunDict, seen: str = "") -> dict[str, Any]:
    """Context for the panels: for the run's last moment if the URL has none. `seen`: the version of the seat map that the
    page has. Raises NoMomentError."""
    tape, first, last = run["tape"], run["first_pos"], run["last_pos"]
    pos = asked_position(request, bounds=(first, last)) or last
    booking = _booking(request, run)
    performance = request.GET.get("performance", "")[:100]
    panel: dict[str, Any] = {}
    if booking:
        entries = [
            entry for entry in masked_reading.entries_of(booking, until=last, tape=tape) if entry["pos"] >= first
        ]
        before = masked_reading.rows_at(first - 1, tape, booking=booking)
        panel = story.from_entries(booking, entries, pos, sql=False, before=before, picture=story.picture(request))
        performance = performance or (panel["booking"] or {}).get("performance_id", "")
    performance = performance or _latest_performance(run)
    known = {"performance": performance, "booking": booking, "details": "1" if story.picture(request).details else ""}
    address = {name: value for name, value in known.items() if value}
    # For a run without an entry, the last one is of the previous run.
    entry = _entry(pos, tape) if last >= first else None
    others = panels(pos, performance, tape, seen)
    return {
        **panel,
        **others,
        "then": {**others["then"], **_when(entry)},
        "run": run,
        "booking_id": booking,
        "performance": performance,
        "live": False,
        "follow": False,
        "run_entry": present.entry(entry) if entry else None,
        "everything": everything(pos if entry else 0, tape),
        "time": _time(run, pos, booking, entry),
        "panel_url": f"/replay/{run['id']}/moment?{urlencode({'booking': booking, 'pos': ''} if booking else {'pos': ''})}",
        "link": f"/replay/{run['id']}?{urlencode({**address, 'pos': ''})}",
        "permalink": f"/replay/{run['id']}?{urlencode({**address, 'pos': pos})}",
        "whole_url": "",
        "schedule_url": f"/replay/{run['id']}/schedule?pos=",
    }


def choices(run: RunDict) -> dict[str, Any]:
    """The choices on a run's page: {"bookings": [{id, text}], "performances": [{id, title}]}, and the time bar's
    strip."""
    tape, first, last = run["tape"], run["first_pos"], run["last_pos"]
    bookings = [
        {"id": one.key, "text": f"{', '.join(one.row['seats'])} · {one.row['state']} · {one.key[-8:]}"}
        for one in sorted(_rows_at_end(run, present.BOOKINGS, BOOKINGS), key=lambda one: one.key, reverse=True)
        if one.from_pos >= first
    ]
    heights = marks.density(first, last + 1, time_bar.BUCKETS, tape) if last > first else []
    found = marks.marks(first, last, time_bar.BUCKETS, tape) if last >= first else []
    return {
        "bookings": bookings,
        "performances": _performances(run),
        "strip": time_bar.strip(heights, found, first, last),
    }


def _performances(run: RunDict) -> list[dict[str, Any]]:
    rows = _rows_at_end(run, PERFORMANCES)
    found = [{"id": one.key, "title": one.row["title"] or one.key} for one in rows]
    return sorted(found, key=lambda one: one["title"], reverse=True) or [{"id": "", "title": "none yet"}]


def _latest_performance(run: RunDict) -> str:
    """The one that was booked last; for a run without a booking the first in the list."""
    known = _performances(run)
    booked = [one.row["performance_id"] for one in _rows_at_end(run, present.BOOKINGS, 1)]
    return next((one["id"] for one in known if one["id"] in booked), known[0]["id"])


def _rows_at_end(run: RunDict, table: str, limit: int = moments.ROWS) -> list[moments.RowThen]:
    """A table's rows at the last readable moment of the run; at most `limit`, those that changed last."""
    at = min(run["last_pos"], moments.indexed(run["tape"]))
    return masked_reading.rows_at(at, run["tape"], tables=[table], limit=limit)


def _booking(request: HttpRequest, run: RunDict) -> str:
    raw = request.GET.get("booking", "")
    if not raw:
        return ""
    try:
        booking = str(UUID(raw))
    except ValueError:
        raise NoMomentError(
            400, "That is no booking", f"“{raw[:40]}” is not the id of a booking, which is a UUID."
        ) from None
    found = marks.next_of(booking, run["first_pos"] - 1, run["tape"])
    if found is None or found > run["last_pos"]:
        raise NoMomentError(404, "There is no such booking", f"This run has no entry of booking {booking}.")
    return booking


def _when(entry: dict[str, Any] | None) -> dict[str, str]:
    """`at`: the date and the time of day to the millisecond, UTC; `moment`: ISO 8601."""
    if entry is None:
        return {"at": "", "moment": ""}
    moment = entry["committed_at"]
    return {"at": f"{moment[:10]} {clock(moment)}", "moment": moment}


def _entry(pos: int, tape: int) -> dict[str, Any] | None:
    found = masked_reading.entries_after(pos - 1, 1, tape)
    return found[0] if found and found[0]["pos"] == pos else None


def _time(run: RunDict, pos: int, booking: str, entry: dict[str, Any] | None) -> dict[str, Any]:
    """Like `time_bar.of_booking`, over every position of the run."""
    tape, first, last = run["tape"], run["first_pos"], run["last_pos"]

    def within(found: int | None) -> int | str:
        return found if found is not None and first <= found <= last else ""

    return {
        "scope": "run",
        "pos": pos,
        "number": pos - first + 1,
        "total": run["entries"],
        "low": first,
        "high": max(last, first),
        "value": pos,
        "speed": "1",
        "first": first if pos > first else "",
        "previous": pos - 1 if pos > first else "",
        "next": pos + 1 if pos < last else "",
        "last": last if pos < last else "",
        "cause": within(max((entry or {}).get("cause_pos") or [0])),
        "effect": within(marks.effect_of(pos, tape)),
        "fault": within(marks.next_fault(pos, tape)),
        "of_booking": within(marks.next_of(booking, pos, tape)) if booking else "",
    }

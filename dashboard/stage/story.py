"""A booking's panel: its saga, one journal entry, and every service's rows as they stood then. From the journal alone."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from dashboard.stage import present, steps, tables
from dashboard.stage.details import describe
from dashboard.stage.lanes import draw
from journal.queries import EntryDict, entries_of
from journal.stories import Tables, fold

SETTLED = ("CANCELLING", "CANCELLED", "COMPENSATING")  # on its way out, or gone: there is nothing left to cancel


def story(booking: str, pos: int | None = None, *, follow: bool = False) -> dict[str, Any]:
    """Context for the panel: the state as of the booking's last entry at or before `pos`, or as of now.

    `follow`: the panel shows this booking because it is the newest, and makes way for a newer one.
    """
    return tell(booking, entries_of(booking), pos, follow=follow)


def tell(booking: str, entries: Sequence[EntryDict], pos: int | None = None, *, follow: bool = False) -> dict[str, Any]:
    """`story` over entries at hand; none yet is the panel of a booking that has just been accepted."""
    told = fold(booking, entries, pos)
    row = _row(told.tables, "booking", "booking_booking", booking)
    return {
        "booking_id": booking,
        "live": pos is None,
        "follow": follow and pos is None,
        "booking": row,
        "can_cancel": row is not None and row["state"] not in SETTLED,
        "cancel_key": uuid4(),
        "sagas": steps.sagas(told.tables),
        "entry": present.entry(told.entry, booking) if told.entry else None,
        "tables": tables.groups(told),
        "time": timeline(entries, told.pos),
        "lanes": draw(entries, booking, pos),
        "details": describe(told.entry, booking) if told.entry and pos is not None else None,
    }


def timeline(entries: Sequence[EntryDict], pos: int) -> dict[str, Any]:
    """The time bar: {number, total, first, previous, next, last, cause, effect, ticks}; a way that leads nowhere is "".

    `cause` and `effect` are the nearest entries of this booking that made this one, and that this one made.
    """
    positions = [entry["pos"] for entry in entries]
    at = positions.index(pos) if pos in positions else -1
    here: EntryDict = entries[at] if at >= 0 else {"cause_pos": []}
    causes = [cause for cause in here["cause_pos"] if cause in positions]
    effects = [entry["pos"] for entry in entries if pos in entry["cause_pos"]]
    return {
        "number": at + 1,
        "total": len(positions),
        "first": positions[0] if at > 0 else "",
        "previous": positions[at - 1] if at > 0 else "",
        "next": positions[at + 1] if -1 < at < len(positions) - 1 else "",
        "last": positions[-1] if -1 < at < len(positions) - 1 else "",
        "cause": max(causes, default=""),
        "effect": min(effects, default=""),
        "ticks": [
            {"service": entry["service"], "kind": entry["kind"], "now": entry["pos"] == pos} for entry in entries
        ],
    }


def _row(found: Tables, service: str, table: str, booking: str) -> dict[str, Any] | None:
    for row in found.get(service, {}).get(table, {}).values():
        if row.get("id") == booking:
            return row
    return None

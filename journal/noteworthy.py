"""Which row changes are noteworthy, the row before a change, and the part of an entry that live pages get. Pure."""

from collections.abc import Iterable
from typing import Any

from topology.chosen import HOUSE

Change = dict[str, Any]

BOOKKEEPING, FOLLOWED = HOUSE.bookkeeping, HOUSE.followed
SHOWN = 8  # rows of an entry that a line of the log draws


def noteworthy(changes: Iterable[Change]) -> list[Change]:
    return [change for change in changes if _is_noteworthy(change)]


def before(change: Change) -> dict[str, Any]:
    """The row before the change, as far as it is known: an update's `old` may omit unchanged columns."""
    old: dict[str, Any] | None = change["old"]
    return {} if old is None else {**(change["new"] or {}), **old}


def for_live_pages(entry: dict[str, Any]) -> dict[str, Any]:
    """The entry with as many of its noteworthy rows as a page shows, and those that pages follow. In a stream a
    transaction is about dozens of bookings and has 70 kB, of which live pages use a tenth. `left_out`, if present: how
    many noteworthy rows were left out.
    """
    kept: list[Change] = []
    shown = left_out = 0
    for change in entry["changes"]:
        counts = _is_noteworthy(change)
        if (counts and shown < SHOWN) or change["table"] in FOLLOWED:
            kept.append(change)
        else:
            left_out += counts
        shown += counts
    if len(kept) == len(entry["changes"]):
        return entry
    return {**entry, "changes": kept} | ({"left_out": left_out} if left_out else {})


def is_shown(table: str) -> bool:
    """Whether live pages show or follow rows of this table."""
    return table in FOLLOWED or table not in BOOKKEEPING


def _is_noteworthy(change: Change) -> bool:
    return change["table"] not in BOOKKEEPING

"""Since when an invariant is broken: its own `find`, asked again at each moment of those concerned. Pure.

The newest entry about a booking says nothing about what broke it: entries follow that only pass the damage on.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from audit.breach import Breach, Find
from audit.truth import Standing, Truth
from audit.verdict import INVARIANTS
from audit.views import views_differ

FIND: dict[str, Find] = {invariant.name: invariant.find for invariant in INVARIANTS}


class AsIfEnded(Truth):
    """A moment in which nobody is excused for being under way."""

    def standing(self, booking: str) -> Standing:
        return Standing.ENDED


def since(name: str, piece: Mapping[str, Any], moments: Iterable[tuple[int, Truth]]) -> int | None:
    """The first entry after which what `piece` says was so, and has been ever since; None if it is not so at the last moment.

    `piece`: evidence of the invariant `name` (audit.verdict). `moments`: (position, what was there after it), in order.
    """
    found = None
    for pos, truth in moments:
        broken = _broken(name, piece, truth)
        if broken is False:
            found = None
        elif broken and found is None:
            found = pos
    return found


def _broken(name: str, piece: Mapping[str, Any], truth: Truth) -> bool | None:
    """None: the saga is under way, and what would be wrong at its end is in order as long."""
    find = FIND[name]
    if find is views_differ:  # a view that was never told is wrong from the owner's commit on, not from the saga's end
        truth = AsIfEnded(answers=truth.answers, views=truth.views)
    breaches = [breach for breach in find(truth) if _is_the_same(breach, piece)]
    if any(breach.certain or not breach.passing or not _under_way(breach, truth) for breach in breaches):
        return True
    return None if breaches else False


def _is_the_same(breach: Breach, piece: Mapping[str, Any]) -> bool:
    if breach.part != piece.get("part", ""):
        return False
    if breach.bookings or piece["bookings"]:
        return bool(set(breach.bookings) & set(piece["bookings"]))
    return breach.seat == (piece["seat"] or "")


def _under_way(breach: Breach, truth: Truth) -> bool:
    return any(truth.standing(booking) in (Standing.RUNNING, Standing.STUCK) for booking in breach.bookings)

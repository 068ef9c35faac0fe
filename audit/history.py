"""Finds since when an invariant is broken, by running its own `find` at each moment of the bookings concerned. Pure.

The newest entry about a booking need not be the cause: later entries may only propagate the damage.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from audit.breach import Breach, Find
from audit.truth import Standing, Truth
from audit.verdict import INVARIANTS
from audit.views import views_differ

FIND: dict[str, Find] = {invariant.name: invariant.find for invariant in INVARIANTS}


class AsIfEnded(Truth):
    """A moment at which all bookings are treated as if they had ended."""

    def standing(self, booking: str) -> Standing:
        return Standing.ENDED


def since(name: str, piece: Mapping[str, Any], moments: Iterable[tuple[int, Truth]]) -> int | None:
    """The first entry since which the breach in `piece` has existed without interruption; None if it does not exist at
    the last moment. `piece`: evidence of the invariant `name` (audit.verdict). `moments`: (position, state after it),
    in order.
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
    """None: the saga is under way, and the state that would be wrong at its end is still correct."""
    find = FIND[name]
    if (
        find is views_differ
    ):  # a view that never got an event is wrong since the owner's commit, not since the saga's end
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

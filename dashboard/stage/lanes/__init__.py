"""The swimlanes of a booking: a pure value, made of its journal entries, that a template draws as SVG.

`telling` says what happened (who acted, what was sent, what was lost), `placing` gives it rows, columns and paths.
"""

from collections.abc import Sequence

from dashboard.stage.lanes.placing import place
from dashboard.stage.lanes.shapes import Lanes
from dashboard.stage.lanes.telling import tell
from journal.queries import EntryDict

__all__ = ["Lanes", "draw"]


def draw(entries: Sequence[EntryDict], booking: str, pos: int | None = None) -> Lanes:
    """Lay out a booking's entries, in the journal's order. With `pos`, what came after it is drawn as not yet happened."""
    return place(tell(entries, booking), pos)

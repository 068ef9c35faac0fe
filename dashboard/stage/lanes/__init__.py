"""The swimlanes of a booking: a pure value, made of its journal entries, that a template draws as SVG.

`telling` says what happened (who acted, what was sent, what was lost), `placing` gives it rows, columns and paths, and `narrow`
does so for a phone.
"""

from collections.abc import Sequence

from dashboard.stage.lanes.drawing import Lanes
from dashboard.stage.lanes.narrow import Narrow
from dashboard.stage.lanes.placing import Placing
from dashboard.stage.lanes.telling import tell
from journal.queries import EntryDict

__all__ = ["Lanes", "draw"]


def draw(entries: Sequence[EntryDict], booking: str, pos: int | None = None, *, narrow: bool = False) -> Lanes:
    """Lay out a booking's entries, in the journal's order. With `pos`, what came after it is drawn as not yet happened.

    `narrow`: for a phone, 374 units wide; else 640.
    """
    return (Narrow if narrow else Placing)(tell(entries, booking), pos).place()

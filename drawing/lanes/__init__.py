"""The swimlanes of a booking: a pure value, computed from its journal entries, which a template renders as SVG.

`arrangement` says which lanes there are, `history` what happened (who acted, what was sent, what was lost), `placing` gives it
rows, columns and paths, and `narrow` does so for a phone.
"""

from collections.abc import Sequence

from drawing.lanes.arrangement import Arrangement, Lane, orchestrated
from drawing.lanes.drawing import Lanes
from drawing.lanes.history import history_of
from drawing.lanes.narrow import Narrow
from drawing.lanes.placing import Placing
from journal.entry import EntryDict

__all__ = ["Lane", "Lanes", "draw", "orchestrated"]


def draw(
    entries: Sequence[EntryDict], booking: str, pos: int | None = None, *, lanes: Sequence[Lane], narrow: bool = False
) -> Lanes:
    """Lay out a booking's entries, in the journal's order. With `pos`, later entries are drawn as not yet happened.

    `narrow`: for a phone, 374 units wide; else 640, and more for more than seven lanes. Raises ValueError for `lanes` that make
    no arrangement.
    """
    return (Narrow if narrow else Placing)(history_of(entries, booking, Arrangement(lanes)), pos).place()

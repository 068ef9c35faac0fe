"""The swimlanes of a booking: a pure value, computed from its journal entries, which a template renders as SVG.

`arrangement` defines which lanes there are, `history` what happened (which service acted, what was sent, what was lost).
`placing` gives it rows, columns and paths in every detail, `compact` at a glance, and `narrow` for a phone.
"""

from collections.abc import Sequence

from drawing.lanes.arrangement import Arrangement, Lane, orchestrated
from drawing.lanes.arrangement import folded as folded_lanes
from drawing.lanes.compact import Compact
from drawing.lanes.drawing import Lanes
from drawing.lanes.history import history_of
from drawing.lanes.narrow import Narrow
from drawing.lanes.placing import Placing
from journal.entry import EntryDict

__all__ = ["Lane", "Lanes", "draw", "orchestrated"]


def draw(
    entries: Sequence[EntryDict],
    booking: str,
    pos: int | None = None,
    *,
    lanes: Sequence[Lane],
    narrow: bool = False,
    folded: bool = False,
) -> Lanes:
    """Lay out a booking's entries, in the journal's order. With `pos`, later entries are drawn as not yet happened.

    `narrow`: for a phone, 374 units wide; else 640 or, `folded`, 600, and more for many lanes. `folded`: at a glance, without
    browser, bus and transaction ids, and the views' writes as dots. Raises ValueError for `lanes` that make no arrangement.
    """
    arrangement = Arrangement(folded_lanes(lanes) if folded else lanes)
    history = history_of(entries, booking, arrangement, folded=folded)
    layout = Narrow if narrow else Compact if folded else Placing
    return layout(history, pos).place()

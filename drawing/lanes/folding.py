"""Views at a glance: all writes that applied a transaction's events are one dot, at the height of the event's name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drawing.lanes.arrangement import Kind
from drawing.lanes.paths import drawn
from drawing.lanes.shapes import Node

if TYPE_CHECKING:
    from drawing.lanes.placing import Placing

DOT = 6  # its radius
W, H = 30, 24  # of what can be clicked


@dataclass(slots=True)
class LineEnd:
    """The end of an event's line where no view's write stands: a ring if no view has applied the event yet, else a dot."""

    path: str
    x: float
    y: float
    future: bool = False
    title: str = ""  # of a dot: which entry applied it; empty for a ring

    @property
    def applied(self) -> bool:
        return bool(self.title)


def fold_views(placing: Placing, node: Node, views: Sequence[Node]) -> None:
    """Place the dot of a node's views. An event that a view has applied together with later ones has a dot without a box of
    its own; one that no view has applied yet has a ring."""
    source = placing.boxes[node]
    for view in views:
        column = placing.columns[view.lane]
        box = placing.made(view, column.middle - W / 2, source.flag_y - H / 2, W, H)
        box.folded = True
        if placing.lanes.narrow:
            box.dot = W / 2, H / 2
    lane = next((column for column in placing.lanes.columns if column.lane.kind == Kind.VIEWS), None)
    if lane is None or views or not node.says or not placing.history.folded:
        return
    pos = placing.history.applied.get(node)
    applied = pos is not None and (placing.pos is None or pos <= placing.pos)
    if not applied and _passed(placing, node):
        return
    begins = placing.columns[node.lane].middle if placing.lanes.narrow else source.x + source.w
    path = drawn([(begins, source.flag_y), (lane.middle - DOT, source.flag_y)])
    title = f"applied with later events, entry #{pos}" if applied else ""
    placing.lanes.ends.append(LineEnd(path, lane.middle, source.flag_y, source.future, title))


def _passed(placing: Placing, node: Node) -> bool:
    """Whether a view has applied a later event of the same service, by the chosen moment. Older recordings name only the last
    event of a write, so the earlier ones may have been applied with it: they have neither dot nor ring."""
    history, pos = placing.history, placing.pos
    after = history.nodes.index(node) + 1
    applied = [
        view
        for number, views in history.views.items()
        if number >= after
        for view in views
        if history.nodes[number].lane == node.lane
    ]
    return any(pos is None or view.positions[0] <= pos for view in applied)

"""The arrows' paths: right angles, down the middle of a lane or, if a box is in the way, down its edge. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from drawing.lanes.arrangement import Kind
from drawing.lanes.shapes import Box, Flow, Pill

EDGE = 3  # from a lane's border
ROUND = 5
Point = tuple[float, float]


class Router:
    """Has the positions of the boxes."""

    def __init__(self, boxes: Sequence[Box], *, under: bool = False) -> None:
        """`under`: without a bus, messages have their names under the boxes that sent them."""
        self._boxes, self._under = boxes, under

    def path(self, source: Box, target: Box | None, pill: Pill | None, flow: Flow) -> str:
        """SVG path data from the source, by the message's pill, to the target; to the pill while there is no target."""
        if pill is not None:
            if self._under:
                return self._from_under(source, target, pill)
            return self._by_pill(source, target, pill)
        assert target is not None
        if flow.kind in ("timer", "local"):
            return drawn(self._down(source, target))
        if flow.kind == "request":
            return drawn(
                [(source.x + source.w, source.y + source.h / 2), *self._into(target, source.y + source.h / 2, True)]
            )
        low, out = source.y + source.h + (2 if self._under else 8), source.x + source.w
        return drawn(
            [
                (out, source.flag_y),
                (out + EDGE, source.flag_y),
                (out + EDGE, low),
                *self._into(target, low, target.x >= source.x),
            ]
        )

    def _by_pill(self, source: Box, target: Box | None, pill: Pill) -> str:
        y = pill.y + pill.h / 2
        left_of_bus = source.node.lane.left_of_bus
        leave = source.x + source.w if left_of_bus else source.x
        arrive, out = (pill.x, pill.x + pill.w) if left_of_bus else (pill.x + pill.w, pill.x)
        first = [(leave, min(max(y, source.y + 4), source.y + source.h - 4)), (arrive, y)]
        if source.node.lane.kind == Kind.BUS:
            first = []
        if target is None:
            return drawn(first)
        if left_of_bus and target.node.lane.left_of_bus:
            middle = pill.x + pill.w / 2
            end = (target.x + target.w, target.y + 12)
            return drawn(first) + drawn([(middle, pill.y + pill.h), (middle, end[1]), end])
        if not (left_of_bus or target.node.lane.left_of_bus) and target.node.lane.kind != Kind.BUS:
            out = pill.x + pill.w
        return drawn(first) + drawn([(out, y), *self._into(target, y, target.x > out)])

    def _from_under(self, source: Box, target: Box | None, pill: Pill) -> str:
        """Out at the left of its box to its name, past the names above it."""
        y, out, edge = pill.y + pill.h / 2, source.y + source.h - 6, source.x - EDGE
        first = drawn([(source.x, out), (edge, out), (edge, y), (pill.x, y)])
        if target is None:
            return first
        if target.node.lane == source.node.lane:
            edge, end = pill.right + EDGE, target.y + 10
            return first + drawn([(pill.right, y), (edge, y), (edge, end), (target.x + target.w, end)])
        right = target.x > pill.x
        return first + drawn([(pill.right if right else pill.x, y), *self._into(target, y, right)])

    def _into(self, target: Box, y: float, from_left: bool) -> list[Point]:
        """From a height into a box: from above, or from the side if another box is in between."""
        if not self._blocked(target, y):
            return [(target.middle, y), (target.middle, target.y)]
        edge = target.x - EDGE if from_left else target.x + target.w + EDGE
        return [(edge, y), (edge, target.y + 10), (target.x if from_left else target.x + target.w, target.y + 10)]

    def _down(self, source: Box, target: Box) -> list[Point]:
        if not self._blocked(target, source.y + source.h):
            return [(source.middle, source.y + source.h), (target.middle, target.y)]
        edge = target.x - EDGE
        return [
            (source.x, source.y + source.h - 8),
            (edge, source.y + source.h - 8),
            (edge, target.y + 10),
            (target.x, target.y + 10),
        ]

    def _blocked(self, target: Box, y: float) -> bool:
        return any(
            box is not target and box.node.lane == target.node.lane and box.y + box.h > y and box.y < target.y
            for box in self._boxes
        )


def drawn(points: Sequence[Point]) -> str:
    """Right angles with rounded corners."""
    if not points:
        return ""
    parts = [f"M{_at(points[0])}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        parts.append(f"L{_at(_short(corner, before))}Q{_at(corner)} {_at(_short(corner, after))}")
    return "".join([*parts, f"L{_at(points[-1])}"])


def _short(corner: Point, to: Point) -> Point:
    """The point before the corner where the rounding begins."""
    dx, dy = to[0] - corner[0], to[1] - corner[1]
    length = max(abs(dx), abs(dy), 0.001)
    step = min(ROUND, length / 2) / length
    return corner[0] + dx * step, corner[1] + dy * step


def _at(point: Point) -> str:
    return f"{point[0]:.1f} {point[1]:.1f}"

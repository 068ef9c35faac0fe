"""Lays out a history at a glance: a box has what a transaction changed and the event it published, and no transaction id. A
command leaves its box at the height of the title, with its verb; a reply has its outcome alone. Pure; lengths in SVG units."""

from __future__ import annotations

from typing import ClassVar

from drawing.lanes.arrangement import Kind, Lane
from drawing.lanes.folding import fold_views
from drawing.lanes.paths import EDGE, Point, Router, drawn
from drawing.lanes.placing import PILL_GAP, PILL_H, Placing, called
from drawing.lanes.shapes import Box, Column, Flow, Node, Pill

WIDE, SIDE = 600, 5  # its width at least; between a box and its lane's border
OUT = 8  # between a box and the name of what leaves it
SQUEEZE = 1.2  # how much longer a line may be than its room
NARROWEST = 124  # a lane that has boxes
HIGH = 4  # from a box's top to the first name next to it


class Compact(Placing):
    """The picture for a wide page, at a glance."""

    between = 9.0
    pad = 5.0
    bands_x = 12.0
    wide: ClassVar[dict[str, float]] = {**Placing.wide, "title": 9.6, "": 7.2, "mark": 7.4, "calm": 7.4}

    def _columns(self) -> list[Column]:
        """Lanes with boxes share what the views' leave."""
        lanes = self.history.lanes.lanes
        boxed = [lane for lane in lanes if lane.kind != Kind.VIEWS]
        dots = sum(lane.width for lane in lanes if lane.kind == Kind.VIEWS and boxed)
        wide = max((WIDE - dots) / max(len(boxed or lanes), 1), NARROWEST)
        x, columns = 0.0, []
        for lane in lanes:
            w = lane.width if lane.kind == Kind.VIEWS and boxed else wide
            columns.append(Column(lane, lane.name, x, w))
            x += w
        return columns

    def _frame(self, node: Node) -> tuple[float, float]:
        """What happened to a projector has no room in a lane of dots: its box reaches to the left."""
        column = self.columns[node.lane]
        w = max(column.w, NARROWEST) - 2 * SIDE
        return column.x + column.w - SIDE - w, w

    def _most(self, kind: str, room: float) -> int:
        """A box is as low as can be: a text that is a little too long for a line is squeezed."""
        return max(int((room - self.aside.get(kind, 0)) * (1 if kind == "" else SQUEEZE) / self.wide[kind]), 4)

    def _abreast(self, node: Node | None, views: list[Node]) -> list[list[Node]]:
        if node is None or node.lane.kind == Kind.VIEWS:
            return [*([[node]] if node else []), *([view] for view in views)]
        return [[node, *views]]

    def _texts(self, node: Node) -> list[tuple[str, str]]:
        """What a participant changed is its title: the command has its name at the arrow."""
        answers = node.kind == "transaction" and bool(node.answers) and bool(node.states)
        said = [line for line in node.lines if not (answers and line in node.stated)]
        texts = [("title", node.states[0] if answers else node.title), *(("", line) for line in said)]
        return [*texts, *((mark.tone, mark.text) for mark in node.marks), *(("event", name) for name in node.says)]

    def _is_named(self, flow: Flow) -> bool:
        struck = bool(flow.marks) or flow.state in ("dropped", "doubled")
        return bool(flow.message) and (flow.kind != "event" or struck)

    def _row(self, nodes: list[Node], leaving: dict[Node, list[Flow]], y: float) -> float:
        main = self._box(nodes[0], y)
        flows = leaving.get(nodes[0], [])
        down = [flow for flow in flows if self._is_below(flow)]
        top = y + HIGH
        for flow in flows:
            if flow not in down:
                self.pills[flow.id] = self._beside(flow, main, top)
                top += PILL_H + PILL_GAP
        main.h = max(main.h, top - PILL_GAP + HIGH - y)
        low = y + main.h + 1
        for flow in down:
            text, flag = called(flow)
            self.pills[flow.id] = Pill(main.middle + OUT, low, _wide(text), PILL_H - 2, text, flag, aside=True)
            low += PILL_H
        fold_views(self, nodes[0], nodes[1:])
        return max(low - 1, y + main.h) + self.between

    def _is_below(self, flow: Flow) -> bool:
        """Whether its name is under its box: if it leads to no box at a side."""
        bound = self._bound(flow)
        return (
            flow.kind == "event"
            or bound in (None, flow.source.lane)
            or (bound is not None and bound.kind == Kind.VIEWS)
        )

    def _bound(self, flow: Flow) -> Lane | None:
        """The lane that it leads to, or is addressed to."""
        if flow.target is not None:
            return flow.target.lane
        return self.history.lanes.of(flow.bound) if flow.bound else None

    def _beside(self, flow: Flow, source: Box, y: float) -> Pill:
        text, flag = called(flow)
        if flow.kind == "reply":
            text = ("✗" if flow.refused else "✓") + (f" #{flow.attempt}" if flow.attempt > 1 else "")
        bound, w = self._bound(flow), _wide(text)
        left = bound is not None and self.columns[bound].x < source.x
        x = source.x - OUT - w if left else source.x + source.w + OUT
        return Pill(x, y, w, PILL_H, text, flag, aside=True, leftwards=left)

    def _paths(self) -> None:
        router = _Ways(list(self.boxes.values()))
        for arrow in self.lanes.arrows:
            flow = arrow.flow
            target = self.boxes[flow.target] if flow.target else None
            arrow.path = router.path(self.boxes[flow.source], target, arrow.pill, flow)


class _Ways(Router):
    def path(self, source: Box, target: Box | None, pill: Pill | None, flow: Flow) -> str:
        if target is not None and target.folded:
            return drawn(self._to_dot(source, target))
        if flow.kind in ("timer", "local") and target is not None:
            return drawn(self._down(source, target))
        y = pill.y + pill.h / 2 if pill else source.flag_y
        if pill is not None and pill.y >= source.y + source.h:  # to its own lane
            return drawn(
                self._down(source, target) if target else [(source.middle, source.y + source.h), (source.middle, y)]
            )
        left = (pill is not None and pill.x < source.x) or (pill is None and target is not None and target.x < source.x)
        leaves = source.x if left else source.x + source.w
        if target is None:
            end = leaves if pill is None else pill.x if left else pill.right
            return drawn([(leaves, y), (end, y)])
        return drawn([(leaves, y), *self._from_side(target, y, left, pill)])

    def _from_side(self, target: Box, y: float, left: bool, pill: Pill | None) -> list[Point]:
        """To above the box, past the name of the message, and down; along its lane's border if a box is in between."""
        if self._blocked(target, y):
            return self._into(target, y, not left)
        x = target.middle
        if pill is not None:
            x = min(x, pill.x - OUT) if left else max(x, pill.right + OUT)
        x = min(max(x, target.x + OUT), target.x + target.w - OUT)
        return [(x, y), (x, target.y)]

    def _to_dot(self, source: Box, target: Box) -> list[Point]:
        y, x = source.flag_y, target.x + target.w / 2
        if abs(target.flag_y - y) < 1:
            return [(source.x + source.w, y), (target.x + EDGE, y)]
        return [
            (source.x + source.w, y),
            (target.x - EDGE, y),
            (target.x - EDGE, target.flag_y),
            (x - 7, target.flag_y),
        ]


def _wide(text: str) -> float:
    """The width of a name with room at its sides."""
    return len(text) * 6.9 + 12

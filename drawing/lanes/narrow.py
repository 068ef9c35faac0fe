"""Lays out a history for a phone: lanes are thin, a dot marks where something happened, and the text is written next to
all lanes. Time goes down, each node and each message has its own row. Pure; lengths in SVG units, about a pixel
each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from drawing.lanes.arrangement import Kind
from drawing.lanes.folding import fold_views
from drawing.lanes.paths import Point, drawn
from drawing.lanes.placing import FLAG, PAD, PILL_GAP, PILL_H, Placing, called
from drawing.lanes.shapes import Column, Flow, History, Line, Node, Pill

LANE, WIDTH = 19, 374
DOT, EDGE = 5, 8  # a dot's radius; the distance at which a message passes the dot of another node


class Narrow(Placing):
    """The picture for a narrow page."""

    between = 12.0
    line_h = 16.0
    wide: ClassVar[dict[str, float]] = {
        "title": 7.6,
        "": 6.8,
        "meta": 7.2,
        "mark": 6.9,
        "view": 6.8,
        "event": 6.9,
        "more": 6.9,
        "calm": 6.9,
    }
    aside: ClassVar[dict[str, float]] = {"view": 50, "mark": 50, "calm": 50, "event": FLAG}
    times_x = WIDTH - 10.0

    def __init__(self, history: History, pos: int | None) -> None:
        super().__init__(history, pos)
        self.text_x = LANE * len(self.columns) + 7.0
        self.bands_x = self.text_x + 9
        self.lanes.narrow = True
        self.low: dict[Node, float] = {}

    def _width(self) -> float:
        return WIDTH

    def _columns(self) -> list[Column]:
        """Headed by the same letters as the tables."""
        return [Column(lane, lane.letter, number * LANE, LANE) for number, lane in enumerate(self.history.lanes.lanes)]

    def _abreast(self, node: Node | None, views: list[Node]) -> list[list[Node]]:
        if self.history.folded and node is not None and node.lane.kind != Kind.VIEWS:
            return [[node, *views]]
        return [[one] for one in (*views, node) if one is not None]

    def _row(self, nodes: list[Node], leaving: dict[Node, list[Flow]], y: float) -> float:
        node = nodes[0]
        box = self._box(node, y)
        box.dot = self.columns[node.lane].middle - box.x, PAD + self.line_h * 0.5
        if node.kind != "request":
            self.lanes.times.append(Line(y + box.lines[-1].y if box.lines else y, self._since(node)))
        low = y + box.h + PILL_GAP
        for flow in leaving.get(node, ()):
            self.pills[flow.id] = self._pill(flow, low)
            low += PILL_H + PILL_GAP
        self.low[node] = low
        fold_views(self, node, nodes[1:])
        return low - PILL_GAP + self.between

    def _frame(self, node: Node) -> tuple[float, float]:
        return self.text_x, WIDTH - self.text_x - 4

    def _texts(self, node: Node) -> list[tuple[str, str]]:
        name, said = node.lane.name, ", ".join(node.lines)
        if node.kind == "views":
            return [("view", f"{name}: {said or node.title}")]
        texts = [("title", f"{name}: {node.title}"), ("", said), *((mark.tone, mark.text) for mark in node.marks)]
        texts += [("event", name) for name in node.says]
        with_ids = node.kind == "transaction" and not self.history.folded
        return [*texts, ("meta", f"xid {node.xid} · {node.lsn}")] if with_ids else texts

    def _pill(self, flow: Flow, y: float) -> Pill:
        text, flag = called(flow)
        return Pill(
            self.text_x + 14, y, min(len(text) * 7.0 + 20, WIDTH - self.text_x - 60), PILL_H, text, flag, aside=True
        )

    def _paths(self) -> None:
        dots = {id(box): (box.x + box.dot[0], box.y + box.dot[1]) for box in self.boxes.values() if box.dot}
        for arrow in self.lanes.arrows:
            flow, pill = arrow.flow, arrow.pill
            source = dots[id(self.boxes[flow.source])]
            target = dots[id(self.boxes[flow.target])] if flow.target else None
            y = pill.y + pill.h / 2 if pill else self.low[flow.source]
            points = _points(source, target, y, list(dots.values()), self.text_x)
            if flow.target and self.boxes[flow.target].folded and target:
                points = [(source[0], source[1] + DOT), (source[0], target[1]), (target[0] - DOT - 1, target[1])]
            arrow.path = drawn(points)
            if pill:
                begins = max((x for x, at in points if at == y), default=source[0]) if target else pill.x
                arrow.lead = f"M{begins:.1f} {y:.1f}H{pill.x:.1f}"


def _points(source: Point, target: Point | None, y: float, dots: Sequence[Point], text_x: float) -> list[Point]:
    """Down the source's lane to the height of its name, sideways, and down the target's lane; past dots in between."""
    sx, start = source[0], (source[0], source[1] + DOT)
    if target is None:
        return [start, (sx, y), (text_x + 14, y)]
    tx, ty = target
    if not any(x == tx and y < at < ty for x, at in dots):
        return [start, (sx, y), (tx, y), (tx, ty - DOT - 1)]
    side = 1 if tx < sx else -1
    edge = tx + side * EDGE
    return [start, (sx, y), (edge, y), (edge, ty), (tx + side * (DOT + 1), ty)]

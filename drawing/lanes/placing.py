"""Lays out a history: lanes are columns, time goes down, each node has its own row. Pure; lengths in SVG units."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import datetime
from textwrap import wrap
from typing import ClassVar

from drawing.durations import lasting
from drawing.lanes.arrangement import Kind
from drawing.lanes.drawing import Lanes
from drawing.lanes.paths import Router
from drawing.lanes.shapes import Arrow, Band, Box, Column, Flow, History, Line, Node, Pill, Sentence
from drawing.lanes.wording import arrow_sentence

WIDE = 640  # minimum: fewer lanes are wider
GAP_H, INSET, PAD, PILL_H, PILL_GAP = 26, 4, 6, 20, 4
FLAG = 18  # the envelope before an event's name
SQUEEZE = 1.35
SEAM = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=\.)")  # where a name that is too long for a line may be broken


class Placing:
    """The picture for a wide page: boxes and messages' names are in their lanes."""

    between = 20.0
    line_h = 15.0
    pad: float = PAD
    wide: ClassVar[dict[str, float]] = {
        "title": 7.8,
        "": 6.9,
        "meta": 7.2,
        "mark": 7.0,
        "view": 6.9,
        "event": 6.9,
        "more": 6.9,
        "calm": 7.0,
    }
    """The approximate width of a character; a text that is longer than its box is wrapped, a slightly longer word is
    squeezed."""
    aside: ClassVar[dict[str, float]] = {"event": FLAG}  # space that a kind of text leaves for a mark, or for the time
    times_x, bands_x = 58.0, 10.0

    def __init__(self, history: History, pos: int | None) -> None:
        self.history, self.pos = history, pos
        self.start = min((datetime.fromisoformat(node.at) for node in history.nodes), default=None)
        self.columns = {column.lane: column for column in self._columns()}
        self.boxes: dict[Node, Box] = {}
        self.pills: dict[str, Pill] = {}
        self.lanes = Lanes(
            self._width(), 0, list(self.columns.values()), times_x=self.times_x, folded=self.history.folded
        )

    def place(self) -> Lanes:
        leaving = defaultdict(list)
        for flow in self.history.flows:
            if self._is_named(flow):
                leaving[flow.source].append(flow)
        gaps = {gap.before: gap for gap in self.history.gaps}
        y: float = self.between
        for number in range(len(self.history.nodes) + 1):
            node = self.history.nodes[number] if number < len(self.history.nodes) else None
            for row in self._abreast(node, self.history.views.get(number, [])):
                if number in gaps and node in row:
                    y = self._gap(gaps[number].seconds, gaps[number].why, y)
                y = self._row(row, leaving, y)
        self.lanes.height = y
        self.lanes.boxes = sorted(self.boxes.values(), key=lambda box: (box.y, box.x))
        stop = next((box for box in self.lanes.boxes if box.current), None) or next(iter(self.lanes.boxes), None)
        if stop is not None:
            stop.tab = 0
        self._arrows()
        self._sentences()
        return self.lanes

    def _abreast(self, node: Node | None, views: list[Node]) -> list[list[Node]]:
        """The rows of a node and of the views written after it: one row, unless they share a lane."""
        if node is None:
            return [views] if views else []
        same = [view for view in views if view.lane == node.lane]
        return [[view] for view in same] + [[node, *(view for view in views if view.lane != node.lane)]]

    def _row(self, nodes: list[Node], leaving: dict[Node, list[Flow]], y: float) -> float:
        made = [self._box(node, y) for node in nodes]
        flows = [flow for node in nodes for flow in leaving.get(node, ())]
        stack = len(flows) * (PILL_H + PILL_GAP) - PILL_GAP
        main = made[0]
        if self.history.lanes.bus is not None:
            main.h = max(main.h, stack)
            top = y + (main.h - stack) / 2
        else:
            top = y + main.h + PILL_GAP
        for flow in flows:
            self.pills[flow.id] = self._pill(flow, top)
            top += PILL_H + PILL_GAP
        if main.node.kind != "request":
            free = all(box.x >= self.times_x for box in made)  # else the time stands above the box
            self.lanes.times.append(Line(y + self.line_h + 2 if free else y - 5, self._since(nodes[0])))
        return max(*(box.y + box.h for box in made), top - PILL_GAP) + self.between

    def _since(self, node: Node) -> str:
        at = datetime.fromisoformat(node.at)
        return lasting((at - (self.start or at)).total_seconds(), digits=2)

    def _gap(self, seconds: float, why: str, y: float) -> float:
        length = lasting(seconds)
        self.lanes.bands.append(Band(y - self.between / 2, GAP_H, f"{length} · {why}" if why else length, self.bands_x))
        return y + GAP_H

    def _box(self, node: Node, y: float) -> Box:
        x, w = self._frame(node)
        room = w - 14
        broken = [
            (kind if kind != "event" or number == 0 else "more", part)
            for kind, text in self._texts(node)
            if text
            for number, part in enumerate(_broken(text, self._most(kind, room), 3 if kind in ("", "view") else 2))
        ]
        box = self.made(node, x, y, w, len(broken) * self.line_h + 2 * self.pad)
        box.lines = [
            Line(self.pad + self.line_h * (n + 0.78), part, kind, self._squeezed(kind, part, room))
            for n, (kind, part) in enumerate(broken)
        ]
        return box

    def made(self, node: Node, x: float, y: float, w: float, h: float) -> Box:
        """A node's box, without its texts."""
        box = Box(node.id, node, x, y, w, h, label=node.as_sentence)
        if self.pos is not None and node.positions:
            first = node.positions[0]
            box.future, box.current = first > self.pos, self.pos in node.all_positions()
        self.boxes[node] = box
        return box

    def _squeezed(self, kind: str, text: str, room: float) -> float:
        room -= FLAG if kind in ("event", "more") else 0
        return room if len(text) * self.wide[kind] > room else 0

    def _most(self, kind: str, room: float) -> int:
        return max(int((room - self.aside.get(kind, 0)) / self.wide[kind]), 4)

    def _frame(self, node: Node) -> tuple[float, float]:
        """A box's left edge and its width."""
        column = self.columns[node.lane]
        return column.x + INSET, column.w - 2 * INSET

    def _texts(self, node: Node) -> list[tuple[str, str]]:
        """The texts in a box, each with its kind."""
        plain = "view" if node.kind == "views" else ""
        texts = [("title", node.title), *((plain, line) for line in node.lines)]
        texts += [*((mark.tone, mark.text) for mark in node.marks), *(("event", name) for name in node.says)]
        return [*texts, ("meta", f"xid {node.xid}"), ("meta", node.lsn)] if node.kind == "transaction" else texts

    def _pill(self, flow: Flow, y: float) -> Pill:
        column = self.columns[self.history.lanes.bus or flow.source.lane]
        return Pill(column.x + INSET, y, column.w - 2 * INSET, PILL_H, *called(flow))

    def _arrows(self) -> None:
        for flow in self.history.flows:
            source = self.boxes[flow.source]
            target = self.boxes[flow.target] if flow.target else None
            future = self.pos is not None and (flow.pos > self.pos or (target is not None and target.future))
            arrow = Arrow(flow.id, flow, "", source.id, target.id if target else "", self.pills.get(flow.id), future)
            arrow.label = arrow_sentence(flow)
            self.lanes.arrows.append(arrow)
        self.lanes.arrows.sort(key=lambda arrow: self._place(arrow.flow))
        self._paths()

    def _paths(self) -> None:
        router = Router(list(self.boxes.values()), under=self.history.lanes.bus is None)
        for arrow in self.lanes.arrows:
            flow = arrow.flow
            target = self.boxes[flow.target] if flow.target else None
            arrow.path = router.path(self.boxes[flow.source], target, arrow.pill, flow)

    def _columns(self) -> list[Column]:
        x, columns = 0.0, []
        lanes = self.history.lanes.lanes
        wider = max(WIDE / sum(lane.width for lane in lanes), 1)
        for lane in lanes:
            columns.append(Column(lane, lane.name, x, lane.width * wider))
            x += lane.width * wider
        return columns

    def _width(self) -> float:
        return max(column.x + column.w for column in self.columns.values())

    def _place(self, flow: Flow) -> tuple[float, float, float]:
        """The order down the drawing: by where it leaves, then where it arrives."""
        source, target = self.boxes[flow.source], self.boxes[flow.target] if flow.target else None
        leaves = self.pills[flow.id].y if flow.id in self.pills else source.y + source.h
        return source.y, leaves, target.y if target else leaves

    def _is_named(self, flow: Flow) -> bool:
        """Whether its name is on the bus. An event has its name at the box that published it: on the bus only if a service
        acts on it, or if a fault struck it."""
        if flow.kind == "event" and not flow.marks and flow.state not in ("dropped", "doubled"):
            return flow.target is not None and flow.target.lane.kind != Kind.VIEWS
        return bool(flow.message)

    def _sentences(self) -> None:
        for box in self.lanes.boxes:
            lane = box.node.lane
            self.lanes.sentences.append(
                Sentence(lane.name, lane.service, box.node.as_sentence, box.pos, box.future, box.current)
            )


def called(flow: Flow) -> tuple[str, str]:
    """The text of a message's pill, and of the flag at its corner."""
    end = (" ✗" if flow.refused else " ✓") if flow.kind == "reply" else ""
    again = f" #{flow.attempt}" if flow.attempt > 1 else ""
    back = "↶ " if flow.compensation and not end else ""
    flag = {"dropped": "lost", "doubled": "again", "delayed": "late", "pending": "…"}.get(flow.state, "")
    return f"{back}{flow.label.removesuffix('Reply')}{end}{again}", flag


def _broken(text: str, width: int, most: int) -> list[str]:
    words = (part for word in text.split() for part in ([word] if len(word) <= width else SEAM.split(word)))
    longest = int(width * SQUEEZE)
    cut = (word if len(word) <= longest else f"{word[: longest - 1]}…" for word in words)
    lines = wrap(" ".join(cut), width, break_long_words=False, break_on_hyphens=False) or [""]
    return lines if len(lines) <= most else [*lines[: most - 1], lines[most - 1][: width - 1] + "…"]

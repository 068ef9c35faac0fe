"""From a tale to a drawing: lanes are columns, time goes down, each node has a row of its own. Pure; lengths in SVG units."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import datetime
from textwrap import wrap

from dashboard.stage.lanes.paths import Router
from dashboard.stage.lanes.shapes import (
    BUS,
    LANES,
    PROJECTOR,
    Arrow,
    Band,
    Box,
    Column,
    Flow,
    Lanes,
    Line,
    Node,
    Pill,
    Sentence,
    Tale,
)

WIDTHS = (56, 102, 106, 94, 94, 94, 86)
HEAD, BETWEEN, GAP_H, INSET = 30, 20, 26, 4
LINE_H, PAD, PILL_H, PILL_GAP = 13, 6, 20, 4
WIDE = {"title": 7.2, "": 6.4, "meta": 6.0, "mark": 6.4, "view": 6.0}
"""About how wide a character is; a text that is longer than its box is wrapped, a word a little longer is squeezed."""
SQUEEZE = 1.35
SEAM = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=\.)")  # where a name that is too long for a line is broken
NAMED = ("command", "reply")


def place(tale: Tale, pos: int | None) -> Lanes:
    return _Placing(tale, pos).place()


class _Placing:
    def __init__(self, tale: Tale, pos: int | None) -> None:
        self.tale, self.pos = tale, pos
        self.columns = _columns()
        self.boxes: dict[Node, Box] = {}
        self.rows: list[tuple[float, float]] = []
        self.pills: dict[str, Pill] = {}
        self.lanes = Lanes(self.columns[-1].x + self.columns[-1].w, 0, self.columns)

    def place(self) -> Lanes:
        leaving = defaultdict(list)
        for flow in self.tale.flows:
            if flow.kind in NAMED or flow.marks or flow.state in ("dropped", "doubled"):
                leaving[flow.source].append(flow)
        gaps = {gap.before: gap for gap in self.tale.gaps}
        y: float = HEAD + BETWEEN
        for number in range(len(self.tale.nodes) + 1):
            node = self.tale.nodes[number] if number < len(self.tale.nodes) else None
            view = self.tale.views.get(number)
            if number in gaps:
                y = self._gap(gaps[number].seconds, gaps[number].why, y)
            if view is not None and node is not None and node.lane == PROJECTOR:
                y = self._row([view], {}, y)
                view = None
            row = [one for one in (node, view) if one is not None]
            if row:
                y = self._row(row, leaving, y)
        self.lanes.height = y
        self.lanes.boxes = sorted(self.boxes.values(), key=lambda box: (box.y, box.x))
        stop = next((box for box in self.lanes.boxes if box.current), None) or next(iter(self.lanes.boxes), None)
        if stop is not None:
            stop.tab = 0
        self._arrows()
        self._sentences()
        return self.lanes

    def _row(self, nodes: list[Node], leaving: dict[Node, list[Flow]], y: float) -> float:
        made = [self._box(node, y) for node in nodes]
        flows = [flow for node in nodes for flow in leaving.get(node, ())]
        stack = len(flows) * (PILL_H + PILL_GAP) - PILL_GAP
        main = made[0]
        main.h = max(main.h, stack)
        height = max(box.h for box in made)
        top = y + (main.h - stack) / 2
        for flow in flows:
            self.pills[flow.id] = self._pill(flow, top)
            top += PILL_H + PILL_GAP
        if main.node.kind != "request":
            self.lanes.times.append(Line(y + LINE_H + 2, self._since(nodes[0])))
        return y + height + BETWEEN

    def _since(self, node: Node) -> str:
        start = min(datetime.fromisoformat(one.at) for one in self.tale.nodes or [node])
        seconds = (datetime.fromisoformat(node.at) - start).total_seconds()
        return (
            f"{seconds * 1000:.0f} ms"
            if seconds < 1
            else f"{seconds:.2f} s"
            if seconds < 100
            else f"{seconds / 60:.0f} min"
        )

    def _gap(self, seconds: float, why: str, y: float) -> float:
        length = f"{seconds:.1f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
        self.lanes.bands.append(Band(y - BETWEEN / 2, GAP_H, f"{length} · {why}" if why else length))
        return y + GAP_H

    def _box(self, node: Node, y: float) -> Box:
        column = self.columns[node.lane]
        plain = "view" if node.kind == "views" else ""
        texts = [("title", node.title), *((plain, line) for line in node.lines)]
        texts += [("mark", mark.text) for mark in node.marks]
        if node.kind == "transaction":
            texts += [("meta", f"xid {node.xid}"), ("meta", node.lsn)]
        room = column.w - 2 * INSET - 14
        broken = [
            (kind, part)
            for kind, text in texts
            if text
            for part in _broken(text, max(int(room / WIDE[kind]), 4), 2 if kind in ("title", "mark") else 3)
        ]
        box = Box(node.id, node, column.x + INSET, y, column.w - 2 * INSET, len(broken) * LINE_H + 2 * PAD)
        box.lines = [
            Line(PAD + LINE_H * (n + 0.78), part, kind, room if len(part) * WIDE[kind] > room else 0)
            for n, (kind, part) in enumerate(broken)
        ]
        box.label = node.told
        if self.pos is not None and node.positions:
            first = node.positions[0]
            box.future, box.current = first > self.pos, self.pos in node.all_positions()
        self.boxes[node] = box
        return box

    def _pill(self, flow: Flow, y: float) -> Pill:
        column = self.columns[BUS]
        name = flow.label.removesuffix("Reply")
        end = (" ✗" if flow.refused else " ✓") if flow.kind == "reply" else ""
        again = f" #{flow.attempt}" if flow.attempt > 1 else ""
        flag = {"dropped": "lost", "doubled": "again", "delayed": "late", "pending": "…"}.get(flow.state, "")
        return Pill(
            column.x + INSET,
            y,
            column.w - 2 * INSET,
            PILL_H,
            f"{'↶ ' if flow.compensation and not end else ''}{name}{end}{again}",
            flag,
        )

    def _arrows(self) -> None:
        router = Router(list(self.boxes.values()))
        for flow in self.tale.flows:
            source = self.boxes[flow.source]
            target = self.boxes[flow.target] if flow.target else None
            pill = self.pills.get(flow.id)
            future = self.pos is not None and (flow.pos > self.pos or (target is not None and target.future))
            path = router.path(source, target, pill, flow)
            words = f"{flow.label} {flow.state}".strip()
            self.lanes.arrows.append(
                Arrow(flow.id, flow, path, source.id, target.id if target else "", pill, future, words)
            )

    def _sentences(self) -> None:
        for box in self.lanes.boxes:
            service, name = LANES[box.node.lane]
            self.lanes.sentences.append(Sentence(name, service, box.node.told, box.pos, box.future, box.current))


def _columns() -> list[Column]:
    x, columns = 0.0, []
    for (service, name), width in zip(LANES, WIDTHS, strict=True):
        columns.append(Column(service, name, x, width))
        x += width
    return columns


def _broken(text: str, width: int, most: int) -> list[str]:
    words = (part for word in text.split() for part in ([word] if len(word) <= width else SEAM.split(word)))
    longest = int(width * SQUEEZE)
    cut = (word if len(word) <= longest else f"{word[: longest - 1]}…" for word in words)
    lines = wrap(" ".join(cut), width, break_long_words=False, break_on_hyphens=False) or [""]
    return lines if len(lines) <= most else [*lines[: most - 1], lines[most - 1][: width - 1] + "…"]

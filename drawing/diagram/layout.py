"""Turns ranks into a picture: services are horizontal lines, columns are causal ranks. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from textwrap import shorten, wrap

from django.utils.safestring import SafeString

from drawing.diagram.causality import OBSERVATIONS, Link, line_of, links, ranks
from drawing.diagram.shapes import ZOOMS, Edge, Node, Picture, Row, Text, Track, Zoom
from drawing.present import LETTERS, SERVICE_NAMES, clock
from journal.entry import Step

LEFT, TOP = 26, 10
BAR = 9  # total distance of the lines in the gutter
Named = Mapping[tuple[int, str], tuple[str, str]]
"""(emitting position, message id) -> (kind, type)"""
UNKNOWN_CAUSE = "a cause is unknown"


def draw(
    steps: Sequence[Step],
    zoom: Zoom,
    *,
    causes: Mapping[int, Sequence[int]] | None = None,
    messages: Named | None = None,
    outside: Mapping[int, tuple[str, str]] | None = None,
    href: Callable[[Step], str] = lambda step: "",
    found: int | None = None,
) -> Picture:
    """Lay out entries in the journal's order.

    `causes`: position -> causes of every entry of the range, if some are filtered out; `messages`: the names of the
    messages; `outside`: position -> (service, title) of causes that are not in the picture; `found`: the entry that was
    searched for.
    """
    woven = links(steps, causes)
    column = ranks(steps, woven)
    tracks = _tracks(steps, zoom, filtered=bool(causes))
    row = {track.service: number for number, track in enumerate(tracks)}
    picture = Picture(zoom, 0, TOP * 2 + zoom.row * len(tracks), tracks, columns=max(column.values(), default=-1) + 1)
    picture.width = LEFT + zoom.column * picture.columns + 10
    nodes = {step.pos: _node(step, zoom, (column[step.pos], row[line_of(step)]), href(step)) for step in steps}
    picture.nodes = sorted(nodes.values(), key=lambda node: (node.cell[0], node.cell[1]))
    stop = nodes.get(found or 0) or next(iter(picture.nodes), None)
    if stop is not None:
        stop.tab, stop.found = SafeString("0"), stop.pos == found
    causes_of = {step.pos: step.causes for step in steps}
    named: dict[tuple[int, int], list[tuple[str, str]]] = {}
    for link in woven:
        names = [(messages or {}).get((link.source, id)) for id in causes_of[link.target]]
        named[link.source, link.target] = [one for one in names if one] or [("message", "")]
    at = {track.service: track.y for track in tracks}
    picture.edges = [_edge(link, nodes, named[link.source, link.target], zoom, at, outside or {}) for link in woven]
    titles = {step.pos: (step.service, step.title) for step in steps} | dict(outside or {})
    picture.rows = [_row(step, nodes[step.pos], woven_into, titles) for step, woven_into in _by_target(steps, woven)]
    return picture


def zoom_for(count: int) -> Zoom:
    """The closest zoom at which this many entries still fit in view."""
    return ZOOMS[2] if count <= 60 else ZOOMS[1] if count <= 300 else ZOOMS[0]


def _tracks(steps: Sequence[Step], zoom: Zoom, *, filtered: bool) -> list[Track]:
    """The five services, additional ones of an imported tape, and the observations; with a filter, only those with entries."""
    used = {line_of(step) for step in steps}
    known = [*SERVICE_NAMES, *sorted(used - {*SERVICE_NAMES, OBSERVATIONS}), OBSERVATIONS]
    found = []
    for number, service in enumerate(line for line in known if line in used or not filtered):
        top = TOP + number * zoom.row
        name = "Observed" if service == OBSERVATIONS else name_of(service)
        found.append(Track(service, name, letter_of(service), top + zoom.row / 2, top))
    return found


def name_of(service: str) -> str:
    return SERVICE_NAMES.get(service, service or "no service")


def letter_of(service: str) -> str:
    return LETTERS.get(service) or name_of(service)[:1].upper()


def _node(step: Step, zoom: Zoom, cell: tuple[int, int], href: str) -> Node:
    x, y = LEFT + (cell[0] + 0.5) * zoom.column, TOP + (cell[1] + 0.5) * zoom.row
    node = Node(
        SafeString(f"n-{step.pos}"),
        step.pos,
        cell,
        x,
        y,
        step.kind,
        step.service,
        letter_of(step.service),
        _label(step),
        href,
    )
    node.place, node.column, node.row = (
        SafeString(f"translate({x:g} {y:g})"),
        SafeString(cell[0]),
        SafeString(cell[1]),
    )
    node.shape = SafeString(_shape(step.kind, zoom.w, zoom.h))
    if zoom.lines:
        lines = wrap(step.title, zoom.chars, max_lines=zoom.lines, placeholder=" …", break_on_hyphens=False)
        height = 13.0
        y0 = -(len(lines) * height + 11) / 2 + 10
        node.texts = [Text(SafeString(f"{y0 + number * height:g}"), line, "title") for number, line in enumerate(lines)]
        time = clock(step.at.isoformat())[:12] if step.at else ""
        node.texts.append(Text(SafeString(f"{y0 + len(lines) * height:g}"), f"#{step.pos} {time}", "meta"))
    elif zoom.w > 12:
        node.texts = [Text(SafeString("4"), node.letter, "letter")]
    return node


def _shape(kind: str, w: float, h: float) -> str:
    """A transaction is a box, an observation has round ends, a fault has points."""
    a, b = w / 2, h / 2
    if kind == "transaction":
        return f"M{-a:g} {-b:g}h{w:g}v{h:g}h{-w:g}z"
    if kind == "observation":
        return f"M{-a + b:g} {-b:g}h{w - h:g}a{b:g} {b:g} 0 0 1 0 {h:g}h{h - w:g}a{b:g} {b:g} 0 0 1 0 {-h:g}z"
    if w < 30:
        return f"M0 {-b * 1.35:g}L{a * 1.35:g} 0L0 {b * 1.35:g}L{-a * 1.35:g} 0z"
    return f"M{-a + 10:g} {-b:g}h{w - 20:g}l12 {b:g}l-12 {b:g}h{20 - w:g}l-12 {-b:g}z"


def _label(step: Step) -> str:
    what = f", {step.seen}" if step.seen else ""
    when = f", {clock(step.at.isoformat())} UTC" if step.at else ""
    ids = f", xid {step.xid}, LSN {step.lsn}" if step.xid else ""
    note = "" if step.cause_known else f", {UNKNOWN_CAUSE}"
    return f"#{step.pos} {name_of(step.service)}{what}: {shorten(step.title, 160, placeholder=' …')}{when}{ids}{note}"


def _edge(
    link: Link,
    nodes: Mapping[int, Node],
    named: Sequence[tuple[str, str]],
    zoom: Zoom,
    at: Mapping[str, float],
    outside: Mapping[int, tuple[str, str]],
) -> Edge:
    target = nodes[link.target]
    kind = named[0][0]
    sent = " and ".join(f"{kind} {type}".strip() for kind, type in named)
    if link.through == "before":
        service, title = outside.get(link.source, ("", "not kept here"))
        y = at.get(service, target.y)
        path = SafeString(_way(2, y, target, zoom, link.source, spanned=target.cell[0] + 1))
        emitter = " ".join(filter(None, (f"#{link.source}", service and name_of(service))))
        said = f"{sent}, from {emitter}, before this stretch: {title}"
        return Edge(SafeString(f"e-{link.source}-{link.target}"), "", target.id, "before", path, said)
    source = nodes[link.source]
    spanned = target.cell[0] - source.cell[0]
    path = SafeString(_way(source.x + zoom.w / 2, source.y, target, zoom, link.source, spanned))
    if link.through == "hidden":
        kind, said = "hidden", f"#{link.source} led to #{link.target}, over entries that are not shown"
    else:
        said = f"{sent}, from #{link.source} to #{link.target}"
    return Edge(SafeString(f"e-{link.source}-{link.target}"), source.id, target.id, kind, path, said)


def _way(x: float, y: float, target: Node, zoom: Zoom, spread: int, spanned: int) -> str:
    """Always to the right. A long edge goes down to the gutter next to the target's line, along it, and in."""
    end_x, end_y = target.x - zoom.w / 2, target.y
    if spanned <= 1 and y == end_y:
        return f"M{x:g} {y:g}H{end_x:g}"
    step = (zoom.column - zoom.w) / 2 + zoom.w * 0.25
    if spanned <= 1:
        middle = (end_x - x) / 2
        return f"M{x:g} {y:g}C{x + middle:g} {y:g} {end_x - middle:g} {end_y:g} {end_x:g} {end_y:g}"
    side = -1 if y <= end_y else 1
    gutter = end_y + side * (zoom.row / 2 - 3 - spread % 4 * BAR / 4 * zoom.row / 100)
    return (
        f"M{x:g} {y:g}C{x + step:g} {y:g} {x + step / 4:g} {gutter:g} {x + step * 1.2:g} {gutter:g}"
        f"H{end_x - step * 1.2:g}C{end_x - step / 4:g} {gutter:g} {end_x - step:g} {end_y:g} {end_x:g} {end_y:g}"
    )


def _by_target(steps: Sequence[Step], woven: Sequence[Link]) -> list[tuple[Step, list[Link]]]:
    into: dict[int, list[Link]] = {}
    for link in woven:
        into.setdefault(link.target, []).append(link)
    return [(step, into.get(step.pos, [])) for step in steps]


def _row(step: Step, node: Node, into: Sequence[Link], titles: Mapping[int, tuple[str, str]]) -> Row:
    causes: list[tuple[str, bool, str]] = []
    for link in into:
        service, _ = titles.get(link.source, ("", ""))
        emitter = " ".join(filter(None, (f"#{link.source}", service and name_of(service))))
        over = {"direct": "", "hidden": ", over hidden entries", "before": ", before this stretch"}[link.through]
        causes.append(
            (
                SafeString(link.source),
                link.through != "before",
                f"{emitter}{over}",
            )
        )
    at = clock(step.at.isoformat()) if step.at else ""
    kind = step.seen or step.kind
    note = "" if step.cause_known else UNKNOWN_CAUSE
    return Row(SafeString(step.pos), kind, step.service, name_of(step.service), step.title, at, node.href, causes, note)

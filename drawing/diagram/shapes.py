"""The parts of a space-time diagram. Plain values; lengths in SVG units.

Numbers, ids and paths that a template writes a thousand times are strings that need no escaping, which halves the
template's time.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Zoom:
    """How large a cell and the node in it are; `lines`: how many lines of text a node has, of `chars` characters."""

    name: str
    column: float
    row: float
    w: float
    h: float
    lines: int = 0
    chars: int = 0


ZOOMS = (
    Zoom("dots", 16, 40, 10, 10),
    Zoom("letters", 42, 58, 26, 24),
    Zoom("titles", 172, 100, 138, 66, lines=3, chars=17),
)
"""From the overview to the detail."""


@dataclass(slots=True)
class Text:
    y: str
    text: str
    kind: str = ""  # title, meta, letter


@dataclass(slots=True)
class Node:
    """An entry. x, y: its middle; `cell`: (column, row)."""

    id: str
    pos: int
    cell: tuple[int, int]
    x: float
    y: float
    kind: str
    service: str
    letter: str
    label: str
    href: str
    place: str = ""  # SVG: translate(x y)
    column: str = ""
    row: str = ""
    shape: str = ""  # SVG path data around (0, 0)
    texts: list[Text] = field(default_factory=list)
    found: bool = False
    tab: str = "-1"


@dataclass(slots=True)
class Edge:
    """`kind`: command, reply, event (of an indexed message), hidden, before, or "message"."""

    id: str
    from_id: str
    to_id: str
    kind: str
    path: str
    title: str


@dataclass(slots=True)
class Track:
    """A service's horizontal line."""

    service: str
    name: str
    letter: str
    y: float
    top: float


@dataclass(slots=True)
class Row:
    """An entry in the text alternative. `causes`: (position, whether it is in the table, words)."""

    pos: str
    kind: str
    service: str
    name: str
    title: str
    at: str
    href: str
    causes: list[tuple[str, bool, str]]
    note: str = ""


@dataclass(slots=True)
class Picture:
    zoom: Zoom
    width: float
    height: float
    tracks: list[Track] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    columns: int = 0

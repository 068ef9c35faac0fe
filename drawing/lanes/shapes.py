"""The parts of a drawing of swimlanes. Plain values: lengths in SVG units, `pos` positions in the journal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from drawing.lanes.arrangement import Arrangement, Lane


@dataclass(slots=True)
class Mark:
    """A fault or an absorbed duplicate, where it struck; `positions` are the observations that prove it. `ended`: the
    held part has resumed.
    """

    kind: str  # dropped, doubled, delayed, held, crashed, rolled back, refused, absorbed, dead letter, fault
    text: str
    positions: list[int] = field(default_factory=list)
    ended: bool = False

    @property
    def tone(self) -> str:
        """The kind of the line that names it: calm for what a safety mechanism did."""
        return "calm" if self.kind == "absorbed" else "mark"


@dataclass(slots=True, eq=False)
class Node:
    """Something that happened in one lane: a transaction, an attempt without one, or a projector's run of them.

    `kind`: request, transaction, attempt (rolled back or crashed), held (now or earlier), views, note. `positions`: the
    journal entries it represents. `again`: its answer had been sent before. `refused`: its answer is a refusal.
    `waited`: the reason for the time before it, if its entry shows that.
    """

    kind: str
    lane: Lane
    title: str
    lines: list[str] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    xid: int | None = None
    lsn: str = ""
    at: str = ""
    tone: str = ""  # compensation, turning (the decision to go back), bad, wait, good, quiet
    says: list[str] = field(default_factory=list)  # the events it published
    states: list[str] = field(
        default_factory=list
    )  # of its lines: new states of rows, without the rows' kind where they have a name
    as_sentence: str = ""  # the same as a sentence, for the text equivalent
    answers: bool = False  # whether it is a participant's answer to a command
    stated: list[str] = field(default_factory=list)  # of its lines: those about new states
    again: bool = False
    refused: bool = False
    waited: str = ""
    process: str = ""  # the process of an observation, if it names one

    @property
    def id(self) -> str:
        if self.kind == "request":
            return f"ask-{self.positions[0]}" if self.positions else "ask"
        return f"tx-{self.positions[0]}"

    def all_positions(self) -> list[int]:
        """Empty for a request: it is not an entry, only derived from one."""
        return [] if self.kind == "request" else self.positions + [pos for mark in self.marks for pos in mark.positions]


@dataclass(slots=True, eq=False)
class Emission:
    """A message put into an outbox by an entry; a repeated reply is emitted again."""

    message: dict[str, Any]
    source: Node
    pos: int
    attempt: int = 1
    marks: list[Mark] = field(default_factory=list)
    receivers: list[Node] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Flow:
    """A message on its way, or another cause. `target` is None until it has an effect, and permanently if it was
    dropped.

    `kind`: request, command, reply, event, timer (a stored due time), local (in the same service).
    `state`: delivered, dropped, doubled, delayed, pending.
    """

    id: str
    kind: str
    source: Node
    target: Node | None
    label: str = ""
    state: str = "delivered"
    compensation: bool = False
    refused: bool = False
    attempt: int = 1
    pos: int = 0
    marks: list[Mark] = field(default_factory=list)
    message: str = ""  # the message's id, if it is one
    bound: str = ""  # the service that it is addressed to, if it is addressed


@dataclass(slots=True)
class Gap:
    """Time in which nothing happened, before node number `before`; drawn as a band of fixed height."""

    before: int
    seconds: float
    why: str = ""


@dataclass(slots=True)
class History:
    """What happened, before the layout. `nodes` are in causal order; `views[i]` are next to nodes[i], the last ones below.
    `folded`: `views[i]` have applied the events of nodes[i]; `applied`: node -> the first entry that applied an event of it."""

    lanes: Arrangement
    nodes: list[Node] = field(default_factory=list)
    views: dict[int, list[Node]] = field(default_factory=dict)
    flows: list[Flow] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    folded: bool = False
    applied: dict[Node, int] = field(default_factory=dict)


@dataclass(slots=True)
class Line:
    """A line of text in a box."""

    y: float
    text: str
    kind: str = ""  # title, event, more (of an event's name), meta, mark, calm (a mark), view
    squeezed: float = 0  # squeezed to this width; 0: natural width

    @property
    def x(self) -> int:
        """Next to the spine; an event's name is next to its envelope."""
        return 25 if self.kind in ("event", "more") else 9


@dataclass(slots=True)
class Box:
    """A node with its place. `future`: has not happened at the chosen moment; `current`: is that moment."""

    id: str
    node: Node
    x: float
    y: float
    w: float
    h: float
    lines: list[Line] = field(default_factory=list)
    label: str = ""
    future: bool = False
    current: bool = False
    tab: int = -1  # exactly one box of a drawing is a tab stop
    dot: tuple[float, float] | None = (
        None  # offset from its corner: its position in the lane, if the box itself is not in it
    )
    folded: bool = False  # a view's writes as a dot, in the middle of the box

    @property
    def flag_y(self) -> float:
        """The height at which an event leaves it: that of the event's name, below the title if it has none."""
        flag = next((line for line in self.lines if line.kind == "event"), None)
        return self.y + (flag.y - 4 if flag else self.h / 2)

    @property
    def service(self) -> str:
        return self.node.lane.service

    @property
    def holds(self) -> bool:
        """Whether a fault holds it now."""
        return not self.future and any(mark.kind == "held" and not mark.ended for mark in self.node.marks)

    @property
    def tip(self) -> str:
        """The commit time by its database's clock, the transaction's place in its log, and its position in the journal."""
        when = f"{self.node.at[:10]} {self.node.at[11:26]} UTC"
        seen = {"transaction": "committed", "views": "first committed", "request": "taken in, and committed"}
        log = f", xid {self.node.xid}, LSN {self.node.lsn}" if self.node.kind == "transaction" else ""
        return f"{seen.get(self.node.kind, 'seen')} {when}{log}, entry {', '.join(map(str, self.node.positions))}"

    @property
    def pos(self) -> int:
        """The entry that its details show: the last one."""
        return self.node.positions[-1]

    @property
    def middle(self) -> float:
        return self.x + self.w / 2

    @property
    def half(self) -> tuple[float, float]:
        """The offset of its centre."""
        return self.w / 2, self.h / 2


@dataclass(slots=True)
class Pill:
    """The name of a message, in the lane of the bus; without a bus, under the box that sent it."""

    x: float
    y: float
    w: float
    h: float
    text: str
    flag: str = ""
    aside: bool = False  # the flag is next to it, not at its corner
    leftwards: bool = False  # at the left of it

    @property
    def middle(self) -> float:
        return self.x + self.w / 2

    @property
    def text_y(self) -> float:
        return self.y + 14

    @property
    def right(self) -> float:
        return self.x + self.w

    @property
    def squeezed(self) -> float:
        return self.w - 10 if len(self.text) * 6.2 > self.w - 10 else 0


@dataclass(slots=True)
class Arrow:
    """A flow with its path (SVG path data)."""

    id: str
    flow: Flow
    path: str
    from_id: str
    to_id: str
    pill: Pill | None = None
    future: bool = False
    label: str = ""
    lead: str = ""  # line from the path to its name, if the name is not on it

    @property
    def hue(self) -> str:
        if self.flow.state == "dropped" or self.flow.refused:
            return "bad"
        if self.flow.compensation:
            return "back"
        return "plain" if self.flow.kind in ("command", "reply", "request") else "faint"


@dataclass(slots=True)
class Band:
    """A gap with its place."""

    y: float
    h: float
    text: str
    text_x: float

    @property
    def text_y(self) -> float:
        return self.y + self.h / 2 + 4


@dataclass(slots=True)
class Column:
    """A lane with its place. `name`: its heading."""

    lane: Lane
    name: str
    x: float
    w: float

    @property
    def service(self) -> str:
        return self.lane.service

    @property
    def middle(self) -> float:
        return self.x + self.w / 2


@dataclass(slots=True)
class Sentence:
    """One line of the text equivalent."""

    lane: str
    service: str
    text: str
    pos: int
    future: bool = False
    current: bool = False

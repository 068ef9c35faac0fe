"""A waterfall: a bar for each call of a question, where it began and how long it took. Pure: spans in, a drawing out."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

WIDTH = 720
NAMES = 184  # the column on the left, with the name of each call
TALL, LOW = 18, 5  # height of a bar's line: with its name, and without where there are too many to read
READABLE = 60  # bars with a name, at most
LETTERS = 26  # of a name
TOP = 20  # the line of the ticks
STEPS = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Span:
    """One call. `service`: the one it asked; `call`: the address; times in ms from the beginning of the question.

    `status`: of the answer; 0 if there was none. `attempt` counts from 1; `breaker`: the state of a circuit breaker, "" without.
    """

    service: str
    call: str
    began_ms: float
    took_ms: float
    status: int
    attempt: int = 1
    breaker: str = ""

    @property
    def is_good(self) -> bool:
        return 200 <= self.status < 300

    @property
    def outcome(self) -> str:
        return str(self.status) if self.status else "no answer"


@dataclass(frozen=True, slots=True)
class Bar:
    """`x`, `y`, `width` and `height` in units of the drawing."""

    span: Span
    x: float
    y: float
    width: float
    height: float
    title: str

    @property
    def baseline(self) -> float:
        """Of the name next to it."""
        return self.y + self.height - 3

    @property
    def name(self) -> str:
        """As long as there is room for."""
        short = _short(self.span.call)
        text = short if short.startswith(self.span.service) else f"{self.span.service} {short}"
        return text if len(text) <= LETTERS else f"{text[: LETTERS - 1]}…"

    @property
    def said(self) -> str:
        """Next to its end: the ms, and the outcome unless all is well."""
        took = f"{self.span.took_ms:.0f}"
        return took if self.span.is_good else f"{self.span.outcome} · {took}"

    @property
    def end(self) -> float:
        return self.x + self.width + 4


@dataclass(frozen=True, slots=True)
class Waterfall:
    """`named`: there is room for the name of each call. `ticks`: (x, ms)."""

    bars: Sequence[Bar]
    ticks: Sequence[tuple[float, str]]
    height: float
    named: bool
    took_ms: float
    width: int = WIDTH

    @property
    def calls(self) -> int:
        return len(self.bars)


def draw(spans: Iterable[Span], until_ms: float = 0.0) -> Waterfall:
    """The bars by the time at which they began. `until_ms`: the axis goes at least so far, so that two can be compared."""
    ordered = sorted(spans, key=lambda span: (span.began_ms, span.service, span.call))
    took = max((span.began_ms + span.took_ms for span in ordered), default=0.0)
    named = len(ordered) <= READABLE
    left = NAMES if named else 8
    axis = max(took, until_ms)
    scale = (WIDTH - left - 64) / axis if axis else 0.0
    line = TALL if named else LOW
    bars = [
        Bar(
            span=span,
            x=round(left + span.began_ms * scale, 1),
            y=TOP + number * line,
            width=round(max(span.took_ms * scale, 1.0), 1),
            height=line - (4 if named else 1),
            title=f"{span.service}: {span.call}, {span.outcome}, {span.took_ms:.1f} ms",
        )
        for number, span in enumerate(ordered)
    ]
    ticks = [(round(left + at * scale, 1), f"{at:g}") for at in _ticks(axis)]
    return Waterfall(bars, ticks, TOP + len(bars) * line + 4, named, round(took, 1))


def _ticks(took: float) -> list[float]:
    """At most six round numbers from 0 on."""
    step = next(
        (one * 10**power for power in range(-2, 8) for one in STEPS if took / (one * 10**power) <= 5), took or 1.0
    )
    return [step * number for number in range(int(took / step) + 1)] if took else [0.0]


def _short(call: str) -> str:
    """The address without what all have in common, and of an id only its end."""
    path, _, query = call.removeprefix("/api/").partition("?")
    head, _, last = path.rpartition("/")
    shown = f"{head}/…{last[-4:]}" if head and len(last) > 12 else path
    return f"{shown}?" if query else shown


def as_dicts(spans: Iterable[Span]) -> list[dict[str, Any]]:
    return [asdict(span) for span in spans]

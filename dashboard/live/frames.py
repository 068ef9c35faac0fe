"""The changes of the pages by entries, as one piece of HTML: the log's lines, and the newest state of each gauge and
seat.

All lines are sent; of elements with an id only the last state. A frame begins with a `<data>` element with the page's
new position: `value` (the new cursor), `data-after` (the cursor it continues), `data-head` (the journal's end).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from threading import Event
from typing import Any

from django.template.loader import get_template
from django.utils.html import escape

from drawing import present
from drawing.line import bare, line
from drawing.seat import seat
from gateway.people.privacy import STRANGER, masked, seen_by
from journal.noteworthy import for_live_pages, is_shown
from journal.packed.rows import opened

Row = dict[str, Any]


VISITORS = Event()  # a viewer who is not an operator follows: until then no line is rendered twice


@dataclass(slots=True)
class Frame:
    """One entry. It is decoded and rendered when a page first asks for it, and then once for all.

    `raw`: the entry; if its rows are packed, their layouts have to be loaded.
    """

    pos: int
    raw: Row | None
    line: str = ""
    bare: str = ""
    masked: str = ""  # the line for visitors; "" until there is one
    gauges: dict[str, Row] = field(default_factory=dict)
    seats: dict[str, dict[str, Row]] = field(default_factory=dict)  # performance -> label -> row of the view

    def make(self) -> "Frame":
        """Render, and drop the source."""
        if self.raw is not None:
            # Of the rows that a page draws: decoding the others would be most of the work in a stream.
            raw = for_live_pages(opened(self.raw, is_shown))
            shown = present.entry(raw)
            # The log hides bookkeeping, which is one entry in three: only a placeholder is sent.
            self.line = bare(shown, named=True) if shown["bookkeeping"] else line(shown)
            self.bare = bare(shown)
            if VISITORS.is_set():
                with seen_by(STRANGER):
                    self.masked = line(present.entry(masked(raw))) if not shown["bookkeeping"] else self.line
            for change in raw.get("changes") or []:
                self._note(change)
            self.raw = None
        return self

    def _note(self, change: Row) -> None:
        row = change.get("new")
        if row is None:
            return
        if change["table"] == "projections_seatmap" and change["op"] == "update":
            self.seats.setdefault(row["performance_id"], {})[row["label"]] = row
        elif change["table"] == "projections_checkpoint" and row["applied"]:
            self.gauges[row["view"]] = row


def join(frames: Iterable[Frame], *, log: bool, performance: str, full: bool = True) -> str:
    """The frames as one run of elements; with a `log`, its lines, newest first, as the log has them.

    Not `full`: masked, in the same way for all visitors; they see their own data in the booking's panel. For a line
    that was rendered before the first visitor connected, only a placeholder.
    """
    if not full:
        VISITORS.set()
    made = [frame.make() for frame in frames]
    gauges: dict[str, Row] = {}
    seats: dict[str, Row] = {}
    for frame in made:
        gauges |= frame.gauges
        seats |= frame.seats.get(performance, {})
    lines = "".join(
        (frame.line if full else frame.masked or frame.bare) if log else frame.bare for frame in reversed(made)
    )
    return "".join(
        [
            f"<ol>{lines}</ol>" if lines else "",
            *(_partial("live/live.html#lag", {"lag": row}) for row in gauges.values()),
            *map(seat, seats.values()),
        ]
    )


def cursor(pos: int, after: int, head: int, people: int) -> str:
    """The frame's first element."""
    return f'<data value="{pos}" data-after="{after}" data-head="{head}" data-people="{people}" hidden></data>'


def start_anew(epoch: str) -> str:
    """The element that reloads a page whose content is too old to be patched, or belongs to another epoch than `epoch`."""
    return f'<data data-reload data-epoch="{escape(epoch)}" hidden></data>'


def _partial(name: str, context: Row) -> str:
    return _template(name).render(context)


@cache
def _template(name: str) -> Any:
    return get_template(name)

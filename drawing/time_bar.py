"""The time bar: the page's moment, the links to other moments, and the strip under its scrubber. Pure.

Of one booking it goes from entry to entry of that booking; of a run, over every position of the run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from drawing.present import VIEWS
from journal.entry import EntryDict

MARKS = {
    "fault": "a fault struck",
    "violation": "an invariant was violated",
    "dead letter": "a message failed, and is not retried automatically",
    "gap": "the log was lost here",
    "slot": "a reader of a log had lost its place",
    "operator": "a person armed, cleared or decided",
}
"""Kinds of observations that get a mark (journal.reading.marks.SHOWN), and their labels."""
BUCKETS = 240  # of a run's strip
HIGH = 22  # pixels of a strip's tallest bar


def of_booking(entries: Sequence[EntryDict], pos: int) -> dict[str, Any]:
    """{number, total, low, high, value, positions, times, first, previous, next, last, cause, effect, fault, ticks, marks}.

    A link without a target is "". `cause` and `effect` are the nearest entries of this booking that caused this one,
    and that this one caused; `fault` the next strike. `positions` and `times` (ms since the first) let a browser play
    it.
    """
    positions = [entry["pos"] for entry in entries]
    at = positions.index(pos) if pos in positions else -1
    here: EntryDict = entries[at] if at >= 0 else {"cause_pos": []}
    causes = [cause for cause in here["cause_pos"] if cause in positions]
    effects = [entry["pos"] for entry in entries if pos in entry["cause_pos"]]
    faults = [entry["pos"] for entry in entries if _kind(entry) == "fault" and entry["pos"] > pos]
    return {
        "scope": "booking",
        "pos": pos,
        "number": at + 1,
        "total": len(positions),
        "low": 1,
        "high": max(len(positions), 1),
        "value": max(at + 1, 1),
        "positions": ",".join(map(str, positions)),
        "times": ",".join(map(str, offsets(entry["committed_at"] for entry in entries))),
        "first": positions[0] if at > 0 else "",
        "previous": positions[at - 1] if at > 0 else "",
        "next": positions[at + 1] if -1 < at < len(positions) - 1 else "",
        "last": positions[-1] if -1 < at < len(positions) - 1 else "",
        "cause": max(causes, default=""),
        "effect": min(effects, default=""),
        "fault": min(faults, default=""),
        "ticks": [
            {
                "x": _share(number, len(entries)),
                "service": entry["service"],
                "kind": entry["kind"],
                "quiet": entry["service"] in VIEWS,
            }
            for number, entry in enumerate(entries)
            if _kind(entry) not in MARKS
        ],
        "marks": [
            {"x": _share(number, len(entries)), "kind": _kind(entry), "text": f"#{entry['pos']}: {entry['title']}"}
            for number, entry in enumerate(entries)
            if _kind(entry) in MARKS
        ],
        "bars": [],
    }


def strip(heights: Sequence[float], found: Iterable[Any], first: int, last: int) -> dict[str, Any]:
    """A run's strip: {bars, marks}, from journal.reading.marks.density and journal.reading.marks.marks over BUCKETS ranges."""
    top = max(heights, default=0.0) or 1.0
    width = 100 / BUCKETS
    return {
        "bars": [
            {"x": f"{number * width:.3f}", "w": f"{width:.3f}", "y": HIGH + 2 - high, "h": high}
            for number, height in enumerate(heights)
            if (high := max(round(HIGH * (height / top) ** 0.5), 1) if height else 0)
        ],
        "marks": [
            {
                "x": _share(mark.pos - first, last - first + 1),
                "kind": mark.kind,
                "text": f"#{mark.pos}: {MARKS.get(mark.kind, mark.kind)}{f', {mark.count} times' if mark.count > 1 else ''}",
            }
            for mark in found
        ],
        "ticks": [],
    }


def offsets(times: Iterable[str]) -> list[int]:
    """Milliseconds since the first of these ISO 8601 times."""
    found = [datetime.fromisoformat(text).timestamp() for text in times]
    return [round((one - found[0]) * 1000) for one in found]


def _kind(entry: EntryDict) -> str:
    return str((entry.get("data") or {}).get("kind", "")) if entry["kind"] == "observation" else ""


def _share(number: int, total: int) -> str:
    """The position of the scrubber's thumb, in percent."""
    return f"{100 * number / max(total - 1, 1):.3f}"

"""A report of one run: numbers, plots and the schedule, in one HTML file that needs nothing else."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.template.loader import render_to_string

from proofs.history import Entry
from proofs.nemesis.check import RULES, Violation
from proofs.nemesis.story import ENDS, Story
from proofs.plot import Series, bars

BINS = 60


def summary(entries: list[Entry]) -> dict[str, Any]:
    """The run in a few numbers."""
    story = Story(entries)
    ends = Counter(op.end for op in story.ops)
    accepted = {op.booking for op in story.of("book") if op.answered}
    states = Counter(row["state"] for booking, row in story.bookings.items() if booking in accepted)
    reasons = Counter(
        row["reason"] for booking, row in story.bookings.items() if booking in accepted and row["state"] == "CANCELLED"
    )
    faults = Counter(entry["what"] for entry in story.entries if entry["kind"] == "fault")
    healed, rested = story.marks.get("healed"), story.marks.get("rested")
    return {
        "command": story.run.get("command", ""),
        "operations": dict(ends),
        "accepted": len(accepted),
        "lost": len(accepted - story.bookings.keys()),
        "ended": dict(states),
        "cancelled because": dict(reasons.most_common()),
        "strikes": dict(faults.most_common()),
        "seconds until healed": healed if healed is not None else "never",
        "seconds to rest": round(rested - healed, 1) if rested is not None and healed is not None else "never",
        "the auditor": story.verdict.get("status", "silent"),
    }


def write_report(path: Path, entries: list[Entry], violations: Sequence[Violation]) -> None:
    story = Story(entries)
    last = max((entry["at"] for entry in story.entries), default=1.0) or 1.0
    width = last / BINS
    answers = [
        Series(
            kind,
            _histogram([op.until if op.end != "unknown" else op.since for op in story.ops if op.end == kind], width),
        )
        for kind in ENDS
    ]
    waits = Series("slowest answer, seconds", _slowest(story, width))
    broken = {violation.rule for violation in violations}
    context = {
        "summary": {name: _text(value) for name, value in summary(entries).items()},
        "answers": bars(answers, last),
        "waits": bars([waits], last),
        "marks": [
            {"x": round(entry["at"] / last * 1000, 1), "what": entry["what"], "on": entry["on"], "at": entry["at"]}
            for entry in story.entries
            if entry["kind"] == "fault"
        ],
        "rules": [
            {"name": rule.__name__, "says": (rule.__doc__ or "").strip(), "holds": rule.__name__ not in broken}
            for rule in RULES
        ],
        "violations": [violation.as_dict() for violation in violations[:200]],
    }
    path.write_text(render_to_string("proofs/nemesis.html", context))


def _text(value: Any) -> str:
    return ", ".join(f"{name} {count}" for name, count in value.items()) if isinstance(value, dict) else str(value)


def _histogram(moments: list[float], width: float) -> list[float]:
    counts = Counter(min(int(moment / width), BINS - 1) for moment in moments)
    return [float(counts[number]) for number in range(BINS)]


def _slowest(story: Story, width: float) -> list[float]:
    slowest = [0.0] * BINS
    for op in story.ops:
        if op.end != "unknown":
            number = min(int(op.until / width), BINS - 1)
            slowest[number] = max(slowest[number], op.until - op.since)
    return slowest

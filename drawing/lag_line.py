"""The lag of a view over the last minute as a line: SVG path data. Pure; lengths in SVG units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from topology.tuning import Milliseconds, Seconds

WIDTH, HEIGHT = 120, 18
SPAN_S: Seconds = 60.0  # how far back the line of a view's lag goes
LEAST_MS: Milliseconds = 100  # the top of the scale at least: a few milliseconds are no mountain

Sample = tuple[float, float | None]
"""(age in seconds, lag in milliseconds); no lag if the view had nothing to apply."""


@dataclass(frozen=True, slots=True)
class LagLine:
    """`line`: where the view had something to apply; `idle`: where it had not. `most_ms`: the largest lag of the last minute,
    None if there was none."""

    line: str
    idle: str
    most_ms: int | None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def lag_line(samples: Sequence[Sample]) -> LagLine:
    """`samples`: the oldest first; those that are older than a minute are left out. The newest is at the right."""
    recent = [(age, lag) for age, lag in samples if age <= SPAN_S]
    lags = [lag for _, lag in recent if lag is not None]
    top = max([LEAST_MS, *lags])
    points = [(WIDTH * (1 - age / SPAN_S), _height(lag, top), lag is None) for age, lag in recent]
    line: list[str] = []
    idle: list[str] = []
    for before, after in pairwise(points):
        (idle if before[2] and after[2] else line).append(f"M{_at(before)}L{_at(after)}")
    return LagLine("".join(line), "".join(idle), round(max(lags)) if lags else None)


def _height(lag: float | None, top: float) -> float:
    return HEIGHT - 1 - (HEIGHT - 2) * min((lag or 0) / top, 1)


def _at(point: tuple[float, float, bool]) -> str:
    return f"{point[0]:.0f} {point[1]:.0f}"

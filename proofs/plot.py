"""Plots as plain values for a template: stacked bars and lines in a box of 1000 x 160 units. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT = 1000.0, 160.0
NAMED, APART = 4, 15.0  # lines with a name at their end, and the distance between two names


@dataclass(frozen=True)
class Series:
    """A name and its values, equally far apart."""

    name: str
    values: Sequence[float]


def bars(series: Sequence[Series], last: float) -> dict[str, Any]:
    """{"rects": [{"x", "y", "width", "height", "series"}], "top", "last", "names"}; `last` is the right end of the axis."""
    count = max((len(one.values) for one in series), default=1)
    heights = [sum(one.values[number] for one in series) for number in range(count)]
    top = max([*heights, 1e-9])
    step = WIDTH / count
    rects = []
    for number in range(count):
        base = HEIGHT
        for index, one in enumerate(series):
            height = one.values[number] / top * HEIGHT
            base -= height
            if height:
                rects.append(
                    {"x": round(number * step, 1), "y": round(base, 1), "width": round(step * 0.9, 1),
                     "height": round(height, 1), "series": index}
                )  # fmt: skip
    return {"rects": rects, "top": round(top, 2), "last": round(last, 1), "names": [one.name for one in series]}


def lines(series: Sequence[Series], last: float) -> dict[str, Any]:
    """{"lines": [{"name", "points", "first", "end", "hue", "y"}], "top", "last"}; `points` as SVG's polyline wants them.

    `hue`: 0 for the line that ends highest, and so on; None for those without a name, the others' name stands at height `y`.
    """
    top = max([value for one in series for value in one.values] + [1e-9])
    found: list[dict[str, Any]] = []
    for one in series:
        step = WIDTH / max(len(one.values) - 1, 1)
        points = " ".join(
            f"{number * step:.1f},{HEIGHT - value / top * HEIGHT:.1f}" for number, value in enumerate(one.values)
        )
        ends = {"first": one.values[0], "end": one.values[-1]} if one.values else {"first": 0, "end": 0}
        found.append({"name": one.name, "points": points, "hue": None, "y": None, **ends})
    below = -APART
    for hue, line in enumerate(sorted(found, key=lambda line: -line["end"])[:NAMED]):
        below = max(below + APART, HEIGHT - line["end"] / top * HEIGHT)
        line.update(hue=hue, y=round(below, 1))
    return {"lines": found, "top": round(top, 2), "last": round(last, 1)}

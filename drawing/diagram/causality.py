"""The layout by cause: ranks and links of a range, also across entries that a filter hides. Pure.

A cause is always earlier in the journal than its effect; a later one (in a forged tape) is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from journal.entry import Step

OBSERVATIONS = "observations"
Through = Literal["direct", "hidden", "before"]


@dataclass(frozen=True, slots=True)
class Link:
    """From a cause to its effect. `hidden`: through entries that are not shown; `before`: the cause is before the range."""

    source: int
    target: int
    through: Through = "direct"


def line_of(step: Step) -> str:
    """The horizontal line of an entry: its service's; all observations share one."""
    return step.service if step.kind == "transaction" else OBSERVATIONS


def links(shown: Sequence[Step], causes: Mapping[int, Iterable[int]] | None = None) -> list[Link]:
    """The links into `shown` (in order). `causes`: of all entries of the range, if a filter hides some of them."""
    there = {step.pos for step in shown}
    known = {**(causes or {}), **{step.pos: step.cause_pos for step in shown}}
    first = min(known, default=0)
    reached: dict[int, frozenset[int]] = {}  # hidden entry -> the nearest shown ones that led to it
    found: list[Link] = []
    for pos in sorted(known):
        earlier = sorted({cause for cause in known[pos] if cause < pos})
        through = [reached[cause] for cause in earlier if cause in reached]
        if pos not in there:
            reached[pos] = frozenset({cause for cause in earlier if cause in there}.union(*through))
            continue
        direct = [cause for cause in earlier if cause in there]
        found += [Link(cause, pos) for cause in direct]
        found += [Link(cause, pos, "hidden") for cause in sorted(frozenset().union(*through).difference(direct))]
        found += [Link(cause, pos, "before") for cause in earlier if cause < first]
    return found


def ranks(shown: Sequence[Step], found: Iterable[Link]) -> dict[int, int]:
    """Position -> column, from 0: to the right of all its causes and of its line's earlier entries.

    There are as many columns as the longest path has entries. Within that, an entry with effects is placed as near to
    them as possible, and one without near its causes; otherwise a line with many entries (the views') would lag ever
    farther behind.
    """
    order = sorted(shown, key=lambda step: step.pos)
    causes: dict[int, list[int]] = {step.pos: [] for step in order}
    effects: dict[int, list[int]] = {step.pos: [] for step in order}
    caused: set[int] = set()
    for link in found:
        caused.add(link.target)
        if link.through != "before":
            causes[link.target].append(link.source)
            effects[link.source].append(link.target)
    previous, following = _neighbours(order)
    earliest: dict[int, int] = {}
    for step in order:
        earliest[step.pos] = _after(earliest, causes[step.pos], previous.get(step.pos))
    widest = max(earliest.values(), default=0)
    column: dict[int, int] = {}
    for step in reversed(order):
        later = [column[pos] for pos in (*effects[step.pos], following.get(step.pos)) if pos is not None]
        column[step.pos] = min(later, default=widest + 1) - 1
    for step in order:
        if not effects[step.pos] and step.pos in caused:
            column[step.pos] = _after(column, causes[step.pos], previous.get(step.pos))
    used = {old: new for new, old in enumerate(sorted(set(column.values())))}
    return {pos: used[old] for pos, old in column.items()}


def _neighbours(order: Iterable[Step]) -> tuple[dict[int, int], dict[int, int]]:
    """Position -> the previous one on its line; and the next one."""
    previous: dict[int, int] = {}
    following: dict[int, int] = {}
    last: dict[str, int] = {}
    for step in order:
        line = line_of(step)
        if line in last:
            previous[step.pos], following[last[line]] = last[line], step.pos
        last[line] = step.pos
    return previous, following


def _after(column: Mapping[int, int], causes: Iterable[int], previous: int | None) -> int:
    """The first column right of these."""
    before = [column[pos] for pos in (*causes, previous) if pos is not None]
    return max(before, default=-1) + 1

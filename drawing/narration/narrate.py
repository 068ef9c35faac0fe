"""Puts the facts of a booking into one or two sentences: what broke, which way the saga went, and what it waits for. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from drawing.durations import lasting
from drawing.narration.facts import Facts, facts
from drawing.narration.standing import end, standing
from drawing.narration.struck import struck
from drawing.narration.text import Narration
from drawing.narration.turning import backwards, clauses, effective, turned_by
from journal.entry import EntryDict


def narrate(entries: Sequence[EntryDict], booking: str, pos: int | None = None) -> Narration:
    """What happened until now; with `pos`, until after that entry. Without an entry of a service it has no parts."""
    until = [entry for entry in entries if pos is None or entry["pos"] <= pos]
    found, text = facts(until, booking), Narration()
    if not found.commits:
        return text
    turned = turned_by(found, text)
    broken = not turned and struck(found, text)
    done, undone = effective(found)
    if turned or found.going_back or undone:
        backwards(found, undone, text)
    elif done and not broken:
        clauses(done, text, first=True)
        text.end_sentence()
    if not standing(found, text):
        end(found, text)
    text.close()
    text.figures = _figures(found)
    return text


def _figures(found: Facts) -> list[str]:
    commits, databases = len(found.commits), len(found.services)
    return [
        lasting(found.took_s),
        f"{databases} database{'' if databases == 1 else 's'}",
        f"{commits} commit{'' if commits == 1 else 's'}",
    ]

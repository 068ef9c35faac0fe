"""Runs: named ranges of a tape. This module reads them, for every reader of the journal; `lifecycle` changes them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F, Q

from journal.models import LIVE, Entry, Run
from journal.reading.queries import last_pos

RunDict = dict[str, Any]


def listing() -> list[RunDict]:
    """All runs, the open one first, then the newest first."""
    found = Run.objects.order_by(F("ended_pos").desc(nulls_first=True), "-started_at", "-id")
    kept = kept_positions()
    return sorted((as_dict(run, kept) for run in found), key=lambda run: run["open"], reverse=True)


def find(id: UUID | str) -> RunDict | None:
    """One run; None for an unknown id."""
    run = Run.objects.filter(id=id).first()
    return as_dict(run, kept_positions()) if run else None


def at(pos: int) -> UUID | None:
    """Id of the run of the live tape that position `pos` belongs to; None where that run has been deleted."""
    found = Run.objects.filter(Q(ended_pos=None) | Q(ended_pos__gte=pos), tape=LIVE, started_pos__lte=pos)
    return found.order_by("-started_pos", "-id").values_list("id", flat=True).first()


def owned(visitor: str) -> set[str]:
    """Ids of the runs that this visitor (a pseudonym) started."""
    return set(map(str, Run.objects.filter(owner=visitor).values_list("id", flat=True))) if visitor else set()


def kept_positions() -> tuple[int, int]:
    """(oldest, newest) of the live journal's entries; (1, 0) if there are none."""
    oldest = Entry.objects.filter(tape=LIVE).order_by("pos").values_list("pos", flat=True).first()
    return oldest or 1, last_pos()


def as_dict(run: Run, kept: tuple[int, int]) -> RunDict:
    """The run's columns, and `first_pos` to `last_pos`: the stored part of it. `kept`: that of the live journal."""
    open_one = run.ended_pos is None
    oldest, newest = kept
    first = max(run.started_pos, oldest) if run.tape == LIVE else run.started_pos
    last = max(newest, first - 1) if run.ended_pos is None else run.ended_pos
    return {
        "id": str(run.id),
        "name": run.name,
        "seed": run.seed,
        "imported": run.imported,
        "open": open_one,
        "tape": run.tape,
        "started_pos": run.started_pos,
        "first_pos": first,
        "last_pos": last,
        "entries": max(last - first + 1, 0),
        "started_at": run.started_at.isoformat(),
        "ended_at": _text(run.ended_at),
        "faults": run.faults,
        "checksum": run.checksum,
    }


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None

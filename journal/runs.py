"""Runs: stretches of a tape with a name. Reading them is open to whoever may read the journal; `keep` what changes them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F

from journal.models import LIVE, Run
from journal.queries import last_pos

RunDict = dict[str, Any]


def listing() -> list[RunDict]:
    """All runs, the open one first, then the newest first."""
    found = Run.objects.order_by(F("ended_pos").desc(nulls_first=True), "-started_at", "-id")
    newest = last_pos()
    return sorted((as_dict(run, newest) for run in found), key=lambda run: run["open"], reverse=True)


def find(id: UUID | str) -> RunDict | None:
    """One run; None for an id that is no run's."""
    run = Run.objects.filter(id=id).first()
    return as_dict(run, last_pos()) if run else None


def as_dict(run: Run, newest: int) -> RunDict:
    """The run's columns; `last_pos` and `entries` also of one that is open, given the live journal's `newest` position."""
    open_one = run.ended_pos is None
    last = max(newest, run.started_pos - 1) if run.ended_pos is None else run.ended_pos
    return {
        "id": str(run.id),
        "name": run.name,
        "seed": run.seed,
        "imported": run.imported,
        "open": open_one,
        "tape": run.tape,
        "started_pos": run.started_pos,
        "last_pos": last,
        "entries": last - run.started_pos + 1,
        "started_at": run.started_at.isoformat(),
        "ended_at": _text(run.ended_at),
        "faults": run.faults,
        "checksum": run.checksum,
    }


def live() -> RunDict | None:
    """The run that is being recorded; None before the recorder has ever run."""
    run = Run.objects.filter(tape=LIVE, ended_pos=None).first()
    return as_dict(run, last_pos()) if run else None


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None

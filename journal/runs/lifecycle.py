"""Changes of runs: start, stop, rename, delete. For the journal's owner, the process api-journal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import takewhile
from math import ceil
from typing import Any
from uuid import UUID

from django.conf import settings

from journal.database import JOURNAL
from journal.models import LIVE, Run
from journal.reading.queries import last_pos

OF_A_VISITOR, OF_ALL = 10, 100
"""How many runs of the live journal one visitor, and all together, may have: everybody sees them in the list."""
OF_A_TAPE = (
    "journal_entry", "journal_mention", "journal_rowversion", "journal_flight", "journal_tablehash", "journal_indexed",
    "journal_run",
)  # fmt: skip


class UnknownRunError(LookupError):
    """No run has this id."""


class OthersRunError(ValueError):
    """A visitor may not start a run now; the text has the reason, and when they may."""


class LiveRunError(ValueError):
    """It belongs to the live journal, which is recorded and not edited."""


def start(name: str, seed: str, faults: Sequence[dict[str, Any]], owner: str = "") -> UUID:
    """End the open run and begin a new one with the next entry; return its id.

    `faults`: the control process's present list. The run that ends keeps all of them; the new one those still armed.
    `owner`: the visitor's pseudonym, if it is for one. Their run ends no other visitor's that has been recorded for
    less than VISITOR_RUN_S. Raises OthersRunError, for a visitor only.
    """
    with JOURNAL.atomic(), JOURNAL.cursor() as cursor:
        cursor.execute("lock table journal_run in share row exclusive mode")
        cursor.execute("select clock_timestamp(), uuidv7()")
        now, id = cursor.fetchone()
        before = Run.objects.filter(tape=LIVE, ended_pos=None).first()
        if owner:
            _check_room(before, owner, now)
        pos = last_pos()
        if before is not None:
            before.ended_pos, before.ended_at = max(pos, before.started_pos - 1), now
            before.faults = _merged(before.faults, faults)
            before.save()
        run = Run.objects.create(
            id=id, tape=LIVE, name=name or f"run of {now:%Y-%m-%d %H:%M}", seed=seed,
            faults=[fault for fault in faults if fault.get("state") in ("armed", "fired")],
            tables=before.tables if before else {}, started_pos=pos + 1, started_at=now, owner=owner or None,
        )  # fmt: skip
    return run.id


def _check_room(before: Run | None, owner: str, now: datetime) -> None:
    if before is not None and before.owner and before.owner != owner:
        left = (_alone_since(before) - now).total_seconds() + settings.VISITOR_RUN_S
        if left > 0:
            when = f"in {ceil(left / 60)} min" if left > 60 else f"in {ceil(left)} s"
            raise OthersRunError(
                f"another visitor's run is being recorded; begin yours when they have stopped it, or {when}"
            )
    owners = list(Run.objects.filter(tape=LIVE, owner__isnull=False).values_list("owner", flat=True))
    if owners.count(owner) >= OF_A_VISITOR:
        raise OthersRunError(f"you have {OF_A_VISITOR} runs already; delete one first")
    if len(owners) >= OF_ALL:
        raise OthersRunError("visitors have all the runs that they may have together; try again later")


def _alone_since(run: Run) -> datetime:
    """When its visitor began to record: several runs of theirs in a row do not give them more time."""
    rows = Run.objects.filter(tape=LIVE, started_pos__lte=run.started_pos).order_by("-started_pos", "-id")
    return list(takewhile(lambda one: one.owner == run.owner, rows[: OF_A_VISITOR + 1]))[-1].started_at


def stop(id: UUID, faults: Sequence[dict[str, Any]]) -> None:
    """End the run if it is the open one; a new run begins, which belongs to no visitor. Raises UnknownRunError."""
    with JOURNAL.atomic(), JOURNAL.cursor() as cursor:
        cursor.execute("lock table journal_run in share row exclusive mode")
        run = Run.objects.filter(id=id).first()
        if run is None:
            raise UnknownRunError(id)
        if run.tape == LIVE and run.ended_pos is None:
            start("", "", faults)


def rename(id: UUID, name: str) -> None:
    """Raises UnknownRunError."""
    if not Run.objects.filter(id=id).update(name=name):
        raise UnknownRunError(id)


def delete(id: UUID, owner: str = "") -> None:
    """Remove an imported run and everything on its tape. Raises UnknownRunError, LiveRunError.

    `owner`: the visitor who deletes. Of their run in the live journal only the name is removed, after its end; the
    entries stay.
    """
    with JOURNAL.atomic():
        run = Run.objects.select_for_update().filter(id=id).first()
        if run is None:
            raise UnknownRunError(id)
        if run.tape == LIVE:
            if not owner or run.owner != owner or run.ended_pos is None:
                raise LiveRunError(id)
            run.delete()
            return
        with JOURNAL.cursor() as cursor:
            for table in OF_A_TAPE:
                cursor.execute(f"delete from {table} where tape = %s", [run.tape])


def _merged(known: Sequence[dict[str, Any]], now: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Merged by id; the present list is the newer."""
    return list({fault.get("id"): fault for fault in (*known, *now)}.values())

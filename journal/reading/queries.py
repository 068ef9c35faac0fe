"""Reads the journal. Every entry is a dictionary; `noteworthy.for_live_pages` of it travels on the Redis Stream `journal`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.db.models import QuerySet

from journal.entry import EntryDict
from journal.models import LIVE, Entry, Epoch, Mention
from journal.packed import layouts
from journal.packed.rows import opened


def epoch() -> str:
    """The journal's id, "" before the recorder has ever run. Positions of another epoch are meaningless in this one."""
    found = Epoch.objects.values_list("id", flat=True).first()
    return str(found or "")


def last_pos(tape: int = LIVE) -> int:
    """Position of the newest entry, 0 in an empty journal."""
    return Entry.objects.filter(tape=tape).order_by("-pos").values_list("pos", flat=True).first() or 0


def entries_after(pos: int, limit: int = 500, tape: int = LIVE) -> list[EntryDict]:
    """The oldest `limit` entries after `pos`, in order."""
    return _as_dicts(Entry.objects.filter(tape=tape, pos__gt=pos).order_by("pos")[:limit], tape)


def latest(limit: int, tape: int = LIVE) -> list[EntryDict]:
    """The newest `limit` entries, oldest first."""
    return _as_dicts(Entry.objects.filter(tape=tape).order_by("-pos")[:limit], tape)[::-1]


def latest_packed(limit: int) -> list[EntryDict]:
    """The newest `limit` entries of the live tape, oldest first, as they are stored: with "packed" and "layouts"."""
    return _packed(Entry.objects.filter(tape=LIVE).order_by("-pos")[:limit], LIVE)[::-1]


def entries_of(correlation: str, *, until: int | None = None, limit: int = 1000, tape: int = LIVE) -> list[EntryDict]:
    """The entries that mention a booking, in order, up to position `until`; the oldest `limit`."""
    mentions = Mention.objects.filter(tape=tape, correlation=correlation)
    if until is not None:
        mentions = mentions.filter(pos__lte=until)
    positions = list(mentions.order_by("pos").values_list("pos", flat=True)[:limit])
    return _as_dicts(Entry.objects.filter(tape=tape, pos__in=positions).order_by("pos"), tape)


def _as_dicts(entries: QuerySet[Entry], tape: int) -> list[EntryDict]:
    found = _packed(entries, tape)
    layouts.load(id for entry in found for id in entry["layouts"])
    return [opened(entry) for entry in found]


def _packed(entries: QuerySet[Entry], tape: int) -> list[EntryDict]:
    found = list(entries)
    correlations = defaultdict(list)
    mentions = Mention.objects.filter(tape=tape, pos__in=[entry.pos for entry in found])
    for pos, correlation in mentions.values_list("pos", "correlation"):
        correlations[pos].append(correlation)
    return [as_dict(entry, correlations[entry.pos]) for entry in found]


def as_dict(entry: Entry, correlations: Iterable[str]) -> EntryDict:
    """The entry's columns and "correlations"; times are ISO 8601, ids strings. Its rows are in "changes" once it is opened."""
    return {
        "pos": entry.pos,
        "kind": entry.kind,
        "service": entry.service,
        "xid": entry.xid,
        "lsn": entry.lsn,
        "committed_at": entry.committed_at.isoformat(),
        "recorded_at": entry.recorded_at.isoformat(),
        "title": entry.title,
        "causes": [str(cause) for cause in entry.causes],
        "cause_pos": list(entry.cause_pos),
        "cause_known": entry.cause_known,
        "emits": [str(message) for message in entry.emits],
        "correlations": list(correlations),
        "data": entry.data,
        "changes": entry.changes or [],
        "packed": bytes(entry.packed or b""),
        "layouts": entry.layouts or [],
    }

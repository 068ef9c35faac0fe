"""How much of the live journal is kept, and the forgetting of the rest, in batches that hold nobody up.

What is forgotten is the way to the oldest kept entry. The state there stays: row versions that were still there then are
kept whatever their age. Positions are never used again, so a cursor from before the cut is recognised as one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connections, transaction

ALIAS = "journal"
BATCH = 2_000  # entries, and rows of each kind
SAMPLE = 1_000  # entries by which the size of an entry is judged
LEAST = 1_000  # entries that are kept whatever is asked for: pages read their catch-up from them
INDEXES = 1.6  # what indexes add to the rows themselves

_CUT = """
    select coalesce(min(pos), 0), coalesce(max(pos), 0),
        (select coalesce(sum(pg_column_size(e.*)), 0) from journal_entry e where tape = 0 and pos > %(since)s)
        + (select coalesce(sum(pg_column_size(v.*)), 0) from journal_rowversion v where tape = 0 and from_pos > %(since)s)
    from journal_entry where tape = 0
"""
_ENTRIES = (
    "delete from journal_mention where tape = 0 and pos <= %(upto)s",
    "delete from journal_entry where tape = 0 and pos <= %(upto)s",
)
# By octave, as moments are asked: what ended before the cut lies together, and what is still there is not looked at.
_DERIVED = (
    """
    delete from journal_rowversion where ctid = any(array(
        select v.ctid from journal_table t, generate_series(0, 62) octave, lateral (
            select ctid from journal_rowversion
            where tape = 0 and "table" = t.id and octave = octave.octave::smallint and from_pos <= %(cut)s
                and to_pos <= %(cut)s
            order by from_pos limit %(batch)s) v
        limit %(batch)s))
    """,
    """
    delete from journal_flight where ctid = any(array(
        select f.ctid from generate_series(0, 62) octave, lateral (
            select ctid from journal_flight
            where tape = 0 and octave = octave.octave::smallint and from_pos <= %(cut)s and to_pos <= %(cut)s
            order by from_pos limit %(batch)s) f
        limit %(batch)s))
    """,
    """
    delete from journal_tablehash where ctid = any(array(
        select h.ctid from journal_table t, lateral (
            select max(pos) as pos from journal_tablehash where tape = 0 and "table" = t.id and pos <= %(cut)s) last,
        lateral (
            select ctid from journal_tablehash where tape = 0 and "table" = t.id and pos < last.pos
            order by pos limit %(batch)s) h
        limit %(batch)s))
    """,
)
_RUNS = "delete from journal_run where tape = 0 and ended_pos <= %(cut)s"


@dataclass(frozen=True, slots=True)
class Keep:
    """At most so many entries, and about so many bytes of entries, row versions and their indexes; 0: no limit."""

    entries: int = 0
    bytes: int = 0


def prune(keep: Keep, indexed: int) -> bool:
    """Forget one batch of what is too old; True if there may be more. `indexed`: beyond it nothing is forgotten."""
    with transaction.atomic(using=ALIAS), connections[ALIAS].cursor() as cursor:
        oldest, cut = _cut(cursor, keep, indexed)
        if cut < oldest:
            return _derived(cursor, oldest - 1)
        upto = min(cut, oldest + BATCH - 1)
        for statement in _ENTRIES:
            cursor.execute(statement, {"upto": upto})
        cursor.execute(_RUNS, {"cut": upto})
        _derived(cursor, upto)
    return True


def _cut(cursor: Any, keep: Keep, indexed: int) -> tuple[int, int]:
    """(the oldest entry there is, the newest one to forget)."""
    if not (keep.entries or keep.bytes):
        return 1, 0
    cursor.execute(_CUT, {"since": indexed - SAMPLE})
    oldest, newest, size = cursor.fetchone()
    kept = keep.entries or newest
    if keep.bytes and size:
        kept = min(kept, int(keep.bytes / (size / min(SAMPLE, max(indexed, 1)) * INDEXES)))
    return oldest, min(newest - max(kept, LEAST), indexed)


def _derived(cursor: Any, cut: int) -> bool:
    more = False
    for statement in _DERIVED if cut > 0 else ():
        cursor.execute(statement, {"cut": cut, "batch": BATCH})
        more = more or cursor.rowcount == BATCH
    return more

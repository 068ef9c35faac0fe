"""How much of the live journal is kept, and the deletion of the rest, in batches that delay nothing.

The entries before the oldest kept one are deleted. The state there stays: row versions that still existed then are
kept, whatever their age. Positions are never used again, so a cursor from before the cut is recognised as one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from journal.database import JOURNAL, by_index
from topology.tuning import Count, Times

BATCH: Count = 2_000  # entries, and rows of each kind
SAMPLE: Count = 200  # entries from which the size of an entry is estimated
LEAST = 1_000  # entries that are always kept: pages catch up from them
INDEXES: Times = 1.6  # the size of the indexes relative to the rows

# The sample is taken from the whole tape: under load entries are many times as large as otherwise.
_CUT = """
    with tape as (select coalesce(min(pos), 0) oldest, coalesce(max(pos), 0) newest from journal_entry where tape = 0),
    sample as (
        select distinct oldest + (least(newest, %(indexed)s) - oldest) * number / %(sample)s as pos
        from tape, generate_series(1, %(sample)s) number
    )
    select oldest, newest, (select count(*) from sample),
        (select coalesce(sum(pg_column_size(e.*)), 0) from journal_entry e where tape = 0 and pos in (select pos from sample))
        + (select coalesce(sum(pg_column_size(v.*)), 0) from journal_rowversion v
            where tape = 0 and from_pos in (select pos from sample))
    from tape
"""
_ENTRIES = (
    "delete from journal_mention where tape = 0 and pos <= %(upto)s",
    "delete from journal_entry where tape = 0 and pos <= %(upto)s",
)
# By octave, like the queries for moments: versions that ended before the cut are adjacent, and current ones are not
# read.
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
    """Delete one batch of old entries; True if there may be more. `indexed`: nothing beyond it is deleted."""
    with JOURNAL.atomic(), JOURNAL.cursor() as cursor:
        by_index(cursor)
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
    """(the oldest stored entry, the newest one to delete)."""
    if not (keep.entries or keep.bytes):
        return 1, 0
    cursor.execute(_CUT, {"indexed": indexed, "sample": SAMPLE})
    oldest, newest, sampled, size = cursor.fetchone()
    kept = keep.entries or newest
    if keep.bytes and size:
        kept = min(kept, int(keep.bytes / (size / sampled * INDEXES)))
    return oldest, min(newest - max(kept, LEAST), indexed)


def _derived(cursor: Any, cut: int) -> bool:
    more = False
    for statement in _DERIVED if cut > 0 else ():
        cursor.execute(statement, {"cut": cut, "batch": BATCH})
        more = more or cursor.rowcount == BATCH
    return more

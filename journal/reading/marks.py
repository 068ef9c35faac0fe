"""The scrubber's marks: where on a tape something happened, how densely, and where the next of its kind is."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from journal.database import JOURNAL
from journal.models import LIVE

SHOWN = ("fault", "violation", "gap", "slot", "operator", "dead letter")
"""Kinds of observations that get a mark."""

_BY_POSITION = """
    select n, (select extract(epoch from committed_at) from journal_entry where tape = %(tape)s and pos >= edge
        order by pos limit 1)
    from (select n, %(first)s + (%(last)s - %(first)s) * n / %(buckets)s as edge from generate_series(0, %(buckets)s) n) edges
    order by n
"""
_MARKS = """
    select shown.name, width_bucket(pos, %(first)s, %(last)s + 1, %(buckets)s) - 1 as bucket, count(*), min(pos)
    from unnest(%(kinds)s::text[]) shown(name)
    join journal_entry on tape = %(tape)s and observed = shown.name
        and pos between %(first)s and %(last)s
    group by 1, 2 order by 2, 1
"""


@dataclass(frozen=True, slots=True)
class Mark:
    """`count` observations of a `kind` that share one of the scrubber's pixels; `pos`: the first of them."""

    kind: str
    bucket: int
    count: int
    pos: int


def marks(first: int, last: int, buckets: int, tape: int = LIVE) -> list[Mark]:
    """The marks of positions `first` to `last`, grouped into `buckets` pixels, counted from 0."""
    values = {"first": first, "last": last, "buckets": buckets, "tape": tape, "kinds": list(SHOWN)}
    return [Mark(*row) for row in JOURNAL.rows(_MARKS, values)]


def density(first: int, last: int, buckets: int, tape: int = LIVE) -> list[float]:
    """Entries a second in each of `buckets` equal ranges of the positions `first` to `last`; 0 where no time passed."""
    values = {"first": first, "last": last, "buckets": buckets, "tape": tape}
    edges = [float(at or 0) for _, at in JOURNAL.rows(_BY_POSITION, values)]
    share = (last - first) / buckets
    return [round(share / (after - before), 2) if after > before else 0.0 for before, after in pairwise(edges)]


def next_of(booking: str, pos: int, tape: int = LIVE) -> int | None:
    """The booking's first entry after `pos`."""
    return _one(
        "select min(pos) from journal_mention where tape = %(tape)s and correlation = %(of)s and pos > %(pos)s",
        {"tape": tape, "of": booking, "pos": pos},
    )


def effect_of(pos: int, tape: int = LIVE) -> int | None:
    """The first entry that names a message of entry `pos` as its cause."""
    return _one(
        "select min(to_pos) from journal_flight where tape = %(tape)s and from_pos = %(pos)s",
        {"tape": tape, "pos": pos},
    )


def times(first: int, last: int, limit: int, tape: int = LIVE) -> list[int]:
    """When the entries from `first` to `last` were committed, ms since the epoch, in order; at most `limit`."""
    found = JOURNAL.rows(
        """
        select (extract(epoch from committed_at) * 1000)::bigint from journal_entry
        where tape = %(tape)s and pos between %(first)s and %(last)s order by pos limit %(limit)s
        """,
        {"tape": tape, "first": first, "last": last, "limit": limit},
    )
    return [at for (at,) in found]


def next_fault(pos: int, tape: int = LIVE) -> int | None:
    """The first strike of any fault after `pos`."""
    return _one(
        "select min(pos) from journal_entry where tape = %(tape)s and observed = 'fault' and pos > %(pos)s",
        {"tape": tape, "pos": pos},
    )


def bounds(tape: int = LIVE) -> tuple[int, int]:
    """(oldest, newest) stored position; (0, 0) for a tape without entries."""
    found = JOURNAL.rows(
        "select coalesce(min(pos), 0), coalesce(max(pos), 0) from journal_entry where tape = %(tape)s", {"tape": tape}
    )
    return found[0][0], found[0][1]


def _one(sql: str, values: dict[str, Any]) -> int | None:
    found = JOURNAL.rows(sql, values)
    return found[0][0] if found else None

"""Which entry gave a row its content: the link from a verdict to the journal."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from journal.database import JOURNAL

PATIENCE = "set local statement_timeout = '3s'"  # a verdict in time is worth more than one with every link

_NEWEST = """
    select correlation, max(pos) from journal_mention where tape = 0 and correlation = any(%s) group by correlation
"""
_VERSIONS = """
    select t.name, v.from_pos, v.to_pos, v.correlation, v."row"::text
    from journal_rowversion v join journal_table t on t.id = v."table"
    where v.tape = 0 and t.name = any(%s) and {which} order by v.from_pos
"""


class Blamed(NamedTuple):
    pos: int
    booking: str


class Version(NamedTuple):
    """A row from entry `from_pos` on, until entry `to_pos` (None: it still is). `booking`: the one it belongs to, ""
    for none."""

    table: str
    from_pos: int
    to_pos: int | None
    booking: str
    row: dict[str, Any]


def newest(bookings: Iterable[str]) -> dict[str, int]:
    """The position of the newest entry that mentions each of these bookings; without those that are never mentioned."""
    return {booking: int(pos) for booking, pos in JOURNAL.rows(_NEWEST, [sorted(bookings)])}


def versions_of(bookings: Sequence[str], tables: Sequence[str]) -> list[Version]:
    """Every version of these bookings' rows, oldest first."""
    return _versions("v.correlation = any(%s)", list(tables), list(bookings))


def versions_like(rows: Sequence[Mapping[str, Any]], tables: Sequence[str]) -> list[Version]:
    """Every version of the rows that have these columns. Reads the tables' whole history: for rows that no booking leads to."""
    if not rows:
        return []
    return _versions('v."row" @> any(%s::jsonb[])', list(tables), [json.dumps(row) for row in rows])


def _versions(which: str, *values: Any) -> list[Version]:
    with JOURNAL.atomic():
        JOURNAL.run(PATIENCE)
        found = JOURNAL.rows(_VERSIONS.format(which=which), values)
    return [
        Version(table, since, until, booking or "", orjson.loads(row)) for table, since, until, booking, row in found
    ]

"""Compares the state replayed from the journal with the live tables, table by table, by their additive hashes.

A service reports its tables' hashes as of one snapshot, and which transactions that snapshot shows. The journal has the
hashes after each of its entries. So nothing has to be stopped, and only the recorder has to be waited for: the moment
of the snapshot is looked up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from journal.database import JOURNAL
from journal.models import LIVE
from messaging.hashing import added
from messaging.wal import parse_lsn

_ENTRIES = """
    select pos, xid from journal_entry where tape = %s and service = %s and xid is not null order by pos desc limit %s
"""
_TOUCHED = """
    with hidden as materialized (select changes, layouts from journal_entry where tape = %s and pos = any(%s))
    select change ->> 'table' from hidden, json_array_elements(changes) change
    union
    select definition ->> 'table' from hidden, unnest(layouts) named join journal_layout on id = named
"""
_REPLAYED = """
    select t.name, h.rows, h.hash from journal_table t, lateral (
        select rows, hash from journal_tablehash where tape = %s and "table" = t.id and pos <= %s
        order by pos desc limit 1) h
    where t.service = %s
"""
_KEPT = """
    select t.service, t.name, coalesce(kept.rows, 0), coalesce(kept.hash, 0), said.rows, said.hash
    from journal_table t
    join lateral (select rows, hash from journal_tablehash where tape = %(tape)s and "table" = t.id
        order by pos desc limit 1) said on true
    left join (select "table", count(*) as rows, sum(hash::numeric) as hash from journal_rowversion
        where tape = %(tape)s and octave is null group by "table") kept on kept."table" = t.id
    order by t.service, t.name
"""
# Entries of a service: how far behind a newer one a transaction that was still open may have committed.
LOOK_BACK = 5_000


class Standing(StrEnum):
    EQUAL = "equal"
    DIFFERS = "differs"
    BEHIND = "behind"  # the recorder, or the index, has not reached that moment yet: compare again
    MOVING = "moving"  # transactions became visible in another order than they were logged in: ask the service again
    UNKNOWN = "unknown"  # the service does not answer


@dataclass(frozen=True, slots=True)
class TableCheck:
    """`rows` and `hash`: of the live table; `replayed_rows`, `replayed_hash`: after entry `pos` of the service's check."""

    table: str
    standing: Standing
    rows: int = 0
    hash: str = "0"
    replayed_rows: int = 0
    replayed_hash: str = "0"


@dataclass(frozen=True, slots=True)
class ServiceCheck:
    """`pos`: the entry after which the journal was compared; `lsn`: the log's end when the service was asked."""

    service: str
    standing: Standing
    why: str = ""
    at: str = ""
    lsn: str = ""
    pos: int = 0
    tables: list[TableCheck] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def compare(live: Mapping[str, Any], stored: str) -> ServiceCheck:
    """`live`: what serving.table_hashes.live gave. `stored`: LSN up to which the recorder has journaled this database."""
    service, when = live["service"], {"at": live["at"], "lsn": live["lsn"]}
    if not stored or parse_lsn(stored) < parse_lsn(live["lsn"]):
        why = f"the recorder has come to {stored or 'nowhere'}, the snapshot may show what is at {live['lsn']}"
        return ServiceCheck(service, Standing.BEHIND, why, **when)
    pos, moved = _moment(live)
    (indexed,) = JOURNAL.row("select pos from journal_indexed where tape = %s", [LIVE]) or (0,)
    if indexed < pos:
        why = f"the index has come to entry {indexed}, the snapshot shows what is in entry {pos}"
        return ServiceCheck(service, Standing.BEHIND, why, **when, pos=pos)
    replayed = _replayed(service, pos)
    tables = [
        _compared(table, live["tables"].get(table), replayed.get(table, (0, 0)), table in moved)
        for table in sorted({*live["tables"], *replayed})
    ]
    return ServiceCheck(service, worst(one.standing for one in tables), "", **when, pos=pos, tables=tables)


def silent(service: str, why: str) -> ServiceCheck:
    """The check of a service that did not answer."""
    return ServiceCheck(service, Standing.UNKNOWN, why)


def worst(standings: Any) -> Standing:
    """The result for several: a difference outweighs an undecided one."""
    found = set(standings)
    order = (Standing.DIFFERS, Standing.UNKNOWN, Standing.BEHIND, Standing.MOVING)
    return next((standing for standing in order if standing in found), Standing.EQUAL)


def _moment(live: Mapping[str, Any]) -> tuple[int, set[str]]:
    """The last entry that the snapshot shows, and the tables touched by an entry before it that it does not show."""
    xmin, xmax, running = int(live["xmin"]), int(live["xmax"]), {int(xid) for xid in live["xip"]}
    last, hidden = 0, []
    for pos, xid in JOURNAL.rows(_ENTRIES, [LIVE, live["service"], LOOK_BACK]):
        full = _full(xid, xmax)
        if full < xmin or (full < xmax and full not in running):
            last = max(last, pos)
        elif last:
            hidden.append(pos)
    return last, {table for (table,) in JOURNAL.rows(_TOUCHED, [LIVE, hidden])}


def _full(xid: int, xmax: int) -> int:
    """A log has only the lower 32 bits of a transaction's id; it is within two thousand million of the newest."""
    full = (xmax >> 32 << 32) + xid
    if full > xmax + (1 << 31):
        return full - (1 << 32)
    return full if full >= xmax - (1 << 31) else full + (1 << 32)


def _replayed(service: str, pos: int) -> dict[str, tuple[int, int]]:
    """Table -> rows and hash after entry `pos`."""
    found = JOURNAL.rows(_REPLAYED, [LIVE, pos, service])
    return {table: (rows, hashed) for table, rows, hashed in found}


def _compared(table: str, live: Mapping[str, Any] | None, replayed: tuple[int, int], moved: bool) -> TableCheck:
    rows, hashed = (live["rows"], int(live["hash"])) if live else (0, 0)
    standing = Standing.EQUAL if (rows, hashed) == replayed else Standing.MOVING if moved else Standing.DIFFERS
    return TableCheck(table, standing, rows, str(hashed), replayed[0], str(replayed[1]))


def of_import(tape: int) -> list[ServiceCheck]:
    """Compares an imported run's stored rows with the hashes at the end of its file (as its import did).

    `rows` and `hash` are of the rows kept, `replayed_rows` and `replayed_hash` of the file's end.
    """
    found: dict[str, list[TableCheck]] = {}
    for service, table, rows, total, said_rows, said in JOURNAL.rows(_KEPT, {"tape": tape}):
        hashed = added(0, int(total))
        standing = Standing.EQUAL if (rows, hashed) == (said_rows, said) else Standing.DIFFERS
        check = TableCheck(table, standing, rows, str(hashed), said_rows, str(said))
        found.setdefault(service, []).append(check)
    return [ServiceCheck(name, worst(one.standing for one in tables), tables=tables) for name, tables in found.items()]

"""The state at any moment: all tables, messages in flight and armed faults as of an entry, by indexed queries only.

A moment is a position: the state after entry `pos` and before any later one. The cost depends on the size of the
result, not on the length of the tape; see models.RowVersion for how.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import orjson
from psycopg.types.json import Jsonb

from journal.database import JOURNAL
from journal.models import LIVE
from messaging.envelope import dataschema

Tables = dict[str, dict[str, dict[str, dict[str, Any]]]]
"""service -> table -> key -> row"""

ROWS = 200  # rows of a table, by default
FLIGHTS = 500
ANY_ROW: Mapping[str, Any] = MappingProxyType({})

# A version that existed at a position lasted about 2^octave entries, so it began at most 2^(octave + 1) before.
_OCTAVES = """
    select octave::smallint, %(pos)s - (2::bigint << octave) as since
    from generate_series(0, 64 - position(B'1' in (select coalesce(max(pos), 0) + 1 from journal_indexed
        where tape = %(tape)s)::bit(64))) octave
"""
_ROWS = (
    """
    with octaves as materialized ("""
    + _OCTAVES
    + """)
    select t.service, t.name, v.key, v.from_pos, v."row"::text
    from journal_table t, lateral (
        select key, from_pos, "row" from (
            (select key, from_pos, "row" from journal_rowversion
             where tape = %(tape)s and "table" = t.id and to_pos is null and from_pos <= %(pos)s and "row" @> %(like)s
             order by from_pos desc, key limit %(limit)s)
            union all
            select was.* from octaves o, lateral (
                select key, from_pos, "row" from journal_rowversion
                where tape = %(tape)s and "table" = t.id and octave = o.octave
                    and from_pos <= %(pos)s and from_pos > o.since and to_pos > %(pos)s and "row" @> %(like)s
                order by from_pos desc, key limit %(limit)s) was
        ) there order by from_pos desc, key limit %(limit)s) v
    where %(names)s::text[] is null or t.name = any(%(names)s::text[])
"""
)
_ROWS_OF_BOOKING = """
    select t.service, t.name, v.key, v.from_pos, v."row"::text
    from journal_rowversion v join journal_table t on t.id = v."table"
    where v.tape = %(tape)s and v.correlation = %(booking)s and v.from_pos <= %(pos)s
        and (v.to_pos is null or v.to_pos > %(pos)s)
        and (%(names)s::text[] is null or t.name = any(%(names)s::text[]))
    order by v.from_pos desc, v.key
"""
_TOTALS = """
    select t.service, t.name, h.rows, h.hash::text from journal_table t, lateral (
        select rows, hash from journal_tablehash where tape = %(tape)s and "table" = t.id and pos <= %(pos)s
        order by pos desc limit 1) h
"""
_FLIGHT = "id::text, kind, type, source, target, correlation, from_pos"
_FLIGHTS = (
    """
    with octaves as materialized ("""
    + _OCTAVES
    + """)
    select * from (
        (select """
    + _FLIGHT
    + """ from journal_flight
         where tape = %(tape)s and octave is null and from_pos <= %(pos)s
         order by from_pos desc limit %(limit)s)
        union all
        select was.* from octaves o, lateral (
            select """
    + _FLIGHT
    + """ from journal_flight
            where tape = %(tape)s and octave = o.octave and from_pos <= %(pos)s and from_pos > o.since and to_pos > %(pos)s
            order by from_pos desc limit %(limit)s) was
    ) flying order by from_pos desc, id limit %(limit)s
"""
)
_FLIGHTS_OF = f"""
    select {_FLIGHT} from journal_flight
    where tape = %(tape)s and correlation = %(booking)s and from_pos <= %(pos)s and (to_pos is null or to_pos > %(pos)s)
    order by from_pos desc, id limit %(limit)s
"""
_FAULTS = """
    select armed.pos, (armed.data -> 'data' -> 'armed')::text, (
        select jsonb_build_object('pos', pos, 'fired', data -> 'data' -> 'fired', 'cleared', data -> 'data' -> 'cleared')::text
        from journal_entry last
        where tape = %(tape)s and kind = 'observation' and ((data -> 'data') ->> 'fault') = (armed.data -> 'data' ->> 'fault')
            and pos > armed.pos and pos <= %(pos)s
        order by pos desc limit 1)
    from journal_entry armed
    where tape = %(tape)s and observed = 'operator' and pos <= %(pos)s
        and data -> 'data' ? 'armed'
    order by pos desc
"""
_COMMITTED = "select committed_at from journal_entry where tape = %(tape)s and pos <= %(pos)s order by pos desc limit 1"


@dataclass(frozen=True, slots=True)
class RowThen:
    """A row as it was, and the entry that had written it."""

    service: str
    table: str
    key: str
    from_pos: int
    row: dict[str, Any]


@dataclass(frozen=True, slots=True)
class FlightThen:
    """A message in flight: emitted by entry `from_pos`, not landed yet. `target` is "" for an event."""

    id: str
    kind: str
    type: str
    source: str
    target: str
    correlation: str
    from_pos: int

    @property
    def dataschema(self) -> str:
        return dataschema(self.source, self.type)


@dataclass(frozen=True, slots=True)
class FaultThen:
    """A fault that could still strike: armed by entry `pos`; `fired` times so far; `last_pos`: its last strike, or None."""

    id: str
    pos: int
    fired: int
    last_pos: int | None
    what: dict[str, Any]


def rows_at(
    pos: int,
    tape: int = LIVE,
    *,
    booking: str | None = None,
    tables: Sequence[str] | None = None,
    like: Mapping[str, Any] = ANY_ROW,
    limit: int = ROWS,
) -> list[RowThen]:
    """The rows after entry `pos`: for one booking all of them, otherwise the last changed ones of each table, at most
    `limit`, which have the columns of `like`. `tables`: names, if not all are wanted. A table's rows are sorted by
    newest change.
    """
    names = None if tables is None else list(tables)
    values = {"pos": pos, "tape": tape, "booking": booking, "names": names, "like": Jsonb(dict(like)), "limit": limit}
    found = JOURNAL.rows(_ROWS if booking is None else _ROWS_OF_BOOKING, values)
    return [RowThen(service, table, key, at, orjson.loads(row)) for service, table, key, at, row in found]


def state_at(
    pos: int,
    tape: int = LIVE,
    booking: str | None = None,
    tables: Sequence[str] | None = None,
    limit: int = ROWS,
) -> Tables:
    """`rows_at` as service -> table -> key -> row. Tables without rows are left out."""
    state: Tables = defaultdict(lambda: defaultdict(dict))
    for one in rows_at(pos, tape, booking=booking, tables=tables, limit=limit):
        state[one.service][one.table][one.key] = one.row
    return {service: dict(found) for service, found in state.items()}


def totals_at(pos: int, tape: int = LIVE) -> dict[str, dict[str, dict[str, Any]]]:
    """service -> table -> {"rows": how many, "hash": the additive hash, a signed 64-bit number as text} after entry `pos`."""
    totals: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for service, table, rows, hashed in JOURNAL.rows(_TOTALS, {"pos": pos, "tape": tape}):
        totals[service][table] = {"rows": rows, "hash": hashed}
    return dict(totals)


def flights_at(pos: int, tape: int = LIVE, *, booking: str | None = None, limit: int = FLIGHTS) -> list[FlightThen]:
    """The messages in flight after entry `pos`, the youngest first."""
    values = {"pos": pos, "tape": tape, "booking": booking, "limit": limit}
    return [FlightThen(*row) for row in JOURNAL.rows(_FLIGHTS_OF if booking else _FLIGHTS, values)]


def faults_at(pos: int, tape: int = LIVE) -> list[FaultThen]:
    """The faults that could strike after entry `pos`, the newest first. Expiry leaves no entry; it depends on the clock."""
    faults = []
    now = next((at for (at,) in JOURNAL.rows(_COMMITTED, {"pos": pos, "tape": tape})), None)
    for at, fault, later in JOURNAL.rows(_FAULTS, {"pos": pos, "tape": tape}):
        what, last = orjson.loads(fault), orjson.loads(later or "{}")
        fired, limit = int(last.get("fired") or 0), what.get("limit")
        expired = now is not None and _expires(what) <= now
        if not last.get("cleared") and not expired and (limit is None or fired < limit):
            faults.append(FaultThen(what["id"], at, fired, last.get("pos"), what))
    return faults


def _expires(what: dict[str, Any]) -> datetime:
    """When it expires; never, if the recording does not contain it."""
    try:
        at = datetime.fromisoformat(what["expires_at"])
    except (KeyError, TypeError, ValueError):
        return datetime.max.replace(tzinfo=UTC)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def indexed(tape: int = LIVE) -> int:
    """The last position whose moment can be read."""
    found = JOURNAL.rows("select pos from journal_indexed where tape = %(tape)s", {"tape": tape})
    return int(found[0][0]) if found else 0

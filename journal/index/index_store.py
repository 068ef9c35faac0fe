"""The indexer's statements: everything set-based, inserts by COPY."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from journal.index.flights import Flight
from journal.index.folding import Place, Total, Version, octave

_ENTRIES = """
    select pos, service, changes::text, packed, layouts, causes, data::text from (
        select *, sum(size) over (order by pos) - size as before from (
            select *, coalesce(pg_column_size(packed), 0) + coalesce(pg_column_size(changes), 0) as size
            from journal_entry where tape = %s and pos > %s order by pos limit %s
        ) next
    ) sized where before <= %s order by pos
"""
_OPEN_FLIGHTS = """
    select id::text, kind, type, source, target, correlation, from_pos from journal_flight
    where tape = %s and octave is null order by from_pos
"""
_TOTALS = """
    select t.id, h.rows, h.hash from journal_table t, lateral (
        select rows, hash from journal_tablehash where tape = %s and "table" = t.id order by pos desc limit 1) h
"""
# In a new house the planner has no statistics, and takes the rows of a tape for few. With a condition that holds for all of
# them it would compare each with each row of the batch: half a minute of processor time for a thousand bookings. So the limit
# has each row looked up by itself, or the tape comes with each row of the batch.
_CURRENT = """
    select place.number, place.key, v.from_pos, v.hash, v.correlation
    from unnest(%s::smallint[], %s::text[]) as place(number, key), lateral (
        select from_pos, hash, correlation from journal_rowversion
        where tape = %s and "table" = place.number and key = place.key and octave is null limit 1) v
"""
_BOOKINGS = """
    select saga.key, v.correlation
    from unnest(%s::text[]) as saga(key), unnest(%s::smallint[]) as place(number), lateral (
        select correlation from journal_rowversion
        where tape = %s and "table" = place.number and key = saga.key and octave is null limit 1) v
    where v.correlation is not null
"""
# By the primary key, although only current versions end: of an index of current ones the planner's statistics are too old.
_CLOSE = """
    update journal_rowversion v set to_pos = c.to_pos, octave = c.octave
    from unnest(%s::smallint[], %s::smallint[], %s::text[], %s::bigint[], %s::bigint[], %s::smallint[])
        as c(tape, number, key, from_pos, to_pos, octave)
    where v.tape = c.tape and v.from_pos = c.from_pos and v."table" = c.number and v.key = c.key
"""
_EMPTY = """
    update journal_rowversion set to_pos = %s, octave = 64 - position(B'1' in (%s - from_pos)::bit(64))
    where tape = %s and "table" = %s and octave is null
"""
_COPY_VERSIONS = (
    'copy journal_rowversion (tape, "table", key, from_pos, to_pos, octave, correlation, hash, "row") from stdin'
)
_COPY_HASHES = 'copy journal_tablehash (tape, "table", pos, rows, hash) from stdin'
_COPY_FLIGHTS = """
    copy journal_flight (tape, id, kind, type, source, target, correlation, from_pos, to_pos, octave) from stdin
"""
_LAND = """
    update journal_flight f set to_pos = c.to_pos, octave = c.octave
    from unnest(%s::smallint[], %s::uuid[], %s::bigint[], %s::bigint[], %s::smallint[])
        as c(tape, id, from_pos, to_pos, octave)
    where f.tape = c.tape and f.from_pos = c.from_pos and f.id = c.id
"""
_NUMBER = """
    insert into journal_table (service, name) select * from unnest(%s::text[], %s::text[])
    on conflict (service, name) do update set name = excluded.name returning service, name, id
"""


def locked_position(cursor: Any, tape: int) -> int:
    """How far the tape is indexed, with a lock: a second indexer of the same tape waits, and then sees that it is late."""
    cursor.execute("insert into journal_indexed (tape, pos) values (%s, 0) on conflict do nothing", [tape])
    cursor.execute("select pos from journal_indexed where tape = %s for update", [tape])
    return int(cursor.fetchone()[0])


def move(cursor: Any, tape: int, pos: int) -> None:
    cursor.execute("update journal_indexed set pos = %s where tape = %s", [pos, tape])


def entries(cursor: Any, tape: int, after: int, limit: int, size: int) -> list[tuple[Any, ...]]:
    """(pos, service, changes as text, packed rows, layouts, causes, data as text), in order: one, or `limit` and about
    `size` bytes at most, as they are stored."""
    cursor.execute(_ENTRIES, [tape, after, limit, size])
    return list(cursor.fetchall())


def open_flights(cursor: Any, tape: int) -> list[Flight]:
    cursor.execute(_OPEN_FLIGHTS, [tape])
    flights = [Flight(*row) for row in cursor.fetchall()]
    for flight in flights:
        flight.stored = True
    return flights


def tables(cursor: Any) -> dict[tuple[str, str], int]:
    cursor.execute("select service, name, id from journal_table")
    return {(service, name): number for service, name, number in cursor.fetchall()}


def number(cursor: Any, missing: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Number new tables."""
    names = sorted(missing)
    if not names:
        return {}
    cursor.execute(_NUMBER, [[service for service, _ in names], [name for _, name in names]])
    return {(service, name): number for service, name, number in cursor.fetchall()}


def totals(cursor: Any, tape: int) -> dict[int, Total]:
    cursor.execute(_TOTALS, [tape])
    return {table: Total(rows, hashed) for table, rows, hashed in cursor.fetchall()}


def current(cursor: Any, tape: int, places: Iterable[Place]) -> dict[Place, Version]:
    """The versions of these rows that are stored as current."""
    numbers, keys = _columns(places, 2)
    cursor.execute(_CURRENT, [numbers, keys, tape])
    return {(table, key): Version(*rest) for table, key, *rest in cursor.fetchall()}


def bookings_of(cursor: Any, tape: int, saga_tables: list[int], sagas: set[str]) -> list[tuple[str, str]]:
    if not sagas or not saga_tables:
        return []
    cursor.execute(_BOOKINGS, [list(sagas), saga_tables, tape])
    return list(cursor.fetchall())


def close(cursor: Any, tape: int, closed: Iterable[tuple[Place, Version]]) -> None:
    rows = [
        (tape, *place, version.from_pos, version.to_pos, octave(version.to_pos - version.from_pos))
        for place, version in closed
        if version.to_pos is not None
    ]
    if rows:
        cursor.execute(_CLOSE, _columns(rows, 6))


def empty(cursor: Any, tape: int, emptied: Mapping[int, int]) -> None:
    """End all stored rows of these tables (table -> position). Comes after `close` and before `add_versions`."""
    for table, pos in emptied.items():
        cursor.execute(_EMPTY, [pos, pos, tape, table])


def add_versions(cursor: Any, tape: int, made: Iterable[tuple[Place, Version]]) -> None:
    with cursor.copy(_COPY_VERSIONS) as copy:
        for (table, key), version in made:
            if version.to_pos != version.from_pos:
                row = (version.row or b"").decode()
                copy.write_row(
                    (tape, table, key, *_span(version.from_pos, version.to_pos), version.correlation, version.hash, row)
                )


def add_hashes(cursor: Any, tape: int, hashes: Mapping[tuple[int, int], Total]) -> None:
    with cursor.copy(_COPY_HASHES) as copy:
        for (table, pos), total in hashes.items():
            copy.write_row((tape, table, pos, total.rows, total.hash))


def add_flights(cursor: Any, tape: int, made: Iterable[Flight]) -> None:
    with cursor.copy(_COPY_FLIGHTS) as copy:
        for one in made:
            what = (one.id, one.kind, one.type, one.source, one.target, one.correlation)
            copy.write_row((tape, *what, *_span(one.from_pos, one.to_pos)))


def land(cursor: Any, tape: int, landed: Iterable[Flight]) -> None:
    rows = [
        (tape, one.id, one.from_pos, one.to_pos, octave(one.to_pos - one.from_pos))
        for one in landed
        if one.to_pos is not None
    ]
    if rows:
        cursor.execute(_LAND, _columns(rows, 5))


def _span(from_pos: int, to_pos: int | None) -> tuple[int, int | None, int | None]:
    return from_pos, to_pos, None if to_pos is None else octave(to_pos - from_pos)


def _columns(rows: Iterable[tuple[Any, ...]], width: int) -> list[list[Any]]:
    columns = [list(column) for column in zip(*rows, strict=True)]
    return columns or [[] for _ in range(width)]

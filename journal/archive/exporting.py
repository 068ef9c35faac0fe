"""Exports a run from the journal's tables to lines, as of one moment and in constant memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import orjson
from django.db import connections

from journal.archive.lines import SCHEMA, Entry, Hashes
from journal.archive.writing import Writer
from journal.database import JOURNAL
from journal.models import Run
from journal.packed import layouts
from journal.packed.packing import unpack
from journal.packed.rows import changes_of
from topology.tuning import Bytes, Count

FETCH: Count = 200  # rows of a cursor at a time
CHUNK: Bytes = 256 * 1024  # of a file that are given out at once

_BEGIN = "set transaction isolation level repeatable read, read only"
_KEPT = """
    select coalesce((select min(pos) from journal_entry where tape = %s), 1),
        coalesce((select max(pos) from journal_entry where tape = %s), 0),
        coalesce((select pos from journal_indexed where tape = %s), 0), (select id::text from journal_epoch)
"""
_HASHES = """
    select t.service, t.name, h.rows, h.hash from journal_table t, lateral (
        select rows, hash from journal_tablehash where tape = %s and "table" = t.id and pos <= %s order by pos desc limit 1) h
    order by t.service, t.name
"""
_ROWS = """
    select t.service, t.name, v.key, v.from_pos, v.correlation, v."row"::text
    from journal_rowversion v join journal_table t on t.id = v."table"
    where v.tape = %s and v.from_pos <= %s and (v.to_pos is null or v.to_pos > %s)
    order by t.service, t.name, v.key, v.from_pos
"""
_FLIGHTS = """
    select id::text, kind, type, source, target, correlation, from_pos from journal_flight
    where tape = %s and from_pos <= %s and (to_pos is null or to_pos > %s) order by from_pos, id
"""
_ENTRIES = """
    select pos, kind, service, xid, lsn, committed_at, recorded_at, title, causes::text[], cause_pos, cause_known,
        emits::text[], data::text, changes::text, packed, layouts
    from journal_entry where tape = %s and pos between %s and %s order by pos
"""
_MENTIONS = """
    select pos, array_agg(correlation order by correlation collate "C") from journal_mention
    where tape = %s and pos between %s and %s group by pos order by pos
"""


class NotIndexedError(RuntimeError):
    """The run's last entries are not indexed yet, so the hashes to export are not known. Try again."""


def export(id: UUID, chunk: int = CHUNK) -> Iterator[bytes]:
    """The file, in chunks. An open run is exported up to the entry that is indexed now.

    Raises, before the first chunk, Run.DoesNotExist and NotIndexedError.
    """
    try:
        with JOURNAL.atomic():
            JOURNAL.run(_BEGIN)
            yield from _gathered(_lines(Run.objects.get(id=id)), chunk)
    finally:
        JOURNAL.close()


def _gathered(lines: Iterator[bytes], size: int) -> Iterator[bytes]:
    gathered = bytearray()
    for line in lines:
        gathered += line
        if len(gathered) >= size:
            yield bytes(gathered)
            gathered.clear()
    yield bytes(gathered)


def _lines(run: Run) -> Iterator[bytes]:
    origin = run.origin or {}
    ((oldest, newest, indexed, epoch),) = JOURNAL.rows(_KEPT, [run.tape, run.tape, run.tape])
    first = max(run.started_pos, oldest)  # older entries, which are deleted, are reflected in the rows at the start
    last = max(min(newest, indexed), first - 1) if run.ended_pos is None else run.ended_pos
    if indexed < last >= first:
        raise NotIndexedError(f"{last - indexed:,} entries of the run are not indexed yet")
    start = first - 1
    writer = Writer(origin.get("epoch") or epoch, run.started_at.isoformat())
    yield writer.run(
        {
            "schema": SCHEMA,
            "id": origin.get("id") or str(run.id),
            "epoch": origin.get("epoch") or epoch,
            "name": run.name,
            "seed": run.seed,
            "faults": run.faults,
            "tables": run.tables,
            "started_pos": first,
            "last_pos": last,
            "started_at": run.started_at.isoformat(),
            "ended_at": run.ended_at.isoformat() if run.ended_at else None,
            "hashes": hashes_at(run.tape, start),
        }
    )
    for service, table, key, pos, correlation, row in _stream(_ROWS, [run.tape, start, start]):
        text: Any = orjson.Fragment(row)
        yield writer.row(
            {
                "service": service,
                "table": table,
                "key": key,
                "from_pos": pos,
                "correlation": correlation,
                "row": text,
            }
        )
    for found in _stream(_FLIGHTS, [run.tape, start, start]):
        names = ("id", "kind", "type", "source", "target", "correlation", "from_pos")
        yield writer.flight(dict(zip(names, found, strict=True)))  # type: ignore[arg-type]
    for entry in _entries(run.tape, first, last):
        yield writer.entry(entry)
    yield writer.state(last, hashes_at(run.tape, last))
    yield writer.end()


def hashes_at(tape: int, pos: int) -> Hashes:
    """Each table's rows and hash after entry `pos`; a table without a hash yet is left out."""
    found: Hashes = {}
    for service, table, rows, hashed in JOURNAL.rows(_HASHES, [tape, pos]):
        found.setdefault(service, {})[table] = {"rows": rows, "hash": str(hashed)}
    return found


def _entries(tape: int, first: int, last: int) -> Iterator[Entry]:
    """Entries with their correlations: two cursors in parallel, since no index leads from a position to its mentions."""
    mentions = _stream(_MENTIONS, [tape, first, last])
    at, correlations = next(mentions, (None, []))
    for (
        pos,
        kind,
        service,
        xid,
        lsn,
        committed,
        recorded,
        title,
        causes,
        cause_pos,
        known,
        emits,
        data,
        changes,
        packed,
        named,
    ) in _stream(_ENTRIES, [tape, first, last]):
        own: list[str] = []
        if at == pos:
            own = correlations
            at, correlations = next(mentions, (None, []))
        raw: Any = orjson.Fragment
        yield {
            "pos": pos,
            "kind": kind,
            "service": service,
            "xid": xid,
            "lsn": lsn,
            "committed_at": committed.isoformat(),
            "recorded_at": recorded.isoformat(),
            "title": title,
            "causes": causes,
            "cause_pos": cause_pos,
            "cause_known": known,
            "emits": emits,
            "correlations": own,
            "data": None if data is None else raw(data),
            "changes": raw(changes) if packed is None else _changes(packed, named),
        }


def _changes(packed: bytes, named: list[int]) -> Any:
    if not packed:
        return []
    layouts.load(named)
    return orjson.Fragment(orjson.dumps(changes_of(unpack(packed), layouts.relations(named))))


def _stream(sql: str, values: list[Any]) -> Iterator[tuple[Any, ...]]:
    with connections[JOURNAL.alias].chunked_cursor() as cursor:
        cursor.execute(sql, values)
        while rows := cursor.fetchmany(FETCH):
            yield from rows

"""Writes the journal: entries, their layouts, mentions and the five positions in one statement: one transaction, and one
round trip."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from django.db import DataError, Error, NotSupportedError, connections
from psycopg.types.json import Jsonb

from journal.database import JOURNAL
from journal.entry import EntryDict
from journal.recording.ordering import REMEMBERED, Placed

_APPEND = """
    with stamp as materialized (select clock_timestamp() as at),
    entries as (
        insert into journal_entry (
            pos, kind, service, xid, lsn, committed_at, recorded_at, title, causes, cause_pos, cause_known, emits, packed,
            layouts, data
        )
        select pos, kind, service, xid, lsn, committed_at, stamp.at, title, causes::uuid[], cause_pos::bigint[], cause_known,
            emits::uuid[], packed, layouts::bigint[], data::jsonb
        from stamp, unnest(
            %b::bigint[], %b::text[], %b::text[], %b::bigint[], %b::text[], %b::timestamptz[], %b::text[], %b::text[], %b::text[],
            %b::bool[], %b::text[], %b::bytea[], %b::text[], %b::text[]
        ) given (
            pos, kind, service, xid, lsn, committed_at, title, causes, cause_pos, cause_known, emits, packed, layouts, data
        )
    ),
    layouts as (
        insert into journal_layout (id, definition) select id, definition::jsonb from unnest(%b::bigint[], %b::text[])
            given (id, definition)
        on conflict do nothing
    ),
    mentions as (
        insert into journal_mention (correlation, pos) select * from unnest(%b::text[], %b::bigint[])
    ),
    definitions as (
        update journal_run run
        set tables = run.tables || (
            select jsonb_object_agg(service, coalesce(run.tables -> service, '{}') || definition)
            from jsonb_each(%b::jsonb) given (service, definition)
        )
        where tape = 0 and ended_pos is null and %b::jsonb <> '{}'
    ),
    positions as (
        insert into journal_position (source, cursor, system_id)
        select * from unnest(%b::text[], %b::text[], %b::text[])
        on conflict (source) do update set cursor = excluded.cursor, system_id = excluded.system_id
    )
    select at from stamp
"""
_BEGIN_EPOCH = """
    insert into journal_epoch (id, created_at)
    select uuidv7(), clock_timestamp() where not exists (select from journal_epoch)
"""
_BEGIN_RUN = """
    insert into journal_run (id, tape, name, seed, faults, tables, started_pos, started_at, imported, checksum)
    select uuidv7(), 0, 'first run', '', '[]', '{}', (select coalesce(min(pos), 1) from journal_entry where tape = 0),
        clock_timestamp(), false, ''
    where not exists (select from journal_run where tape = 0)
"""
_RECENT_EMITS = """
    select message, pos
    from (select pos, emits from journal_entry where tape = 0 order by pos desc limit %s) recent, unnest(emits) message
    order by pos
"""


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a source is journaled; see models.Position."""

    cursor: str
    system_id: str


@dataclass(frozen=True, slots=True)
class Opened:
    """The journal as the recorder finds it. `emitted`: (message id, position) of recent entries, oldest first."""

    epoch: str
    pos: int
    cursors: dict[str, Cursor]
    emitted: list[tuple[str, int]]


def open_journal() -> Opened:
    """Begin the journal's epoch and its first run if it is new; return where to resume. Raises django.db.OperationalError."""
    with JOURNAL.atomic(), JOURNAL.cursor() as cursor:
        cursor.execute(_BEGIN_EPOCH)
        cursor.execute(_BEGIN_RUN)
        cursor.execute(
            "select id::text, (select coalesce(max(pos), 0) from journal_entry where tape = 0) from journal_epoch"
        )
        epoch, pos = cursor.fetchone()
        cursor.execute("select source, cursor, system_id from journal_position")
        cursors = {source: Cursor(at, system_id) for source, at, system_id in cursor.fetchall()}
        cursor.execute(_RECENT_EMITS, [REMEMBERED // 4])
        emitted = [(str(message), at) for message, at in cursor.fetchall()]
    return Opened(epoch, pos, cursors, emitted)


def indexed() -> int:
    """Position up to which the live tape is indexed."""
    with JOURNAL.cursor() as cursor:
        cursor.execute("select pos from journal_indexed where tape = 0")
        found = cursor.fetchone()
    return int(found[0]) if found else 0


def append(
    placed: Sequence[Placed], system_ids: dict[str, str], definitions: Mapping[str, Mapping[str, Any]] | None = None
) -> list[EntryDict]:
    """Commit entries and how far each source is read. Returns them as `queries.latest_packed` does.

    `definitions`: service -> table -> definition, for the open run to keep.

    `system_ids`: source -> cluster id to store with its LSN. Raises django.db.DatabaseError; whether the entries
    were stored is then unknown: `open_journal` again.
    """
    newest = {item.candidate.source: item.candidate.cursor for item in placed}
    clusters = [system_ids.get(source, "") for source in newest]
    mentions = [(correlation, item.pos) for item in placed for correlation in item.candidate.correlations]
    tables = Jsonb(definitions or {})
    layouts = {layout.id: layout.definition for item in placed for layout in item.candidate.layouts}
    columns = (list(column) for column in zip(*map(_row, placed), strict=True))
    mentioned = ([one for one, _ in mentions], [pos for _, pos in mentions])
    given = [*columns, list(layouts), list(layouts.values()), *mentioned, tables, tables]
    connection = connections[JOURNAL.alias]
    connection.ensure_connection()
    with connection.wrap_database_errors:
        connection.connection.prepare_threshold = 0
        # Not Django's cursor, which would write the values into the text of the statement, for PostgreSQL to parse
        # again.
        with psycopg.Cursor(connection.connection) as cursor:
            cursor.execute(_APPEND, [*given, list(newest), list(newest.values()), clusters])
            ((recorded_at,),) = cursor.fetchall()
    return [_as_dict(item, recorded_at) for item in placed]


def refuses(error: Exception) -> bool:
    """Whether `append` failed because of the entries' content, and not because of the state of its database.

    SQLSTATE classes 22 (data) and 54 (longer than an index or a row may be); without one, Python's or the driver's refusal.
    """
    if isinstance(error, Error):
        state = getattr(error.__cause__, "sqlstate", None) or ""
        return state[:2] in ("22", "54") or (not state and isinstance(error, DataError | NotSupportedError))
    return isinstance(error, TypeError | ValueError | OverflowError)


def _row(item: Placed) -> tuple[Any, ...]:
    candidate = item.candidate
    return (
        item.pos,
        candidate.kind,
        candidate.service,
        candidate.xid,
        candidate.lsn,
        candidate.committed_at,
        candidate.title,
        _array(candidate.causes),
        _array(item.cause_pos),
        item.cause_known,
        _array(candidate.emits),
        candidate.packed,
        _array(layout.id for layout in candidate.layouts),
        None if candidate.data is None else json.dumps(candidate.data),
    )


def _array(items: Iterable[object]) -> str:
    """PostgreSQL's text form of an array of ids or numbers, which need no quotes."""
    return "{" + ",".join(map(str, items)) + "}"


def _as_dict(item: Placed, recorded_at: datetime) -> EntryDict:
    """The same shape as `queries.latest_packed`."""
    candidate = item.candidate
    return {
        "pos": item.pos,
        "kind": candidate.kind,
        "service": candidate.service,
        "xid": candidate.xid,
        "lsn": candidate.lsn,
        "committed_at": candidate.committed_at.isoformat(),
        "recorded_at": recorded_at.isoformat(),
        "title": candidate.title,
        "causes": candidate.causes,
        "cause_pos": item.cause_pos,
        "cause_known": item.cause_known,
        "emits": candidate.emits,
        "correlations": candidate.correlations,
        "data": candidate.data,
        "changes": [],
        "packed": candidate.packed,
        "layouts": [layout.id for layout in candidate.layouts],
    }

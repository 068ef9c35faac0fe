"""Writing the journal: entries, mentions and the five positions in one transaction, by COPY."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.db import connections, transaction

from journal.ordering import REMEMBERED, Placed
from journal.queries import EntryDict

ALIAS = "journal"
_ENTRY = (
    "pos, kind, service, xid, lsn, committed_at, recorded_at, title, causes, cause_pos, cause_known, emits, "
    "changes, data"
)
_COPY_ENTRIES = f"copy journal_entry ({_ENTRY}) from stdin"
_COPY_MENTIONS = "copy journal_mention (correlation, pos) from stdin"
_MOVE = """
    insert into journal_position (source, cursor, system_id)
    select * from unnest(%s::text[], %s::text[], %s::text[])
    on conflict (source) do update set cursor = excluded.cursor, system_id = excluded.system_id
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
_DEFINE = """
    update journal_run
    set tables = tables || jsonb_build_object(%(service)s::text, coalesce(tables -> %(service)s::text, '{}') || %(tables)s::jsonb)
    where tape = 0 and ended_pos is null
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
    """Begin the journal's epoch and its first run if it is new; return where to go on. Raises django.db.OperationalError."""
    with transaction.atomic(using=ALIAS), connections[ALIAS].cursor() as cursor:
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
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("select pos from journal_indexed where tape = 0")
        found = cursor.fetchone()
    return int(found[0]) if found else 0


def append(
    placed: Sequence[Placed], system_ids: dict[str, str], definitions: Mapping[str, Mapping[str, Any]] | None = None
) -> list[EntryDict]:
    """Commit entries and how far each source is read. Returns them as `queries` does.

    `definitions`: service -> table -> definition, for the open run to keep.

    `system_ids`: source -> cluster id to store beside its LSN. Raises django.db.DatabaseError; whether the entries
    were stored is then unknown: `open_journal` again.
    """
    with transaction.atomic(using=ALIAS), connections[ALIAS].cursor() as cursor:
        cursor.execute("select clock_timestamp()")
        recorded_at = cursor.fetchone()[0]
        with cursor.copy(_COPY_ENTRIES) as copy:
            for item in placed:
                copy.write_row(_row(item, recorded_at))
        with cursor.copy(_COPY_MENTIONS) as copy:
            for item in placed:
                for correlation in item.candidate.correlations:
                    copy.write_row((correlation, item.pos))
        newest = {item.candidate.source: item.candidate.cursor for item in placed}
        clusters = [system_ids.get(source, "") for source in newest]
        for service, tables in (definitions or {}).items():
            cursor.execute(_DEFINE, {"service": service, "tables": json.dumps(tables)})
        cursor.execute(_MOVE, [list(newest), list(newest.values()), clusters])
    return [_as_dict(item, recorded_at) for item in placed]


def _row(item: Placed, recorded_at: datetime) -> tuple[Any, ...]:
    candidate = item.candidate
    return (
        item.pos,
        candidate.kind,
        candidate.service,
        candidate.xid,
        candidate.lsn,
        candidate.committed_at,
        recorded_at,
        candidate.title,
        _array(candidate.causes),
        _array(item.cause_pos),
        item.cause_known,
        _array(candidate.emits),
        orjson.dumps(candidate.changes).decode(),
        None if candidate.data is None else json.dumps(candidate.data),
    )


def _array(items: Iterable[object]) -> str:
    """PostgreSQL's text form of an array of ids or numbers, which need no quotes."""
    return "{" + ",".join(map(str, items)) + "}"


def _as_dict(item: Placed, recorded_at: datetime) -> EntryDict:
    """The same shape as `queries.as_dict`."""
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
        "changes": candidate.changes,
    }

"""The additive hashes of the tables that a service publishes to the journal, all as of the same moment.

The rows are read as text, converted to Python values and hashed in the same way as the recorder does with rows of the
log, so that the same rows give the same number. They are streamed, never collected.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connections, transaction

from messaging.hashing import added, row_hash
from messaging.postgresql.bounded import patience
from messaging.wal import Relation, python_row, row_key
from messaging.wal.messages import Column
from messaging.wal.values import converters_of
from topology.chosen import HOUSE

_BEGIN = """
    set transaction isolation level repeatable read, read only;
    set local statement_timeout = '30s';
    set local idle_in_transaction_session_timeout = '30s';
    set local timezone = 'UTC';
    set local datestyle = 'ISO';
    set local bytea_output = 'hex'
"""
# The position is read after the snapshot is taken, and before it is used: everything that the snapshot shows is before
# it.
_MOMENT = """
    select clock_timestamp()::text, pg_current_wal_flush_lsn()::text, pg_snapshot_xmin(s)::text, pg_snapshot_xmax(s)::text,
        array(select x::text from pg_snapshot_xip(s) x)
    from pg_current_snapshot() s
"""
_TABLES = """
    select c.oid::int8, p.tablename, array_agg(a.attname::text order by a.attnum), array_agg(a.atttypid::int8 order by a.attnum),
        (select array_agg(k.attname::text order by array_position(i.indkey::int2[], k.attnum))
         from pg_index i join pg_attribute k on k.attrelid = i.indrelid and k.attnum = any (i.indkey::int2[])
         where i.indisprimary and i.indrelid = c.oid)
    from pg_publication_tables p
    join pg_class c on c.oid = format('%%I.%%I', p.schemaname, p.tablename)::regclass
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    where p.pubname = %s group by c.oid, p.tablename order by p.tablename
"""


def live(service: str) -> dict[str, Any]:
    """`read`, of a service's own tables in one of this process's databases, with "service". Raises django.db.DatabaseError."""
    alias = HOUSE.database_of(service).alias
    with patience(60), transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        return {"service": service, **read(cursor, own=lambda table: HOUSE.owner(alias, table) == service)}


def read(cursor: Any, publication: str = "journal", own: Callable[[str], bool] = lambda table: True) -> dict[str, Any]:
    """Read each of the service's published tables once, in a transaction that has just begun.

    {"at", "lsn", "xmin", "xmax", "xip", "tables": {name: {"rows", "hash"}}}: `lsn`: the position of the log, at or
    after the newest transaction included; `xmin`, `xmax` and `xip` define exactly which are included (see pg_snapshot);
    transaction ids and hashes are strings.
    """
    cursor.execute(_BEGIN)
    cursor.execute(_MOMENT)
    at, lsn, xmin, xmax, xip = cursor.fetchone()
    cursor.execute(_TABLES, [publication])
    relations = [_relation(*row) for row in cursor.fetchall()]
    tables = {relation.table: _hash(cursor, relation) for relation in relations if own(relation.table)}
    return {"at": at, "lsn": lsn, "xmin": xmin, "xmax": xmax, "xip": xip, "tables": tables}


def _relation(oid: int, table: str, names: list[str], types: list[int], key: list[str] | None) -> Relation:
    columns = tuple(Column(name, type_oid, True) for name, type_oid in zip(names, types, strict=True))
    return Relation(oid, "public", table, columns, tuple(key or names), tuple(names), converters_of(columns))


def _hash(cursor: Any, relation: Relation) -> dict[str, Any]:
    names, key = relation.names, relation.key
    columns = ", ".join(f'"{name}"' for name in names)
    rows = total = 0
    with cursor.copy(f'copy (select {columns} from "{relation.table}") to stdout') as copy:
        for values in copy.rows():
            row = python_row(relation, dict(zip(names, values, strict=True)))
            total = added(total, row_hash(row_key(key, row), row))
            rows += 1
    return {"rows": rows, "hash": str(total)}

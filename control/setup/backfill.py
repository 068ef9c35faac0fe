"""Backfill: gives a recorder that begins the existing rows, since it reads only changes, and must not read tables.

An update that changes nothing writes the whole row into the log. A note in the log marks where the backfill begins.
From it the journal sees which earlier rows no longer count, and that something may be missing if a slot had been lost.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum

import psycopg
from psycopg import sql

from messaging.wal import notes
from topology.tuning import Count

DONE = "introduced"  # how the publication's comment begins; the backfilled tables follow, each with its key
BLOCKS: Count = 128  # of 8 kB: how much of a table is backfilled in one transaction
# The columns that a table was backfilled with, kept as its comment, so that an interrupted backfill is repeated at the
# next start. The table's file is a part of it: rewriting a table (changing a column's type with `using`) leaves no row
# in the log.
_SHAPE = """(
    select 'journaled as ' || md5(pg_relation_filenode(name::regclass) || ' '
        || string_agg(attname || ' ' || format_type(atttypid, null), ',' order by attnum))
    from pg_attribute where attrelid = name::regclass and attnum > 0 and not attisdropped and attgenerated = '')
"""
_TABLES = """
    select tablename || '(' || coalesce((select string_agg(attname, ' ' order by array_position(indkey::int2[], attnum))
        from pg_index join pg_attribute on attrelid = indrelid and attnum = any (indkey::int2[])
        where indisprimary and indrelid = format('%I.%I', schemaname, tablename)::regclass), '') || ')'
    from pg_publication_tables where pubname = 'journal' order by 1
"""


class Begun(Enum):
    """Why a slot begins now. The value is the kind and the text of the note."""

    NEW = ("snapshot", "the recording of {} begins")
    AGAIN = ("gap", "what {} committed before this is not recorded: the recorder was away, and its log is lost")
    CHANGED = ("snapshot", "tables of {} have gone, or have another name or key: the existing rows are recorded again")
    ANEW = AGAIN  # the name that earlier versions wrote into the database


def note_pending(connection: psycopg.Connection, begun: Begun) -> None:
    """Record in the database itself that a backfill is due, so that an interrupted one is repeated at the next
    start."""
    connection.execute(sql.SQL("comment on publication journal is {}").format(sql.Literal(begun.name)))


def pending(connection: psycopg.Connection) -> Begun | None:
    """Why a backfill is due; None if it is not. A publication without a comment is older than backfills.

    Also due after a migration: of a table that has gone, or has another name or primary key, the journal would
    otherwise keep its old rows for ever.
    """
    query = "select obj_description(oid, 'pg_publication') from pg_publication where pubname = 'journal'"
    (word,) = connection.execute(query).fetchone() or (None,)
    if word is None or not word.startswith(DONE):
        return Begun[word or "NEW"]
    known = set(word.removeprefix(DONE).split(", ")) - {""}
    return Begun.CHANGED if known - _published(connection) else None


def backfill(connection: psycopg.Connection, app: str, tables: list[str], begun: Begun | None, key: str = "") -> None:
    """Log the rows of `tables` through a connection of their owner. `begun`: None for tables that join later, or whose
    columns have changed. `key`: the recorder's password, which proves to it that a note is ours.
    """
    if begun is not None:
        kind, text = begun.value
        _note(connection, kind, text.format(app), key)
    for table in tables:
        _backfill_table(connection, table)
    done = ", ".join([DONE, *sorted(_published(connection))])
    connection.execute(sql.SQL("comment on publication journal is {}").format(sql.Literal(done)))


def _published(connection: psycopg.Connection) -> set[str]:
    """The journal's tables, each with the columns of its primary key: "seats_seat(id)"."""
    return {table for (table,) in connection.execute(_TABLES)}


def changed(connection: psycopg.Connection, tables: list[str]) -> list[str]:
    """Those of these tables whose columns are not those of their backfill: there was a migration in between.

    Adding a column with a default leaves no row in the log, so the journal's replay would lack it for ever.
    """
    rows = connection.execute(
        f"select name, {_SHAPE} is not distinct from obj_description(name::regclass, 'pg_class') from unnest(%s::text[]) name",
        (tables,),
    )
    return [name for name, same in rows if not same]


def _backfill_table(connection: psycopg.Connection, table: str) -> None:
    """Block by block: a row that the update moves elsewhere may be logged twice, which does no harm."""
    name = sql.Identifier(table)
    identity, blocks, column = connection.execute(
        """
        select relreplident, pg_relation_size(oid) / current_setting('block_size')::int,
            (select attname from pg_attribute where attrelid = pg_class.oid and attnum > 0 and not attisdropped limit 1)
        from pg_class where oid = %s::regclass
        """,
        (table,),
    ).fetchone() or ("f", 0, "")
    touch = sql.SQL("update {} set {} = {} where ctid >= %s::tid and ctid < %s::tid").format(
        name, sql.Identifier(column), sql.Identifier(column)
    )
    for block in range(0, blocks, BLOCKS):
        with connection.transaction(), _may_update(connection, name):
            if identity != "f":  # else a long value, which does not change, would not be in the log
                connection.execute(sql.SQL("alter table {} replica identity full").format(name))
            if connection.execute(touch, (f"({block},0)", f"({block + BLOCKS},0)")).rowcount:
                _note(connection, "introduced", f"{table} as it was found")
            if identity != "f":
                connection.execute(sql.SQL("alter table {} replica identity default").format(name))
    (shape,) = connection.execute(f"select {_SHAPE} from (values (%s::text)) one (name)", (table,)).fetchone() or ("",)
    connection.execute(sql.SQL("comment on table {} is {}").format(name, sql.Literal(shape)))


@contextmanager
def _may_update(connection: psycopg.Connection, table: sql.Identifier) -> Iterator[None]:
    """Inside a transaction: a replica is closed even to its owner, who lets itself in for as long as nobody can see it."""
    query = sql.SQL("select has_table_privilege({}::regclass, 'update')").format(
        sql.Literal(table.as_string(connection))
    )
    (may,) = connection.execute(query).fetchone() or (True,)
    if not may:
        connection.execute(sql.SQL("grant update on {} to current_user").format(table))
    yield
    if not may:
        connection.execute(sql.SQL("revoke update on {} from current_user").format(table))


def _note(connection: psycopg.Connection, kind: str, text: str, key: str = "") -> None:
    content = notes.written(kind, text, key)
    connection.execute("select pg_logical_emit_message(true, %s, %s)", (notes.PREFIX, content))

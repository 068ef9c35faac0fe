"""What each database gives to the readers of its log: publications, replica identity, slots. Safe to repeat.

Publications of named tables can be made by the tables' owner; only the slots take the superuser here.
An event written before its publication exists is skipped in silence, so this comes before the first demo row.
"""

import logging
from collections.abc import Mapping

import psycopg
from psycopg import sql

from sandbox.introduce import Begun, introduce, owe, owed
from sandbox.processes import INSTANCES, SERVICES, password_key
from sandbox.provision import admin_url

log = logging.getLogger(__name__)


def publish(environment: Mapping[str, str]) -> None:
    """Everything, in the order it takes: publications and replica identities, slots, and the rows that are there already.

    Comes after the migrations. What a recorder's new slot has not seen is introduced to it.
    """
    joined = {}
    for name in INSTANCES:
        with psycopg.connect(environment[f"DATABASE_URL_{name.upper()}"], autocommit=True) as connection:
            joined[name] = publish_database(connection, name)
    create_slots(environment)
    for name in INSTANCES:
        with psycopg.connect(environment[f"DATABASE_URL_{name.upper()}"], autocommit=True) as connection:
            begun = owed(connection)
            tables = joined[name] if begun is None else journaled_tables(connection, name)
            introduce(connection, name, tables, begun, environment[password_key("recorder")])


def publish_database(connection: psycopg.Connection, app: str) -> list[str]:
    """Publish one database's tables through a connection of their owner. Returns those new to the journal."""
    tables = journaled_tables(connection, app)
    outbox = f"{app}_outbox"
    if app in SERVICES:
        _ensure_publication(connection, "outbox", [outbox], "insert")
    joined = _ensure_publication(connection, "journal", tables, "insert, update, delete, truncate")
    for table in tables:
        if table != outbox:  # rows of an outbox are only ever inserted: there is no old image to keep
            _ensure_full_identity(connection, table)
    return joined


def journaled_tables(connection: psycopg.Connection, app: str) -> list[str]:
    """The app's own tables, sorted. Idempotency keys are the front door's memory, not part of the story."""
    rows = connection.execute(
        r"""
        select tablename from pg_tables
        where schemaname = 'public' and tablename like %s and tablename not like '%%\_idempotencykey'
        order by tablename
        """,
        (f"{app}\\_%",),
    )
    return [name for (name,) in rows]


def create_slots(environment: Mapping[str, str]) -> None:
    """The slots of relay and recorder in the five databases, as superuser."""
    for name in INSTANCES:
        slots = ["relay", "recorder"] if name in SERVICES else ["recorder"]
        with psycopg.connect(admin_url(environment, name, name), autocommit=True) as connection:
            for slot in slots:
                ensure_slot(connection, slot)


def ensure_slot(connection: psycopg.Connection, slot: str) -> None:
    """Make a logical slot in the connection's database. One whose WAL is lost can only be made anew.

    A slot keeps what is committed after it was made, so it has to exist before the first row that its reader must see.
    """
    found = connection.execute("select wal_status from pg_replication_slots where slot_name = %s", (slot,)).fetchone()
    if slot == "recorder" and found in (None, ("lost",)):
        owe(connection, Begun.ANEW if found else Begun.NEW)  # first: what comes between must not be forgotten
    if found == ("lost",):
        database = connection.info.dbname
        log.warning("slot %s on %s had lost its WAL and begins anew; its reader catches up", slot, database)
        connection.execute("select pg_drop_replication_slot(%s)", (slot,))
    if found in (None, ("lost",)):
        connection.execute("select pg_create_logical_replication_slot(%s, 'pgoutput')", (slot,))


def _ensure_publication(connection: psycopg.Connection, name: str, tables: list[str], operations: str) -> list[str]:
    """Declare a publication of exactly `tables`; return those that were not in it.

    `set table` on every start would be a needless catalogue change.
    """
    publication = sql.Identifier(name)
    identifiers = sql.SQL(", ").join(sql.Identifier(table) for table in tables)
    if not connection.execute("select from pg_publication where pubname = %s", (name,)).rowcount:
        statement = sql.SQL("create publication {} for table {} with (publish = {})")
        connection.execute(statement.format(publication, identifiers, sql.Literal(operations)))
        return tables
    rows = connection.execute("select tablename from pg_publication_tables where pubname = %s order by 1", (name,))
    published = [table for (table,) in rows]
    if published != sorted(tables):
        connection.execute(sql.SQL("alter publication {} set table {}").format(publication, identifiers))
    return [table for table in tables if table not in published]


def _ensure_full_identity(connection: psycopg.Connection, table: str) -> None:
    """Log the old row whole on UPDATE and DELETE: 60 B a row, and what the recorder lives on."""
    query = "select from pg_class where oid = %s::regclass and relreplident = 'f'"
    if not connection.execute(query, (table,)).rowcount:
        connection.execute(sql.SQL("alter table {} replica identity full").format(sql.Identifier(table)))

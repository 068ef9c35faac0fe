"""Prepares each database for the readers of its log: publications, replica identity, slots. Safe to repeat.

The owner of the tables can create their publications; only the slots need the superuser. An event written before its
publication exists is silently skipped, so this runs before the first demo row is written.
"""

import logging
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager

import psycopg
from psycopg import sql

from control.setup.backfill import Begun, backfill, changed, note_pending, pending
from control.setup.provision import admin_url
from topology.parts import RECORDER, Database
from topology.processes import HOUSE, INSTANCES, password_key
from topology.tuning import Seconds

log = logging.getLogger(__name__)
DROPPING_S: Seconds = 5.0  # how long to try to drop a slot that somebody still reads
RECORDERS = frozenset(database.slot for database in HOUSE.journaled)
"""The recorder's slots: a new one gets a backfill of the rows that it has not seen."""
_SLOTS = """
    select slot_name, lost
    from (
        select *, coalesce(wal_status = 'lost', false) or invalidation_reason is not null as lost
        from pg_replication_slots where database = current_database()
    ) slots
"""


def publish(environment: Mapping[str, str], instances: Collection[str] = INSTANCES) -> None:
    """Do everything in the required order: publications and replica identities, slots, and the existing rows. Runs
    after the migrations. A recorder's new slot gets a backfill of the existing rows, and so do tables whose columns
    have changed since their last one.
    """
    joined = {}
    databases = [database for database in HOUSE.journaled if database.instance in instances]
    for database in databases:
        with psycopg.connect(environment[database.url], autocommit=True) as connection:
            joined[database.alias] = publish_database(connection, database.alias)
    create_slots(environment, databases)
    for alias in joined:
        with psycopg.connect(environment[HOUSE.database(alias).url], autocommit=True) as connection:
            begun = pending(connection)
            tables = journaled_tables(connection, alias)
            if begun is None:
                tables = sorted({*joined[alias], *changed(connection, tables)})
            backfill(connection, alias, tables, begun, environment[password_key(RECORDER)])


def publish_database(connection: psycopg.Connection, alias: str) -> list[str]:
    """Publish one database's tables through a connection of their owner. Returns the tables that are new to the journal."""
    tables = journaled_tables(connection, alias)
    outboxes = {service.outbox: service.publication for service in HOUSE.services_in(alias)}
    for outbox, publication in outboxes.items():
        _ensure_publication(connection, publication, [outbox], "insert")
    joined = _ensure_publication(connection, "journal", tables, "insert, update, delete, truncate")
    for table in tables:
        if table not in outboxes:  # rows of an outbox are only inserted: there is no old image to keep
            _ensure_full_identity(connection, table)
    return joined


def journaled_tables(connection: psycopg.Connection, alias: str) -> list[str]:
    """The tables of the database's apps, sorted, without private ones. Idempotency keys are internal to the front door, and
    not recorded.
    """
    rows = connection.execute(
        r"""
        select tablename from pg_tables
        where schemaname = 'public' and tablename like any (%s) and tablename not like '%%\_idempotencykey'
            and tablename <> all (%s)
        order by tablename
        """,
        ([f"{app}\\_%" for app in HOUSE.database(alias).apps], list(HOUSE.private_in(alias))),
    )
    return [name for (name,) in rows]


def create_slots(environment: Mapping[str, str], databases: Iterable[Database]) -> None:
    """The slots of relays and recorder in journaled databases, as superuser."""
    for database in databases:
        url = admin_url(environment, database.instance, database.name)
        with psycopg.connect(url, autocommit=True) as connection:
            for slot in readers_of(database.alias):
                ensure_slot(connection, slot)


def ensure_slot(connection: psycopg.Connection, slot: str) -> None:
    """Create a logical slot in the connection's database. A slot whose WAL is lost can only be recreated. A slot keeps
    what is committed after its creation, so it has to exist before the first row that its reader must see.
    """
    found = connection.execute(f"{_SLOTS} where slot_name = %s", (slot,)).fetchone()
    lost = found is not None and found[1]
    if found is not None and not lost:
        return
    if slot in RECORDERS:  # first: rows that are committed in between must not be missed
        due = pending(connection)
        note_pending(connection, Begun.AGAIN if lost or due is None else due)
    if lost:
        database = connection.info.dbname
        log.warning("slot %s on %s had lost its WAL and was recreated; its reader catches up", slot, database)
        connection.execute("select pg_drop_replication_slot(%s)", (slot,))
    connection.execute("select pg_create_logical_replication_slot(%s, 'pgoutput')", (slot,))


def readers_of(alias: str) -> dict[str, str]:
    """slot -> publication, for the readers of this database's log."""
    relays = {service.slot: service.publication for service in HOUSE.services_in(alias)}
    return relays | {HOUSE.database(alias).slot: "journal"}


def lost(connection: psycopg.Connection, alias: str) -> list[str]:
    """The slots of this database that do not exist, have lost their log, or have no publication."""
    slots = {name: not gone for name, gone in connection.execute(_SLOTS).fetchall()}
    publications = _publications(connection)
    return [slot for slot, name in readers_of(alias).items() if not slots.get(slot) or name not in publications]


def repair(connection: psycopg.Connection, alias: str, key: str) -> list[str]:
    """Recreate what the readers of this database's log have lost, as superuser, while everything runs. Returns those
    slots.

    If a publication is missing, its slot is recreated too: what was committed without the publication is missing, and a
    reader notices that by its new slot. A recorder's new slot gets a backfill of the existing rows, also if an earlier
    call was interrupted before that. A database without tables is not ours yet.
    """
    database = HOUSE.database(alias)
    gone = lost(connection, alias)
    if (not gone and pending(connection) is None) or not journaled_tables(connection, alias):
        return []
    publications = _publications(connection)
    slots = {name for name, _ in connection.execute(_SLOTS).fetchall()}
    unpublished = [slot for slot in gone if readers_of(alias)[slot] not in publications and slot in slots]
    for slot in unpublished:  # before the publication exists again, since its absence led here
        _drop(connection, slot)
    with as_owner(connection, database.owner):
        publish_database(connection, alias)
    if database.slot in unpublished:
        note_pending(connection, Begun.AGAIN)
    for slot in gone:
        ensure_slot(connection, slot)
    begun = pending(connection)
    if begun is not None:
        with as_owner(connection, database.owner):
            backfill(connection, alias, journaled_tables(connection, alias), begun, key)
    return gone


@contextmanager
def as_owner(connection: psycopg.Connection, owner: str) -> Iterator[None]:
    """As the owner of the tables: an owner could not change at the next start what the superuser created."""
    connection.execute(sql.SQL("set role {}").format(sql.Identifier(owner)))
    try:
        yield
    finally:
        if not connection.broken:
            connection.execute("reset role")


def _publications(connection: psycopg.Connection) -> set[str]:
    return {name for (name,) in connection.execute("select pubname from pg_publication").fetchall()}


def _drop(connection: psycopg.Connection, slot: str) -> None:
    """Drop a slot whose reader may be connected, which notices it thereby. Raises psycopg.Error if the slot stays in
    use. The reader reconnects immediately, so it may be connected again before the slot is dropped.
    """
    ends = "select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = %s and active"
    drop = "select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = %s"
    give_up = time.monotonic() + DROPPING_S
    while True:
        connection.execute(ends, (slot,))
        try:
            connection.execute(drop, (slot,))
            return
        except psycopg.errors.ObjectInUse:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.002)


def _ensure_publication(connection: psycopg.Connection, name: str, tables: list[str], operations: str) -> list[str]:
    """Declare a publication of exactly `tables`; return those that were not in it.

    `set table` on every start would change the catalogue without need.
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
    """Log the complete old row on UPDATE and DELETE: 60 B a row, which the recorder needs."""
    query = "select from pg_class where oid = %s::regclass and relreplident = 'f'"
    if not connection.execute(query, (table,)).rowcount:
        connection.execute(sql.SQL("alter table {} replica identity full").format(sql.Identifier(table)))

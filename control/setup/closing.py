"""What only a migrated database can be given: private tables are for their owner alone, and replicas for the role that copies.

Safe to repeat. An owner may grant itself anything again; what is refused is every statement of a program that writes a copy by
mistake, and that is what PostgreSQL is asked to refuse.
"""

from collections.abc import Collection, Iterable, Mapping

import psycopg
from psycopg import sql

from topology.parts import Replicas
from topology.processes import HOUSE, INSTANCES

_EXISTING = "select name from unnest(%s::text[]) name where to_regclass(format('public.%%I', name)) is not null"
_READERS = """
    select distinct grantee::regrole::text from pg_class, aclexplode(relacl)
    where oid = %s::regclass and grantee <> relowner and grantee <> 0
"""


def close(environment: Mapping[str, str], instances: Collection[str] = INSTANCES) -> None:
    """Close the tables of these instances' databases, as their owners. Runs after the migrations."""
    for database in HOUSE.databases:
        if database.instance in instances:
            with psycopg.connect(environment[database.url], autocommit=True) as connection:
                close_tables(connection, database.alias)


def close_tables(connection: psycopg.Connection, alias: str) -> None:
    """Close the tables of one database, through a connection of their owner."""
    with connection.transaction():
        keep_private(connection, alias)
        for service in HOUSE.replicating:
            if service.database == alias and service.replicas:
                _close_replicas(connection, service.replicas, HOUSE.database(alias).owner)


def keep_private(connection: psycopg.Connection, *aliases: str) -> None:
    """Take private tables from everybody but their owner: those who may read all tables were given them too."""
    for alias in aliases:
        for table in _existing(connection, HOUSE.private_in(alias)):
            name = sql.Identifier(table)
            for (reader,) in connection.execute(_READERS, (table,)).fetchall():
                connection.execute(sql.SQL("revoke all on {} from {}").format(name, sql.Identifier(reader)))


def _close_replicas(connection: psycopg.Connection, replicas: Replicas, owner: str) -> None:
    names = {"owner": sql.Identifier(owner), "role": sql.Identifier(replicas.role)}
    for table in _existing(connection, (*replicas.tables, *replicas.progress)):
        grant = sql.SQL("grant select, insert, update, delete on {table} to {role}")
        connection.execute(grant.format(table=sql.Identifier(table), **names))
    for table in _existing(connection, replicas.tables):
        revoke = sql.SQL("revoke insert, update, delete, truncate on {table} from {owner}")
        connection.execute(revoke.format(table=sql.Identifier(table), **names))


def _existing(connection: psycopg.Connection, tables: Iterable[str]) -> list[str]:
    return [name for (name,) in connection.execute(_EXISTING, (list(tables),))]

"""Roles, databases and grants, which separate the services, created by the superuser. Safe to repeat.

Everything comes from the environment of SERVICE=control (ADMIN_URL_<INSTANCE>, <ROLE>_PASSWORD), so that the embedded
sandbox and docker-compose.yml run the same code.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from control.setup.closing import keep_private
from topology.parts import RECORDER, Database, admin_key
from topology.processes import HOUSE, INSTANCES, password_key


@dataclass(frozen=True, kw_only=True)
class Role:
    """A login on one instance. It owns the databases `owns`, may read everything in `reads` but private tables, may replicate
    `tails`, and writes the replicas in `copies` (see control/setup/closing.py). `settings` apply to each of its sessions;
    `at_once`: how many of those there may be, -1 for any number.
    """

    name: str
    owns: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    tails: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    at_once: int = -1

    @property
    def uses(self) -> tuple[str, ...]:
        """Whose tables it uses without owning them."""
        return (*self.reads, *self.copies)

    @property
    def databases(self) -> tuple[str, ...]:
        return (*self.owns, *self.reads, *self.tails, *self.copies)


# For SQL typed into the page's console: no statement can write, run long or use many resources.
CONSOLE_SETTINGS = {
    "default_transaction_read_only": "on",
    "statement_timeout": "2s",
    "lock_timeout": "500ms",
    "idle_in_transaction_session_timeout": "5s",
    "work_mem": "4MB",
    "temp_file_limit": "32MB",
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
    "client_connection_check_interval": "1s",  # a statement whose page has gone ends
    "log_min_messages": "fatal",  # the page shows errors; in the log, their length would be limited only by the disk
}

# PUBLIC may execute these by default, and they have an effect even in a READ ONLY transaction: they write into the log,
# take locks and transaction ids that others wait for, change the session's own limits, or end other sessions.
ACTING_FUNCTIONS = (
    "lo\\_%", "loread", "lowrite", "pg\\_%advisory%", "pg\\_cancel\\_backend", "pg\\_current\\_xact\\_id",
    "pg\\_export\\_snapshot", "pg\\_logical\\_emit\\_message", "pg\\_notify", "pg\\_terminate\\_backend", "set\\_config",
    "txid\\_current",
)  # fmt: skip
FOR_READERS = ("set_config",)
"""Those that every reading program needs: Django uses it to set the time zone."""


def roles_of(instance: str) -> list[Role]:
    """The logins of an instance. A relay reads its service's log; the recorder, the one exception, reads every
    journaled log. A console may only SELECT, and only in its own database: PostgreSQL itself refuses a JOIN across
    databases.
    """
    here = HOUSE.databases_on(instance)
    journaled = [one for one in here if one.journaled]
    owners = dict.fromkeys(one.owner for one in here)
    readers = dict.fromkeys(reader for one in here for reader in one.readers)
    settings = {one.owner: one.settings for one in here}
    return [
        *(Role(name=name, owns=_names(here, owner=name), settings=settings[name]) for name in owners),
        Role(name=RECORDER, tails=tuple(one.name for one in journaled)),
        *(Role(name=one.console, reads=(one.name,), settings=CONSOLE_SETTINGS, at_once=4) for one in journaled),
        *(Role(name=service.relay, tails=(one.name,)) for one in here for service in HOUSE.services_in(one.alias)),
        *(
            Role(name=service.replicas.role, copies=(one.name,))
            for one in here
            for service in HOUSE.replicating
            if service.replicas and service.database == one.alias
        ),
        *(Role(name=name, reads=tuple(one.name for one in here if name in one.readers)) for name in readers),
    ]


def _names(databases: Iterable[Database], owner: str) -> tuple[str, ...]:
    return tuple(one.name for one in databases if one.owner == owner)


def _aliases(instance: str, database: str) -> Iterable[str]:
    return (one.alias for one in HOUSE.databases_on(instance) if one.name == database)


def admin_url(environment: Mapping[str, str], instance: str, database: str = "postgres") -> str:
    """The superuser's URL of one database of an instance."""
    return make_conninfo(environment[admin_key(instance)], dbname=database)


def provision(
    environment: Mapping[str, str], create_databases: bool = False, instances: Collection[str] = INSTANCES
) -> None:
    """Bring the roles, databases and grants of these instances to the declared state.

    `create_databases` lets owners create databases, as a test run does; a running Sagabox does not need it.
    """
    for instance in instances:
        roles = roles_of(instance)
        with psycopg.connect(admin_url(environment, instance), autocommit=True) as connection:
            for role in roles:
                _ensure_role(connection, role, environment[password_key(role.name)], create_databases)
            for role in roles:
                for database in role.owns:
                    _ensure_database(connection, database, role.name)
            for role in roles:
                _allow_connections(connection, role)
        for role in roles:
            for database in role.owns:
                programs = [other.name for other in roles if database in other.uses and not other.settings]
                with psycopg.connect(admin_url(environment, instance, database), autocommit=True) as connection:
                    keep_functions_to(connection, role.name, programs)
            for database in role.reads:
                owner = next(other.name for other in roles if database in other.owns)
                with psycopg.connect(admin_url(environment, instance, database), autocommit=True) as connection:
                    with connection.transaction():
                        grant_reading(connection, owner, role.name)
                        keep_private(connection, *_aliases(instance, database))
                    if role.settings:
                        _keep_programs_to(connection, owner)


def grant_reading(connection: psycopg.Connection, owner: str, reader: str) -> None:
    """Let `reader` SELECT from the tables `owner` has in this database, and from those it will make later."""
    names = {"owner": sql.Identifier(owner), "reader": sql.Identifier(reader)}
    connection.execute(sql.SQL("grant select on all tables in schema public to {reader}").format(**names))
    future = "alter default privileges for role {owner} in schema public grant select on tables to {reader}"
    connection.execute(sql.SQL(future).format(**names))


def _ensure_role(connection: psycopg.Connection, role: Role, password: str, create_databases: bool) -> None:
    name = sql.Identifier(role.name)
    if not connection.execute("select from pg_roles where rolname = %s", (role.name,)).rowcount:
        connection.execute(sql.SQL("create role {}").format(name))
    # The verifier is computed here: a password in clear would end in the server's log whenever the statement is logged.
    verifier = connection.pgconn.encrypt_password(password.encode(), role.name.encode(), b"scram-sha-256").decode()
    flags = [
        "login nosuperuser nocreaterole nobypassrls",
        "createdb" if create_databases and role.owns else "nocreatedb",
        "replication" if role.tails else "noreplication",
    ]
    statement = sql.SQL("alter role {} with {} connection limit {} password {}")
    limit = sql.Literal(role.at_once)
    connection.execute(statement.format(name, sql.SQL(" ".join(flags)), limit, sql.Literal(verifier)))
    for setting, value in role.settings.items():
        connection.execute(
            sql.SQL("alter role {} set {} to {}").format(name, sql.Identifier(setting), sql.Literal(value))
        )


def _keep_programs_to(connection: psycopg.Connection, owner: str) -> None:
    """By default every role may run blocks of PL/pgSQL (DO), and so endless loops and messages."""
    connection.execute("revoke usage on language plpgsql from public")
    connection.execute(sql.SQL("grant usage on language plpgsql to {}").format(sql.Identifier(owner)))


def keep_functions_to(connection: psycopg.Connection, owner: str, readers: Iterable[str] = ()) -> None:
    """Take ACTING_FUNCTIONS, all their overloads, from PUBLIC in this database; `owner` keeps them, `readers` FOR_READERS.

    Functions that have been revoked already are left alone: a start of the sandbox does not change the catalogue
    without need.
    """
    rows = connection.execute(
        """
        select oid::regprocedure::text from pg_proc
        where pronamespace = 'pg_catalog'::regnamespace and proname like any (%s)
            and (proacl is null or exists (select from aclexplode(proacl) where grantee = 0))
        """,
        (list(ACTING_FUNCTIONS),),
    ).fetchall()
    for (signature,) in rows:
        connection.execute(sql.SQL("revoke execute on function {} from public").format(sql.SQL(signature)))
        _let_execute(connection, signature, owner)
    lacking = connection.execute(
        """
        select oid::regprocedure::text, role from pg_proc, unnest(%s::text[]) role
        where pronamespace = 'pg_catalog'::regnamespace and proname = any (%s)
            and not has_function_privilege(role, oid, 'execute')
        """,
        (list(readers), list(FOR_READERS)),
    ).fetchall()
    for signature, role in lacking:  # also of a role that is newer than the database
        _let_execute(connection, signature, role)


def _let_execute(connection: psycopg.Connection, signature: str, role: str) -> None:
    statement = sql.SQL("grant execute on function {} to {}").format(sql.SQL(signature), sql.Identifier(role))
    connection.execute(statement)


def _ensure_database(connection: psycopg.Connection, database: str, owner: str) -> None:
    name = sql.Identifier(database)
    if not connection.execute("select from pg_database where datname = %s", (database,)).rowcount:
        connection.execute(sql.SQL("create database {} owner {}").format(name, sql.Identifier(owner)))
    connection.execute(sql.SQL("revoke all on database {} from public").format(name))
    # A database that was down on purpose when everything was killed is brought up before it is needed.
    connection.execute(sql.SQL("alter database {} with allow_connections true").format(name))


def _allow_connections(connection: psycopg.Connection, role: Role) -> None:
    """By default PostgreSQL lets every role connect to every database; `revoke all` above has ended that."""
    for database in role.databases:
        # a rebuild makes temporary tables
        statement = sql.SQL(
            "grant connect, temporary on database {} to {}" if role.copies else "grant connect on database {} to {}"
        )
        connection.execute(statement.format(sql.Identifier(database), sql.Identifier(role.name)))

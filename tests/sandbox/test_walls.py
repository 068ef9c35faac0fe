"""Each wall between the databases from both sides: the right role gets in, and PostgreSQL itself refuses the wrong one."""

from collections.abc import Iterator, Mapping
from contextlib import closing

import psycopg
import pytest
from psycopg import errors, sql
from psycopg.pq import ExecStatus

from control.setup.provision import provision, roles_of
from sandbox.testing import url_of
from topology.processes import ALIASES, INSTANCE_OF, INSTANCES, ROLES, SERVICES

Environment = Mapping[str, str]


def connect(servers: Environment, role: str, database: str) -> psycopg.Connection:
    return psycopg.connect(url_of(servers, INSTANCE_OF[database], role, database), autocommit=True)


def admitted(database: str) -> set[str]:
    """Who has any business in a database."""
    return {role.name for role in roles_of(INSTANCE_OF[database]) if database in role.databases}


STRANGERS = [(database, role) for database in ALIASES for role in ROLES if role not in admitted(database)]
READERS_OF_THE_LOG = [(name, role) for name in INSTANCES for role in (f"{name}_relay", "recorder") if role in ROLES]


@pytest.fixture
def table(servers: Environment, request: pytest.FixtureRequest) -> Iterator[str]:
    """A table with one row in the database named by the test's parameter, made by its owner."""
    database = request.node.callspec.params["database"]
    with connect(servers, database, database) as owner:
        owner.execute("drop table if exists wall; create table wall (brick int); insert into wall values (1)")
        yield "wall"
        owner.execute("drop table wall")


@pytest.mark.parametrize("database", ALIASES)
def test_the_owner_reads_and_writes_in_its_own_database(servers: Environment, database: str, table: str) -> None:
    with connect(servers, database, database) as owner:
        owner.execute(
            "insert into wall values (2); update wall set brick = brick + 1; delete from wall where brick = 2"
        )
        assert owner.execute("select brick from wall").fetchall() == [(3,)]


@pytest.mark.parametrize(("database", "role"), STRANGERS)
def test_every_other_role_is_refused_at_the_door(servers: Environment, database: str, role: str) -> None:
    with pytest.raises(
        psycopg.OperationalError, match=r"permission denied for database|password authentication failed"
    ):
        connect(servers, role, database)


@pytest.mark.parametrize("role", ["journal", "web"])
def test_a_neighbour_on_the_same_instance_is_not_refused_for_its_password(servers: Environment, role: str) -> None:
    """The control of the test above: these two exist on the instance of the projections and do get in where they may."""
    connect(servers, role, "journal").close()


@pytest.mark.parametrize("database", ALIASES)
@pytest.mark.parametrize("role", ["postgres", "owner"])
def test_a_wrong_password_is_refused(servers: Environment, database: str, role: str) -> None:
    right = url_of(servers, INSTANCE_OF[database], database if role == "owner" else role, database)
    psycopg.connect(right).close()
    for wrong in ("", "guess"):
        with pytest.raises(psycopg.OperationalError, match=r"password authentication failed|no password supplied"):
            psycopg.connect(right, password=wrong)


@pytest.mark.parametrize("instance", INSTANCES)
def test_nobody_is_trusted_and_every_password_is_scram(servers: Environment, instance: str) -> None:
    with psycopg.connect(url_of(servers, instance, "postgres", "postgres")) as superuser:
        methods = superuser.execute("select distinct auth_method from pg_hba_file_rules").fetchall()
        assert methods == [("scram-sha-256",)]
        passwords = superuser.execute("select rolname, rolpassword from pg_authid where rolcanlogin").fetchall()
        assert {name for name, _ in passwords} == {"postgres", *(role.name for role in roles_of(instance))}
        assert all(password.startswith("SCRAM-SHA-256$") for _, password in passwords)


@pytest.mark.parametrize("instance", INSTANCES)
def test_only_postgres_is_superuser_and_only_readers_of_the_log_replicate(servers: Environment, instance: str) -> None:
    with psycopg.connect(url_of(servers, instance, "postgres", "postgres")) as superuser:
        query = "select rolname from pg_roles where rolcanlogin and (rolsuper or rolcreaterole or rolbypassrls)"
        assert superuser.execute(query).fetchall() == [("postgres",)]
        rows = superuser.execute("select rolname from pg_roles where rolreplication and not rolsuper")
        assert {name for (name,) in rows} == {role.name for role in roles_of(instance) if role.tails}


@pytest.mark.parametrize("database", ["projections", "journal"])
def test_the_web_may_look_at_what_exists_and_at_what_comes_later(
    servers: Environment, database: str, table: str
) -> None:
    with connect(servers, "web", database) as web:
        assert web.execute("select brick from wall").fetchall() == [(1,)]


@pytest.mark.parametrize("database", ["projections", "journal"])
@pytest.mark.parametrize(
    "statement",
    [
        "insert into wall values (2)",
        "update wall set brick = 2",
        "delete from wall",
        "truncate wall",
        "drop table wall",
        "create table mine (x int)",
        "create temporary table mine (x int)",
    ],
)
def test_the_web_may_not_touch(servers: Environment, database: str, table: str, statement: str) -> None:
    with connect(servers, "web", database) as web, pytest.raises(errors.InsufficientPrivilege):
        web.execute(sql.SQL(statement))


@pytest.mark.parametrize(("database", "role"), READERS_OF_THE_LOG)
def test_a_reader_of_the_log_replicates_but_reads_no_table(
    servers: Environment, database: str, role: str, table: str
) -> None:
    with closing(psycopg.connect(url_of(servers, database, role, database), replication="database")) as tail:
        # The plain protocol: a walsender knows no prepared statements, and once it streams it takes no COMMIT.
        for command in (
            b"CREATE_REPLICATION_SLOT brick TEMPORARY LOGICAL pgoutput",
            b"START_REPLICATION SLOT brick LOGICAL 0/0 (proto_version '1', publication_names 'brick')",
        ):
            result = tail.pgconn.exec_(command)
            assert result.status in (ExecStatus.TUPLES_OK, ExecStatus.COPY_BOTH), result.error_message
    with connect(servers, role, database) as reader:
        for statement in ("select * from wall", "insert into wall values (2)", "create table mine (x int)"):
            with pytest.raises(errors.InsufficientPrivilege):
                reader.execute(sql.SQL(statement))


@pytest.mark.parametrize(("database", "role"), [*((name, name) for name in SERVICES), ("projections", "web")])
def test_who_reads_tables_may_not_read_the_log(servers: Environment, database: str, role: str) -> None:
    connect(servers, role, database).close()
    with pytest.raises(psycopg.OperationalError, match="permission denied to start WAL sender"):
        psycopg.connect(url_of(servers, database, role, database), replication="database")


def test_provisioning_twice_changes_nothing(servers: Environment) -> None:
    provision(servers, create_databases=True)
    for database in ALIASES:
        connect(servers, database, database).close()


ACTING = (
    'pg_logical_emit_message(true, \'journal\', \'{"kind": "gap", "text": "forged"}\')',
    "pg_logical_emit_message(true, 'journal', 'not json'::bytea)",
    "pg_logical_emit_message(false, 'x', repeat('x', 1000), true)",
    "pg_notify('x', 'y')",
    "pg_advisory_lock(1)",
    "pg_try_advisory_xact_lock(1, 2)",
    "pg_export_snapshot()",
    "pg_current_xact_id()",
    "txid_current()",
    "set_config('work_mem', '2GB', false)",
    "pg_terminate_backend(1)",
    "lo_create(0)",
    "lo_from_bytea(0, 'x')",
)


@pytest.mark.parametrize("call", ACTING)
@pytest.mark.parametrize("database", INSTANCES)
def test_a_console_can_call_nothing_that_acts(servers: Environment, database: str, call: str) -> None:
    with (
        connect(servers, f"{database}_console", database) as console,
        pytest.raises(errors.InsufficientPrivilege, match="permission denied for function"),
    ):
        console.execute(f"select {call}")


def test_a_transaction_of_the_journals_that_waits_for_its_client_ends(servers: Environment) -> None:
    """An export's reader may neither read nor go. Here the bound is looked at; a minute is too long to wait for."""
    with connect(servers, "journal", "journal") as journal:
        bound = "select setting::int from pg_settings where name = 'idle_in_transaction_session_timeout'"
        ((milliseconds,),) = journal.execute(bound).fetchall()
    assert 0 < milliseconds <= 60_000


def test_the_owner_writes_notes_and_a_reading_program_sets_its_zone(servers: Environment) -> None:
    with connect(servers, "seats", "seats") as owner:
        owner.execute("select pg_logical_emit_message(true, 'journal', 'x'), pg_current_xact_id()")
    with connect(servers, "web", "projections") as web:
        assert web.execute("select set_config('TimeZone', 'UTC', false)").fetchone() == ("UTC",)
        with pytest.raises(errors.InsufficientPrivilege):
            web.execute("select pg_logical_emit_message(true, 'journal', 'x')")


def test_a_data_directory_of_before_loses_what_its_public_could_do(servers: Environment) -> None:
    """The control: with the right given back, a console writes into the log from a READ ONLY transaction."""
    call = "select pg_logical_emit_message(true, 'x', 'y')"
    with connect(servers, "postgres", "payments") as superuser:
        superuser.execute("grant execute on function pg_logical_emit_message(boolean, text, text, boolean) to public")
    with connect(servers, "payments_console", "payments") as console:
        assert console.execute(call).fetchone()
        provision(servers, create_databases=True)
        with pytest.raises(errors.InsufficientPrivilege):
            console.execute(call)

"""Replicas are closed by PostgreSQL's own permissions: their owner may read them, and one other role writes them."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial

import psycopg
import pytest
from django.db import connections
from psycopg import errors, sql

from control.setup.backfill import backfill, changed
from control.setup.closing import close_tables
from control.setup.provision import keep_functions_to
from control.setup.publish import publish_database
from sandbox.testing import url_of
from topology.parts import Replicas
from topology.processes import HOUSE

COPIES = [
    (service.database, service.replicas, table)
    for service in HOUSE.replicating
    if service.replicas
    for table in service.replicas.tables
]
each_copy = pytest.mark.parametrize(("alias", "replicas", "table"), COPIES, ids=[table for *_, table in COPIES])
pytestmark = pytest.mark.django_db(databases=["booking", "tickets"], transaction=True)
Connect = Callable[[str, str], AbstractContextManager[psycopg.Connection]]


@pytest.fixture
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    """Connections to the test's databases, as any role. What is closed is opened again for the other tests."""
    request.getfixturevalue("_django_db_helper")

    def as_role(alias: str, role: str) -> psycopg.Connection:
        name = str(connections[alias].settings_dict["NAME"])
        return psycopg.connect(url_of(os.environ, alias, role, name), autocommit=True)

    for alias, replicas, _ in COPIES:
        with as_role(alias, "postgres") as superuser:
            statement = sql.SQL("grant connect, temporary on database {} to {}")
            superuser.execute(statement.format(sql.Identifier(superuser.info.dbname), sql.Identifier(replicas.role)))
    try:
        yield as_role
    finally:
        for alias, _, table in COPIES:
            with as_role(alias, alias) as owner:
                owner.execute(sql.SQL("grant all on {} to current_user").format(sql.Identifier(table)))


WRITES = {
    "insert": "insert into {table} select * from {table}",
    "update": "update {table} set version = 1",
    "delete": "delete from {table}",
    "truncate": "truncate {table}",
}


@pytest.mark.parametrize("write", WRITES)
@each_copy
def test_not_even_the_owner_writes_a_replica(
    connect: Connect, alias: str, replicas: Replicas, table: str, write: str
) -> None:
    statement = WRITES[write].format(table=table)
    with connect(alias, alias) as owner:
        owner.execute(statement)  # the control: nothing is closed yet
        close_tables(owner, alias)
        with pytest.raises(errors.InsufficientPrivilege, match="permission denied for table") as refused:
            owner.execute(statement)
        assert refused.value.sqlstate == "42501"
        assert owner.execute(f"select count(*) from {table}").fetchone() == (0,), "the owner may read"
        owner.execute(f"alter table {table} add extra int; alter table {table} drop extra")
    if write != "truncate":
        with connect(alias, replicas.role) as replicator:
            replicator.execute(statement)


@each_copy
def test_the_replicator_writes_nothing_else(connect: Connect, alias: str, replicas: Replicas, table: str) -> None:
    with connect(alias, alias) as owner:
        close_tables(owner, alias)
        rows = owner.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
    others = {name for (name,) in rows} - {*replicas.tables, *replicas.progress}
    assert f"{alias}_outbox" in others
    with connect(alias, replicas.role) as replicator:
        for other in others:
            with pytest.raises(errors.InsufficientPrivilege):
                replicator.execute(sql.SQL("delete from {}").format(sql.Identifier(other)))
        with pytest.raises(errors.InsufficientPrivilege):
            replicator.execute("create table mine (x int)")
        replicator.execute("create temporary table mine (x int)")  # as a rebuild does


def test_what_is_closed_can_be_backfilled_for_a_new_slot_and_stays_closed(connect: Connect) -> None:
    """The backfill touches each row, as the owner of the table."""
    with connect("tickets", "tickets") as owner:
        owner.execute("insert into tickets_customerreplica (id, name, email, version) values (1, 'a', 'b', 1)")
        close_tables(owner, "tickets")
        try:
            publish_database(owner, "tickets")
            backfill(owner, "tickets", ["tickets_customerreplica"], None)
            assert changed(owner, ["tickets_customerreplica"]) == []
            with pytest.raises(errors.InsufficientPrivilege):
                owner.execute("update tickets_customerreplica set name = 'x'")
        finally:
            owner.execute("drop publication if exists journal; drop publication if exists outbox")
            owner.execute("comment on table tickets_customerreplica is null")


def test_a_role_newer_than_the_database_is_given_the_functions_that_programs_need(connect: Connect) -> None:
    """Django sets the time zone in each session. An older version has taken that function from everybody else already."""
    set_zone = "select set_config('TimeZone', 'UTC', false)"
    keep = partial(keep_functions_to, owner="tickets", readers=["tickets_replicator"])
    with connect("tickets", "postgres") as superuser:
        keep_functions_to(superuser, "tickets", [])
        with connect("tickets", "tickets_replicator") as replicator:
            with pytest.raises(errors.InsufficientPrivilege):
                replicator.execute(set_zone)
            keep(superuser)
            assert replicator.execute(set_zone).fetchone() == ("UTC",)
            for _ in range(2):  # an older version's grant to it, and no grant at all
                superuser.execute("revoke execute on function set_config(text, text, boolean) from tickets_replicator")
                keep(superuser)
                assert replicator.execute(set_zone).fetchone() == ("UTC",)

"""Publications, replica identity and slots, on a real database with the tables' names of the seat service."""

from collections.abc import Iterator, Mapping

import psycopg
import pytest

from sandbox.publish import ensure_slot, publish_database
from sandbox.testing import url_of

TABLES = ("seats_seat", "seats_hold", "seats_outbox", "seats_idempotencykey", "django_migrations")


@pytest.fixture
def owner(servers: Mapping[str, str]) -> Iterator[psycopg.Connection]:
    with psycopg.connect(url_of(servers, "seats", "seats", "seats"), autocommit=True) as connection:
        connection.execute("create database publishing")
        try:
            with psycopg.connect(url_of(servers, "seats", "seats", "publishing"), autocommit=True) as inside:
                for table in TABLES:
                    inside.execute(f"create table {table} (id int primary key)")
                yield inside
        finally:
            connection.execute("drop database publishing")


def publications(connection: psycopg.Connection) -> dict[str, set[str]]:
    rows = connection.execute("select pubname, tablename from pg_publication_tables").fetchall()
    return {name: {table for publication, table in rows if publication == name} for name, _ in rows}


def test_the_outbox_is_for_the_relay_and_the_apps_tables_are_for_the_recorder(owner: psycopg.Connection) -> None:
    publish_database(owner, "seats")
    journaled = {"seats_seat", "seats_hold", "seats_outbox"}
    assert publications(owner) == {"outbox": {"seats_outbox"}, "journal": journaled}
    operations = "select pubinsert, pubupdate, pubdelete, pubtruncate from pg_publication where pubname = %s"
    assert owner.execute(operations, ("outbox",)).fetchone() == (True, False, False, False)
    assert owner.execute(operations, ("journal",)).fetchone() == (True, True, True, True)


def test_old_rows_are_logged_whole_except_in_the_outbox(owner: psycopg.Connection) -> None:
    publish_database(owner, "seats")
    full = owner.execute(
        "select relname from pg_class where relkind = 'r' and relreplident = 'f' order by 1"
    ).fetchall()
    assert full == [("seats_hold",), ("seats_seat",)]


def test_a_new_table_joins_and_a_repetition_changes_nothing(owner: psycopg.Connection) -> None:
    publish_database(owner, "seats")
    owner.execute("create table seats_venue (id int primary key)")
    publish_database(owner, "seats")
    before = publications(owner)
    publish_database(owner, "seats")
    assert before["journal"] == {"seats_seat", "seats_hold", "seats_outbox", "seats_venue"}
    assert publications(owner) == before


def test_the_projections_have_no_outbox(owner: psycopg.Connection) -> None:
    owner.execute("create table projections_bookingview (id int primary key)")
    publish_database(owner, "projections")
    assert publications(owner) == {"journal": {"projections_bookingview"}}


def test_a_slot_is_made_once_and_keeps_its_place(owner: psycopg.Connection, servers: Mapping[str, str]) -> None:
    place = "select plugin, database, confirmed_flush_lsn from pg_replication_slots where slot_name = 'test_publish'"
    with psycopg.connect(url_of(servers, "seats", "postgres", "publishing"), autocommit=True) as superuser:
        ensure_slot(superuser, "test_publish")
        try:
            first = superuser.execute(place).fetchone()
            owner.execute("insert into seats_outbox values (1)")
            ensure_slot(superuser, "test_publish")
            assert first is not None
            assert first[:2] == ("pgoutput", "publishing")
            assert superuser.execute(place).fetchone() == first
        finally:
            superuser.execute("select pg_drop_replication_slot('test_publish')")

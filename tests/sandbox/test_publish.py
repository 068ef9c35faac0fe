"""Publications, replica identity and slots, on a real database with the tables' names of the seat service."""

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import psycopg
import pytest

from config.house import SEATS
from control.setup.backfill import Begun, backfill, changed, note_pending, pending
from control.setup.publish import ensure_slot, journaled_tables, publish, publish_database
from messaging.wal import Insert, Transaction, Update, WalStream
from sandbox.testing import url_of
from tests.waiting import wait_until
from topology import House
from topology.processes import password_key

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


def test_rows_from_before_the_slot_are_introduced_whole(
    owner: psycopg.Connection, servers: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("control.setup.backfill.BLOCKS", 1)
    owner.execute("alter table seats_outbox add long text, alter long set storage external")
    owner.execute("insert into seats_outbox select n, repeat('x', 3000) from generate_series(1, 3) n")
    owner.execute("insert into seats_seat select generate_series(1, 500)")
    publish_database(owner, "seats")
    url = url_of(servers, "seats", "postgres", "publishing")
    with psycopg.connect(url, autocommit=True) as superuser:
        ensure_slot(superuser, "test_introduce")
        stream = WalStream(url, slot="test_introduce", publication="journal", notes=True)
        told: list[Transaction] = []

        def enough() -> bool:
            told.extend(stream.poll())
            return len(rows_of(told, "seats_seat")) == 500

        try:
            assert pending(owner) == Begun.NEW
            note_pending(owner, Begun.AGAIN)
            assert pending(owner) == Begun.AGAIN
            backfill(owner, "seats", ["seats_outbox", "seats_seat"], Begun.AGAIN)
            assert pending(owner) is None
            wait_until(enough, 10, "all rows")
        finally:
            stream.close()
            wait_until(partial(_dropped, superuser), 10, "the slot's reader to go")
    assert b'"gap"' in told[0].notes[0].content
    assert told[0].changes == []
    assert all(b'"introduced"' in one.notes[0].content for one in told[1:])
    assert rows_of(told, "seats_outbox") == {str(n): {"id": str(n), "long": "x" * 3000} for n in range(1, 4)}
    identity = "select relreplident::text from pg_class where relname = 'seats_outbox'"
    assert owner.execute(identity).fetchone() == ("d",)


CHANGES = {
    "a column with a default": "alter table seats_hold add note text not null default 'x'",
    "a column that may be null": "alter table seats_hold add note text",
    "a column less": "alter table seats_hold drop price",
    "a column of another name": "alter table seats_hold rename price to cost",
    "a column of another type": "alter table seats_hold alter price type text",
    "a column of the same type with other values": "alter table seats_hold alter price type int using price * 2",
}


@pytest.mark.parametrize("statement", CHANGES.values(), ids=CHANGES)
def test_a_table_whose_columns_have_changed_is_introduced_again(
    owner: psycopg.Connection, servers: Mapping[str, str], statement: str
) -> None:
    owner.execute("alter table seats_hold add price int default 5")
    owner.execute("insert into seats_hold (id) select generate_series(1, 3)")
    owner.execute("insert into seats_seat select generate_series(1, 3)")
    publish_database(owner, "seats")
    tables = journaled_tables(owner, "seats")
    assert changed(owner, tables) == tables  # an older version left no word about them
    backfill(owner, "seats", tables, None)
    assert changed(owner, tables) == []
    owner.execute("insert into seats_hold (id) values (4)")
    assert changed(owner, tables) == []
    owner.execute(statement)
    assert changed(owner, tables) == ["seats_hold"]
    url = url_of(servers, "seats", "postgres", "publishing")
    with psycopg.connect(url, autocommit=True) as superuser:
        ensure_slot(superuser, "test_introduce")
        stream = WalStream(url, slot="test_introduce", publication="journal", notes=True)
        told: list[Transaction] = []
        backfill(owner, "seats", changed(owner, tables), None)

        def enough() -> bool:
            told.extend(stream.poll())
            return len(rows_of(told, "seats_hold")) == 4

        try:
            wait_until(enough, 10, "all rows")
        finally:
            stream.close()
            wait_until(partial(_dropped, superuser), 10, "the slot's reader to go")
    names = {column.name for column in owner.execute("select * from seats_hold").description or ()}
    assert all(set(row) == names for row in rows_of(told, "seats_hold").values())
    assert rows_of(told, "seats_seat") == {}
    assert changed(owner, tables) == []


def test_a_start_after_a_migration_introduces_what_it_changed_and_the_next_start_nothing(
    owner: psycopg.Connection, servers: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that a start does, on this one database: the journal gets the rows as they are now, without anybody's asking."""
    monkeypatch.setattr("control.setup.publish.HOUSE", House(SEATS))
    url = url_of(servers, "seats", "postgres", "publishing")
    start = partial(
        publish,
        {
            "DATABASE_URL_SEATS": url_of(servers, "seats", "seats", "publishing"),
            password_key("recorder"): "of-a-test",
        },
    )
    monkeypatch.setattr("control.setup.publish.admin_url", lambda *_: url)
    owner.execute("insert into seats_hold (id) values (1), (2)")
    told: list[Transaction] = []
    try:
        start()
        stream = WalStream(url, slot="recorder", publication="journal", notes=True)

        def read_until(marker: int) -> dict[str | None, Any]:
            """The rows of seats_hold as the log has them since the last call, up to a row that is inserted now."""
            told.clear()
            owner.execute("insert into seats_seat values (%s)", (marker,))

            def came() -> bool:
                told.extend(stream.poll())
                inserts = [change for one in told for change in one.changes if isinstance(change, Insert)]
                return any(one.new["id"] == str(marker) for one in inserts if one.relation.table == "seats_seat")

            wait_until(came, 10, "the marker")
            return rows_of(told, "seats_hold")

        try:
            assert read_until(1) == {"1": {"id": "1"}, "2": {"id": "2"}}
            owner.execute("alter table seats_hold add note text not null default 'x'")
            owner.execute("insert into seats_hold (id) values (3)")
            assert read_until(2) == {}, "the migration itself leaves nothing in the log"
            start()
            assert read_until(3) == {str(n): {"id": str(n), "note": "x"} for n in (1, 2, 3)}
            assert [json.loads(one.notes[0].content)["kind"] for one in told if one.notes] == ["introduced"]
            start()
            assert read_until(4) == {}
        finally:
            stream.close()
    finally:
        with psycopg.connect(url, autocommit=True) as superuser:
            for slot in ("relay", "recorder"):
                wait_until(partial(_dropped, superuser, slot), 10, "the slot's reader to go")


GONE = {
    "a table of another name": ("alter table seats_hold rename to seats_kept", {"seats_seat", "seats_kept"}),
    "a table less": ("drop table seats_hold", {"seats_seat"}),
    "a table with another key": (
        "alter table seats_hold drop constraint seats_hold_pkey, add primary key (id, price)",
        {"seats_seat", "seats_hold"},
    ),
}


@pytest.mark.parametrize(("statement", "there"), GONE.values(), ids=GONE)
def test_a_table_that_the_journal_knows_by_another_name_or_key_lets_it_begin_again(
    owner: psycopg.Connection, servers: Mapping[str, str], statement: str, there: set[str]
) -> None:
    owner.execute("alter table seats_hold add price int not null default 5")
    for table in ("seats_seat", "seats_hold"):
        owner.execute(f"insert into {table} (id) select generate_series(1, 3)")
    publish_database(owner, "seats")
    backfill(owner, "seats", journaled_tables(owner, "seats"), None)
    assert pending(owner) is None
    owner.execute(statement)
    publish_database(owner, "seats")
    assert pending(owner) == Begun.CHANGED
    url = url_of(servers, "seats", "postgres", "publishing")
    with psycopg.connect(url, autocommit=True) as superuser:
        ensure_slot(superuser, "test_introduce")
        stream = WalStream(url, slot="test_introduce", publication="journal", notes=True)
        told: list[Transaction] = []
        backfill(owner, "seats", journaled_tables(owner, "seats"), Begun.CHANGED)

        def enough() -> bool:
            told.extend(stream.poll())
            return all(len(rows_of(told, table)) == 3 for table in there)

        try:
            wait_until(enough, 10, "all rows")
        finally:
            stream.close()
            wait_until(partial(_dropped, superuser), 10, "the slot's reader to go")
    assert json.loads(told[0].notes[0].content)["kind"] == "snapshot"
    assert pending(owner) is None


def test_a_table_that_joins_is_no_reason_to_begin_again(owner: psycopg.Connection) -> None:
    publish_database(owner, "seats")
    backfill(owner, "seats", journaled_tables(owner, "seats"), None)
    owner.execute("create table seats_venue (id int primary key)")
    publish_database(owner, "seats")
    assert pending(owner) is None
    owner.execute("comment on publication journal is 'introduced'")  # as an older version left it
    assert pending(owner) is None


def rows_of(told: list[Transaction], table: str) -> dict[str | None, Any]:
    updates = [change for one in told for change in one.changes if isinstance(change, Update)]
    return {update.new["id"]: update.new for update in updates if update.relation.table == table}


def _dropped(superuser: psycopg.Connection, slot: str = "test_introduce") -> bool:
    query = "select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = %s and not active"
    return bool(superuser.execute(query, (slot,)).rowcount)

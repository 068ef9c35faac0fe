"""One PostgreSQL and one Redis for this directory; each test gets a database and an empty Redis of its own."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest
from redis import Redis

from messaging.wal import WalStream
from tests.event_source import EventSource, serving
from tests.servers import PostgresServer, RedisServer, postgres_servers, redis_server_in
from tests.waiting import wait_until

NUMBERS = itertools.count(1)


@dataclass
class Database:
    """A database with a table `item` (all columns published) and the outbox of a service `seats`."""

    server: PostgresServer
    url: str
    slot: str

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(self.url, autocommit=True)

    def run(self, sql: str) -> None:
        with self.connect() as connection:
            connection.execute(sql)

    def value(self, sql: str) -> object:
        with self.connect() as connection:
            row = connection.execute(sql).fetchone()
            assert row is not None
            return row[0]

    def stream(self, publication: str = "items", **more: object) -> WalStream:
        return WalStream(self.url, slot=self.slot, publication=publication, name="test", **more)  # type: ignore[arg-type]

    def slot_is_free(self) -> bool:
        return bool(self.value(f"select not active from pg_replication_slots where slot_name = '{self.slot}'"))

    def confirmed(self) -> str:
        return str(self.value(f"select confirmed_flush_lsn from pg_replication_slots where slot_name = '{self.slot}'"))


TABLES = """
create table item (
    id bigint primary key generated always as identity, label text, number int, flag bool, body jsonb, long text);
alter table item replica identity full;
alter table item alter long set storage external;
create publication items for table item;
create table noise (id bigint generated always as identity, body text);
create table seats_outbox (
    seq bigint generated always as identity primary key, id uuid not null default uuidv7(), kind text not null,
    type text not null, destination text not null default '', subject text not null default '',
    correlation_id text not null default '', saga_id uuid, step text not null default '', action text not null default '',
    causation_id uuid, version bigint, schema text not null default '',
    data jsonb not null default '{}', time timestamptz default clock_timestamp(),
    xid xid8 default pg_current_xact_id(), horizon xid8 default pg_snapshot_xmin(pg_current_snapshot()));
create publication outbox for table seats_outbox with (publish = 'insert');
"""


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with postgres_servers("wal") as servers:
        yield servers["wal"]


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[Database]:
    name = f"t{next(NUMBERS)}"
    with postgres.connect() as connection:
        connection.execute(f"create database {name}")
    found = Database(postgres, postgres.url.removesuffix("postgres") + name, f"slot_{name}")
    found.run(TABLES)
    found.run(f"select pg_create_logical_replication_slot('{found.slot}', 'pgoutput')")
    yield found
    # A slot that stays would keep the log of every later test.
    found.run(f"select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = '{found.slot}'")
    drop = f"select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = '{found.slot}'"
    wait_until(found.slot_is_free, 10, "the slot's reader to go")
    found.run(drop)


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server_in(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis(redis_server: RedisServer) -> Redis:
    client = redis_server.client()
    client.flushall()
    return client


@pytest.fixture
def seats(redis: Redis) -> Iterator[EventSource]:
    source = EventSource("seats", redis)
    with serving(source):
        yield source

"""A recorder over two real logs and the journal's database, stepped by the test."""

import json
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from psycopg import sql
from redis import Redis

from journal.packed import layouts
from journal.packed.rows import opened
from journal.reading import queries
from journal.recording.broadcast import published
from journal.recording.recorder import Recorder
from tests.servers import PostgresServer, postgres_servers
from tests.waiting import wait_until

Servers = dict[str, PostgresServer]

TABLES = """
create table {service}_outbox (
    seq bigint generated always as identity primary key, id uuid not null, kind text not null, type text not null,
    correlation_id text not null default '', causation_id uuid, saga_id uuid, data jsonb not null default '{{}}');
create table {service}_thing (
    id bigint primary key generated always as identity, booking_id text, status text, paid boolean, body jsonb);
alter table {service}_thing replica identity full;
create publication journal for table {service}_outbox, {service}_thing;
"""


@pytest.fixture(scope="module")
def clusters() -> Iterator[Servers]:
    with postgres_servers("booking", "seats") as servers:
        for service, server in servers.items():
            with server.connect() as connection:
                connection.execute(TABLES.format(service=service))
        yield servers


@pytest.fixture
def servers(clusters: Servers) -> Servers:
    """New slots, so that each test's log begins with the test."""
    for server in clusters.values():
        wait_until(partial(_renew_slot, server), 10, "the slot's last reader to go")
    return clusters


def _renew_slot(server: PostgresServer) -> bool:
    with server.connect() as connection:
        if connection.execute("select from pg_replication_slots where active").rowcount:
            return False
        connection.execute("select pg_drop_replication_slot(slot_name) from pg_replication_slots")
        connection.execute("select pg_create_logical_replication_slot('recorder', 'pgoutput')")
        return True


def urls(servers: Servers) -> dict[str, str]:
    return {service: server.url for service, server in servers.items()}


@pytest.fixture
def start(servers: Servers, redis: Redis) -> Iterator[Callable[[], Recorder]]:
    started: list[Recorder] = []

    def make() -> Recorder:
        started.append(Recorder(urls(servers), redis))
        return started[-1]

    yield make
    for recorder in started:
        recorder.close()


def commit(server: PostgresServer, service: str, booking: str = "b-1", cause: str | None = None) -> str:
    """A local transaction: a row and a message that follows from `cause`. Returns the message's id."""
    message = str(uuid.uuid4())
    with server.connect() as connection, connection.transaction():
        thing = sql.Identifier(f"{service}_thing")
        connection.execute(sql.SQL("insert into {} (booking_id, status) values (%s, 'HELD')").format(thing), (booking,))
        outbox = sql.SQL(
            "insert into {} (id, kind, type, correlation_id, causation_id) values (%s, 'event', 'Held', %s, %s)"
        )
        connection.execute(outbox.format(sql.Identifier(f"{service}_outbox")), (message, booking, cause))
    return message


def run_until(recorder: Recorder, count: int, timeout: float = 20) -> list[dict[str, Any]]:
    """Step until there are `count` entries; returns them all."""

    def enough() -> bool:
        recorder.step()
        return queries.last_pos() >= count

    wait_until(enough, timeout, f"{count} entries")
    found = queries.entries_after(0)
    assert [entry["pos"] for entry in found] == list(range(1, count + 1))
    return found


def streamed(redis: Redis) -> list[dict[str, Any]]:
    """The entries on the stream, opened."""
    found: Any = redis.xrange("journal")
    assert [id for id, _ in found] == [f"{json.loads(fields[b'e'])['pos']}-0".encode() for id, fields in found]
    entries = [published(fields) for _, fields in found]
    layouts.load(id for entry in entries for id in entry["layouts"])
    return [opened(entry) for entry in entries]


def heads(redis: Redis) -> list[bytes]:
    """Each entry's text as far as `title`: what comes after went through PostgreSQL, which orders the keys of its own."""
    found: Any = redis.xrange("journal")
    return [fields[b"e"].split(b'"title"')[0] for _, fields in found]

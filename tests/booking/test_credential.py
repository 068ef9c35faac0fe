"""What a customer logs in with stays in its table: no log's reader, no message, no recording, no copy and no console has it."""

import json
import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeVar

import psycopg
import pytest
from asgiref.sync import async_to_sync
from celery import Celery
from django.conf import settings
from django.contrib.auth.hashers import check_password, is_password_usable
from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from django.test import AsyncClient
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict
from redis import Redis

from booking.customers.register import NewCustomer, register
from booking.models import Credential
from control.setup.closing import keep_private
from control.setup.provision import grant_reading
from control.setup.publish import as_owner, journaled_tables, publish_database, repair
from journal.archive.exporting import NotIndexedError, export
from journal.packed.packing import PackedError, unpack
from journal.reading import queries
from journal.recording.recorder import Recorder
from journal.runs import lifecycle
from messaging.database import Database
from messaging.outbox.relay import Relay
from messaging.wal import WalStream
from sandbox.testing import url_of
from serving import table_hashes
from tests.waiting import wait_until

pytestmark = [
    pytest.mark.django_db(databases=["booking", "journal"], transaction=True),
    pytest.mark.urls("tests.booking.urls"),
]
T = TypeVar("T")
PASSWORD = "correct horse battery staple"
ANA = NewCustomer(1042, "Ana", "ana@example.com", password=PASSWORD)


@pytest.fixture
def url() -> str:
    return url_of(os.environ, "booking", "postgres", str(connections["booking"].settings_dict["NAME"]))


@pytest.fixture
def superuser(url: str) -> Iterator[psycopg.Connection]:
    """Publications and slots as a start makes them, and a slot of our own that nobody reads."""
    with psycopg.connect(url, autocommit=True) as connection:
        repair(connection, "booking", str(conninfo_to_dict(url)["password"]))
        connection.execute("select pg_create_logical_replication_slot('raw', 'pgoutput')")
        yield connection
        for slot in ("relay", "recorder", "raw"):
            wait_until(partial(drop, connection, slot), 10, "the slot's reader to go")
        connection.execute("drop publication outbox; drop publication journal")


def drop(connection: psycopg.Connection, slot: str) -> bool:
    query = "select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = %s and not active"
    return bool(connection.execute(query, (slot,)).rowcount)


def found_in(superuser: psycopg.Connection, url: str, redis: Redis) -> tuple[str, set[str]]:
    """Register a customer, let relay and recorder work, and search what they have made for the hash: (hash, places)."""
    run = lifecycle.start("the run", "", [])
    stream = WalStream(url, slot="relay", publication="outbox", name="relay-booking")
    relay = Relay("booking", stream, Celery("test", broker=settings.REDIS_URL), redis, Database("booking"))
    recorder = Recorder({"booking": url}, redis)
    try:
        assert register(Database("booking"), [ANA]) == [ANA.id]
        wait_until(stepping(relay, lambda: redis.xlen("events.booking")), 10, "the event")
        wait_until(stepping(recorder, recorded), 15, "the recording")
        exported = wait_until(stepping(recorder, lambda: whole(partial(export, run))), 15, "the export")
    finally:
        relay.close()
        recorder.close()
    kept = Credential.objects.get(customer_id=ANA.id).password_hash
    places = {
        "the log": raw_log(superuser),
        "the outbox": text_of("booking", ["booking_outbox"]),
        "Redis": everything(redis),
        "the journal": text_of("journal", connections["journal"].introspection.table_names()),
        "the export": exported,
        "the hashes": json.dumps(table_hashes.live("booking")).encode(),
        "the truth": async_to_sync(asked)("/api/booking/truth"),
        "the API": async_to_sync(asked)(f"/api/customers/{ANA.id}"),
    }
    for place in ("the log", "the outbox", "Redis", "the journal", "the export", "the API"):
        assert ANA.email.encode() in places[place], f"the search finds what is in {place}"
    wanted = {"the hashes": b"booking_credential"}  # of the rows there is only a number
    return kept, {place for place, content in places.items() if wanted.get(place, kept.encode()) in content}


def stepping(worker: Relay | Recorder, look: Callable[[], T]) -> Callable[[], T]:
    def step() -> T:
        worker.step()
        return look()

    return step


def recorded() -> bool:
    entries = queries.entries_after(0)
    return any("CustomerRegistered" in str(entry) for entry in entries)


def whole(read: Callable[[], Iterator[bytes]]) -> bytes:
    """The export, once it has what was registered."""
    try:
        found = b"".join(read())
    except NotIndexedError:
        return b""
    return found if ANA.email.encode() in found else b""


async def asked(path: str) -> bytes:
    answer: Any = await AsyncClient().get(path)
    assert answer.status_code == 200
    if not answer.streaming:
        return bytes(answer.content)
    return b"".join([chunk async for chunk in answer.streaming_content])


def text_of(alias: str, tables: list[str]) -> bytes:
    found = []
    with connections[alias].cursor() as cursor:
        for table in tables:
            cursor.execute(f"select * from {table}")
            found.append(opened(cursor.fetchall()))
    return b" ".join(found)


def opened(value: Any) -> bytes:
    """Everything in a value; what is packed is unpacked, since a search of compressed bytes would find nothing."""
    if isinstance(value, memoryview | bytes):
        try:
            return b" ".join(message for _, message in unpack(bytes(value)))
        except PackedError:
            return bytes(value)
    if isinstance(value, dict):
        return opened(list(value.items()))
    return b" ".join(map(opened, value)) if isinstance(value, list | tuple) else str(value).encode()


def everything(redis: Redis) -> bytes:
    """The streams and queues, read and not dumped: a dump is compressed."""
    read: dict[bytes, Callable[[bytes], Any]] = {
        b"stream": redis.xrange,
        b"list": lambda key: redis.lrange(key, 0, -1),
        b"hash": redis.hgetall,
        b"string": redis.get,
    }
    kinds: list[tuple[bytes, Any]] = [(key, redis.type(key)) for key in redis.scan_iter()]
    return b" ".join(opened(read[kind](key)) for key, kind in kinds if kind in read)


def raw_log(superuser: psycopg.Connection) -> bytes:
    """What any reader of the two publications is sent, byte by byte."""
    changes = """
        select data from pg_logical_slot_peek_binary_changes('raw', null, null, 'proto_version', '1',
            'publication_names', 'journal,outbox', 'messages', 'true')
    """
    return b" ".join(bytes(data) for (data,) in superuser.execute(changes).fetchall())


def test_the_hash_of_a_password_leaves_its_table_in_no_way(
    superuser: psycopg.Connection, url: str, redis: Redis
) -> None:
    kept, places = found_in(superuser, url, redis)
    assert check_password(PASSWORD, kept)
    assert places == set()


def test_the_control_published_it_is_found(superuser: psycopg.Connection, url: str, redis: Redis) -> None:
    superuser.execute("alter publication journal add table booking_credential")
    _, places = found_in(superuser, url, redis)
    assert places == {"the log", "Redis", "the journal", "the export", "the hashes"}


def test_the_next_start_takes_it_out_of_the_publication(superuser: psycopg.Connection, url: str) -> None:
    superuser.execute("alter publication journal add table booking_credential")
    with as_owner(superuser, "booking"):
        publish_database(superuser, "booking")
    published = superuser.execute("select tablename from pg_publication_tables").fetchall()
    assert ("booking_credential",) not in published
    assert {name for (name,) in published} == set(journaled_tables(superuser, "booking"))


def test_no_console_may_look_at_it(superuser: psycopg.Connection, url: str) -> None:
    name = connections["booking"].settings_dict["NAME"]
    superuser.execute(f"grant connect on database {name} to booking_console")
    grant_reading(superuser, "booking", "booking_console")
    console = partial(psycopg.connect, url_of(os.environ, "booking", "booking_console", str(name)), autocommit=True)
    with console() as connection:
        assert connection.execute("select * from booking_credential").fetchall() == [], "the control: it was given all"
    with as_owner(superuser, "booking"):
        keep_private(superuser, "booking")
    with console() as connection:
        connection.execute("select * from booking_customer")
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute("select * from booking_credential")


def test_registering_again_changes_no_credential() -> None:
    db = Database("booking")
    register(db, [ANA, NewCustomer(123, "Min-jun", "minjun@example.com")])
    before = dict(Credential.objects.values_list("customer_id", "password_hash"))
    assert not is_password_usable(before[123]), "nobody can log in as a customer without a password"
    assert register(db, [ANA, NewCustomer(123, "Min-jun", "minjun@example.com", password="x")]) == []
    assert dict(Credential.objects.values_list("customer_id", "password_hash")) == before
    assert PASSWORD not in repr(ANA)


def test_the_customers_of_an_older_version_get_credentials_that_admit_nobody() -> None:
    connection = connections["booking"]
    executor = MigrationExecutor(connection)
    try:
        executor.migrate([("booking", "0008_pending")])
        with connection.cursor() as cursor:
            cursor.execute(
                "insert into booking_customer (id, name, email, version) values (1, 'a', 'b', 1), (2, 'c', 'd', 1)"
            )
    finally:
        MigrationExecutor(connection).migrate([("booking", "0009_credential")])
    hashes = dict(Credential.objects.values_list("customer_id", "password_hash"))
    assert hashes.keys() == {1, 2}
    assert len(set(hashes.values())) == 2
    assert not any(map(is_password_usable, hashes.values()))

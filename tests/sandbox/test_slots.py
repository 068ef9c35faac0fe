"""A replication slot that is lost while everything runs is made again, and its reader misses nothing. Real logs, real Redis."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import psycopg
import pytest
from celery import Celery
from django.conf import settings
from django.db import connections, transaction
from psycopg.conninfo import conninfo_to_dict
from redis import Redis

from control import slots
from control.setup.backfill import backfill
from control.setup.publish import as_owner, journaled_tables, lost, publish_database, repair
from journal.models import RowVersion
from journal.reading import queries
from journal.recording.recorder import Recorder
from messaging.database import Database
from messaging.hashing import added
from messaging.outbox.append import Message
from messaging.outbox.relay import Relay
from messaging.wal import WalStream, unread
from sandbox.testing import url_of
from seats.models import Outbox, Venue
from serving.table_hashes import live as live_hashes
from tests.messaging.outbox.relaying import batch_of
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(databases=["seats", "journal"], transaction=True)


@pytest.fixture
def url(servers: Mapping[str, str]) -> str:
    return url_of(servers, "seats", "postgres", connections["seats"].settings_dict["NAME"])


@pytest.fixture
def superuser(url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(url, autocommit=True) as connection:
        repair(connection, "seats", key_of(url))
        yield connection
        keep_log(connection)
        for slot in ("relay", "recorder"):
            wait_until(partial(drop, connection, slot), 10, "the slot's reader to go")
        connection.execute("drop publication outbox; drop publication journal")


@pytest.fixture
def keeper(
    superuser: psycopg.Connection, url: str, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], list[str]]]:
    """Starts what the control process does; returns what it has told."""
    monkeypatch.setattr(slots, "LOOK_S", 0.1)
    told: list[str] = []
    stop = threading.Event()
    thread = threading.Thread(
        target=slots._keep,
        args=("seats", url, key_of(url), lambda _, text: told.append(text), partial(unread.report, redis), stop),
        daemon=True,
    )

    def start() -> list[str]:
        thread.start()
        return told

    yield start
    stop.set()
    if thread.is_alive():
        thread.join(10)


def key_of(url: str) -> str:
    """The recorder reads as the superuser here, so that is whose password proves a note."""
    return str(conninfo_to_dict(url)["password"])


def drop(connection: psycopg.Connection, slot: str) -> bool:
    """Whether it is gone; its reader, if it is there, is sent away first."""
    connection.execute(
        "select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = %s and active", (slot,)
    )
    try:
        connection.execute(
            "select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = %s", (slot,)
        )
    except psycopg.errors.ObjectInUse:
        return False
    return True


def invalidate(connection: psycopg.Connection, slot: str) -> bool:
    """Let PostgreSQL throw away the log that the slot needs, as it does when there is too much of it.

    The limit stays until the slot is lost: the checkpointer reads it at a moment of its own.
    """
    connection.execute("alter system set max_slot_wal_keep_size = '1MB'")
    connection.execute("select pg_reload_conf()")
    for _ in range(3):
        connection.execute("select pg_logical_emit_message(false, 'x', 'y'), pg_switch_wal()")
    connection.execute("checkpoint")
    found = connection.execute("select wal_status from pg_replication_slots where slot_name = %s", (slot,)).fetchone()
    if found == ("lost",):
        keep_log(connection)
    return found == ("lost",)


def keep_log(connection: psycopg.Connection) -> None:
    connection.execute("alter system reset max_slot_wal_keep_size")
    connection.execute("select pg_reload_conf()")


def unpublish(connection: psycopg.Connection, slot: str) -> bool:
    """A publication that is not there: PostgreSQL only warns, and sends nothing."""
    connection.execute(f"drop publication {'outbox' if slot == 'relay' else 'journal'}")
    return True


LOSSES = {"dropped": drop, "invalidated": invalidate, "unpublished": unpublish}


@pytest.fixture
def relay(superuser: psycopg.Connection, url: str, redis: Redis) -> Iterator[Relay]:
    stream = WalStream(url, slot="relay", publication="outbox", name="relay-seats")
    app = Celery("test", broker=settings.REDIS_URL)
    relay = Relay("seats", stream, app, redis, Database("seats"))
    yield relay
    relay.close()


def say(*types: str) -> list[str]:
    """A command and an event of each type."""
    with transaction.atomic(using="seats"):
        Database.of(Outbox).append(
            Outbox, [Message(kind="command", type=type, data={}, destination="booking") for type in types]
        )
        Database.of(Outbox).append(Outbox, [Message(kind="event", type=type, data={}) for type in types])
    return list(types)


class Received:
    """What a worker and a reader of the stream have got, by stepping the relay."""

    def __init__(self, relay: Relay, redis: Redis) -> None:
        self.relay, self.redis = relay, redis
        self.commands: list[str] = []

    def step(self) -> None:
        self.relay.step()
        while message := self.redis.rpop("booking"):
            self.commands += [envelope["type"] for envelope in batch_of(message)]  # type: ignore[arg-type]

    def events(self) -> list[dict[str, Any]]:
        found: Any = self.redis.xrange("events.seats")
        return [json.loads(fields[b"e"]) for _, fields in found]

    def all_of(self, *types: str) -> bool:
        self.step()
        return set(types) <= set(self.commands) and set(types) <= {event["type"] for event in self.events()}


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES.keys())
def test_a_relay_sends_what_was_committed_while_its_slot_was_lost(
    superuser: psycopg.Connection, relay: Relay, redis: Redis, keeper: Callable[[], list[str]],
    loss: Callable[[psycopg.Connection, str], bool],
) -> None:  # fmt: skip
    received = Received(relay, redis)
    say("First")
    wait_until(lambda: received.all_of("First"), 10, "the first")
    wait_until(lambda: loss(superuser, "relay"), 10, "the loss")
    say("Missed", "Missed too")
    assert "relay" in lost(superuser, "seats")
    if loss is not unpublish:
        wait_until(stepping(relay, lambda: b"slot is lost" in said(redis, "relay-seats")), 10, "the word")
    told = keeper()
    wait_until(lambda: received.all_of("Missed", "Missed too"), 15, "what was missed")
    say("After")
    wait_until(lambda: received.all_of("After"), 10, "what came after")
    assert told[0].startswith("the replication slot relay of seats was lost and has been recreated")
    # A reader of the stream must see the hole, and what follows it in one chain.
    events = received.events()
    after_hole = [event for event in events if event["prev"] == ""]
    assert len(after_hole) == 2
    assert [event["prev"] for event in events[-1:]] == [events[-2]["id"]]
    wait_until(stepping(relay, lambda: said(redis, "relay-seats") == b"1"), 10, "the relay to be well")


def test_without_the_mend_a_relay_sends_nothing_any_more(
    superuser: psycopg.Connection, relay: Relay, redis: Redis
) -> None:
    """The control."""
    received = Received(relay, redis)
    say("First")
    wait_until(lambda: received.all_of("First"), 10, "the first")
    wait_until(lambda: drop(superuser, "relay"), 10, "the loss")
    say("Missed")
    for _ in range(6):
        assert not received.all_of("Missed")


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES.keys())
def test_a_recorder_marks_the_gap_and_has_everything_again(
    superuser: psycopg.Connection, url: str, redis: Redis, keeper: Callable[[], list[str]],
    loss: Callable[[psycopg.Connection, str], bool],
) -> None:  # fmt: skip
    recorder = Recorder({"seats": url}, redis)
    try:
        Venue.objects.create(name="kept"), Venue.objects.create(name="gone")
        wait_until(stepping(recorder, hashes_agree), 10, "the recording")
        wait_until(lambda: loss(superuser, "recorder"), 10, "the loss")
        Venue.objects.filter(name="gone").delete()
        Venue.objects.create(name="missed")
        if loss is not unpublish:
            wait_until(stepping(recorder, lambda: b"nothing of seats is" in said(redis, "recorder")), 10, "the word")
        told = keeper()
        wait_until(stepping(recorder, lambda: bool(told) and hashes_agree()), 15, "the journal to be whole")
    finally:
        recorder.close()
    kinds = [(entry["data"] or {}).get("kind") for entry in queries.entries_after(0)]
    assert kinds.count("gap") == 1


def test_of_a_table_that_has_gone_the_journal_keeps_no_row(
    superuser: psycopg.Connection, url: str, redis: Redis, keeper: Callable[[], list[str]]
) -> None:
    """A migration drops or renames it: that leaves nothing in the log."""
    with as_owner(superuser, "seats"):
        superuser.execute("create table seats_extra (id int primary key); insert into seats_extra values (1), (2)")
        publish_database(superuser, "seats")
        backfill(superuser, "seats", journaled_tables(superuser, "seats"), None)
    recorder = Recorder({"seats": url}, redis)
    try:
        Venue.objects.create(name="kept")
        wait_until(stepping(recorder, lambda: kept_of("seats_extra") == 2 and hashes_agree()), 10, "the recording")
        superuser.execute("drop table seats_extra")
        keeper()
        wait_until(stepping(recorder, lambda: kept_of("seats_extra") == 0 and hashes_agree()), 15, "the rows to go")
    finally:
        recorder.close()
        superuser.execute("drop table if exists seats_extra")


def kept_of(table: str) -> int:
    """How many rows of a table of Seat the journal has now."""
    with connections["journal"].cursor() as cursor:
        cursor.execute(
            'select count(*) from journal_rowversion v join journal_table t on t.id = v."table"'
            " where v.octave is null and t.service = 'seats' and t.name = %s",
            [table],
        )
        return int(cursor.fetchone()[0])


def stepping(program: Relay | Recorder, condition: Callable[[], bool]) -> Callable[[], bool]:
    def turn() -> bool:
        program.step()
        return condition()

    return turn


def said(redis: Redis, program: str) -> bytes:
    found: Any = redis.get(f"alive:{program}")
    return found or b""


def hashes_agree() -> bool:
    """Whether the journal's rows of the table are those that are there."""
    found = RowVersion.objects.filter(octave=None).values_list("hash", "row")
    venues = [hashed for hashed, row in found if set(row) == {"id", "name"}]
    live = live_hashes("seats")["tables"]["seats_venue"]
    return live == {"rows": len(venues), "hash": str(added(0, *venues))}


def test_how_much_log_is_kept_for_the_recorder_is_reported(
    superuser: psycopg.Connection, keeper: Callable[[], list[str]], redis: Redis
) -> None:
    """Whether the recorder is slow, stopped or gone: here there is none."""
    keeper()
    wait_until(lambda: unread.most(redis)[0] == "seats", 10, "a report")
    before = unread.most(redis)[1]
    superuser.execute("select pg_logical_emit_message(false, 'x', repeat('y', 1000000)) from generate_series(1, 3)")
    wait_until(lambda: unread.most(redis)[1] > before + 3_000_000, 10, "3 MB more")

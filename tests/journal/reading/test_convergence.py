"""Comparing a snapshot of live tables with the replay, while transactions are under way: by visibility, not by luck."""

import uuid
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from redis import Redis

from journal.database import JOURNAL
from journal.reading import queries
from journal.reading.convergence import Standing, _full, compare
from journal.recording.recorder import Recorder
from serving import table_hashes
from tests.journal.recording.stepped import clusters, commit, run_until, servers, start  # noqa: F401
from tests.servers import PostgresServer
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(databases=["journal"], transaction=True)
Servers = dict[str, PostgresServer]


@pytest.fixture(autouse=True)
def emptied(clusters: Servers) -> None:  # noqa: F811
    """Before the slots are made anew: what is not recorded must not be there."""
    with clusters["booking"].connect() as connection:
        connection.execute("delete from booking_thing; delete from booking_outbox")


@pytest.fixture
def live(servers: Servers) -> Callable[[], dict[str, Any]]:  # noqa: F811
    """What the booking service would tell, of the database that is recorded here."""

    def told() -> dict[str, Any]:
        with psycopg.connect(servers["booking"].url) as connection, connection.cursor() as cursor:
            return {"service": "booking", **table_hashes.read(cursor)}

    return told


def test_it_compares_the_moment_of_the_snapshot(
    servers: Servers,  # noqa: F811
    redis: Redis,
    start: Callable[[], Recorder],  # noqa: F811
    live: Callable[[], dict[str, Any]],
) -> None:
    recorder = start()
    for number in range(3):
        commit(servers["booking"], "booking", booking=f"b-{number}")
    run_until(recorder, 3)
    stored = str(queries.latest(1)[0]["lsn"])
    snapshot = live()
    assert {name: table["rows"] for name, table in snapshot["tables"].items()} == {
        "booking_outbox": 3,
        "booking_thing": 3,
    }
    assert compare(snapshot, "0/1").standing == Standing.BEHIND
    _index(recorder, redis, 3)
    with JOURNAL.cursor() as cursor:  # the recorder indexes when it likes: be behind for one question
        cursor.execute("update journal_indexed set pos = 2")
        assert compare({**snapshot, "lsn": stored}, stored).standing == Standing.BEHIND
        cursor.execute("update journal_indexed set pos = 3")
    assert compare({**snapshot, "lsn": stored}, stored).standing == Standing.EQUAL

    # What commits afterwards does not change what the snapshot was.
    commit(servers["booking"], "booking")
    run_until(recorder, 4)
    _index(recorder, redis, 4)
    stored = str(queries.latest(1)[0]["lsn"])
    found = compare(snapshot, stored)
    assert (found.standing, found.pos) == (Standing.EQUAL, 3)
    assert compare(live() | {"lsn": stored}, stored).pos == 4

    # A row that the log does not know of.
    with servers["booking"].connect() as connection:
        connection.execute("alter publication journal drop table booking_thing")
        connection.execute("update booking_thing set status = 'FORGED' where id = (select min(id) from booking_thing)")
        connection.execute("alter publication journal add table booking_thing")
    found = compare(live() | {"lsn": stored}, stored)
    assert [(table.table, table.standing) for table in found.tables] == [
        ("booking_outbox", Standing.EQUAL),
        ("booking_thing", Standing.DIFFERS),
    ]


def test_an_open_transaction_is_not_in_the_snapshot_though_it_is_logged_before_what_is(
    servers: Servers,  # noqa: F811
    redis: Redis,
    start: Callable[[], Recorder],  # noqa: F811
    live: Callable[[], dict[str, Any]],
) -> None:
    recorder = start()
    with servers["booking"].connect() as slow, slow.transaction():
        slow.execute("insert into booking_thing (status) values ('SLOW')")
        commit(servers["booking"], "booking")
        snapshot = live()
    run_until(recorder, 2)
    _index(recorder, redis, 2)
    stored = str(queries.latest(1)[0]["lsn"])
    found = compare(snapshot, stored)
    assert (found.standing, found.pos) == (Standing.EQUAL, 1)
    # Had it been logged first, the journal would know no moment like the snapshot: then it says so.
    hidden = {**snapshot, "xip": [str(queries.entries_after(0)[0]["xid"])]}
    hidden["xmax"] = str(int(hidden["xmax"]) + 10)
    hidden["xmin"] = hidden["xip"][0]
    found = compare({**hidden, "tables": {}}, stored)
    assert {table.standing for table in found.tables if table.standing != Standing.EQUAL} <= {
        Standing.MOVING,
        Standing.DIFFERS,
    }
    assert found.standing != Standing.EQUAL


def _index(recorder: Recorder, redis: Redis, pos: int) -> None:
    def indexed() -> bool:
        recorder.step()
        return redis.hget("recorder", "indexed") == str(pos).encode()

    wait_until(indexed, 10, "the index")


def test_a_transaction_id_of_the_log_is_told_apart_from_one_of_the_epoch_before() -> None:
    newest = (3 << 32) + 5
    assert _full(5, newest) == newest
    assert _full(2**32 - 1, newest) == newest - 6
    assert _full(7, newest) == newest + 2
    assert _full(3, 9) == 3


def test_a_lost_database_is_told(redis: Redis) -> None:
    snapshot = {
        "service": str(uuid.uuid4()),
        "at": "",
        "lsn": "0/10",
        "xmin": "1",
        "xmax": "1",
        "xip": [],
        "tables": {},
    }
    assert compare(snapshot, "").standing == Standing.BEHIND
    assert compare(snapshot, "0/10").standing == Standing.EQUAL

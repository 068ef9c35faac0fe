"""The journal misses nothing: bookings are placed while processes and databases are killed, and all that was committed is in it.

SAGABOX_AUDITED_BOOKINGS=5000 .venv/bin/python -m pytest -m proof tests/proofs/test_journal_complete.py
"""

import os
import random
import signal
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import psycopg
import pytest

from proofs.house import House
from tests.flow.test_replay_equal import DATABASES, database, differing, end_of_index, replayed
from tests.live import Live
from tests.waiting import wait_until
from topology.processes import PROCESSES

BOOKINGS = int(os.environ.get("SAGABOX_AUDITED_BOOKINGS", "300"))
CLIENTS, SEED, KILLS = 12, 20261129, max(24, BOOKINGS // 40)
pytestmark = [pytest.mark.proof, pytest.mark.timeout(300 + BOOKINGS)]
# Redis loses what was observed, which is best effort; the front door has to be there for the buyers.
SPARED = ("redis", "web")


@pytest.fixture(scope="module")
def start(live: Live) -> int:
    """The newest entry before."""
    return int(live.rows("journal", "select coalesce(max(pos), 0) from journal_entry where tape = 0")[0][0])


@pytest.fixture(scope="module")
def battered(live: Live, start: int) -> Live:
    """After the bookings, with a kill -9 of some process or database (the recorder most often) after every few of them."""
    house = House(live.url)
    choose = random.Random(SEED)  # noqa: S311
    performance, seats = house.announce("Audit", BOOKINGS // 2)
    others = [process.name for process in PROCESSES if process.name not in SPARED]
    victims = [choose.choice(("recorder", "postgres-projections", *others)) for _ in range(KILLS)]
    every = BOOKINGS // KILLS

    def book(number: int) -> None:
        if number % every == 0 and number // every < KILLS:
            with suppress(ProcessLookupError, TypeError):  # it was killed a moment ago, and is not back yet
                os.kill(live.sandbox.processes()[victims[number // every]].pid, signal.SIGKILL)
        wish = random.Random(SEED + number)  # noqa: S311
        method = wish.choice(("tok_visa", "tok_visa", "tok_visa", "tok_declined"))
        house.place(performance, wish.sample(seats, wish.choice((1, 1, 2))), 123, method)

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(book, range(BOOKINGS)))
    wait_until(house.ready, 120, "everything to be back")
    house.close()
    live.settled(300)
    return live


def test_the_replayed_state_is_the_live_one_row_for_row(battered: Live) -> None:
    def compared() -> dict[str, int] | None:
        """Rows by database, once nothing moved while they were read."""
        counts = dict.fromkeys(DATABASES, 0)
        with database(battered, "journal") as journal:
            if (pos := end_of_index(journal)) is None:
                return None
            told = replayed(journal, pos)
            for name in DATABASES:
                with database(battered, name) as live:
                    for table in published(live):
                        rows = list(told.get((name, table), {}).values())
                        if differing(live, table, rows):
                            return None
                        counts[name] += len(rows)
            return counts if end_of_index(journal) == pos else None

    counts = wait_until(compared, 180, "the replayed rows to equal the live ones")
    assert counts
    assert counts["booking"] > 3 * BOOKINGS
    assert counts["projections"] > BOOKINGS


def test_each_message_was_emitted_by_one_entry(battered: Live) -> None:
    """Rows may be overwritten: that each transaction is there shows in the messages, which are not."""

    def missing() -> dict[str, Any]:
        with database(battered, "journal") as journal:
            emitted = counted(journal, "select m::text from journal_entry, unnest(emits) m where tape = 0")
        sent: Counter[str] = Counter()
        for name in DATABASES[:4]:
            with database(battered, name) as live:
                sent += counted(live, f"select id::text from {name}_outbox")
        return dict((sent - emitted) + (emitted - sent))

    wait_until(lambda: not missing(), 60, "an entry for each message")


def test_nothing_is_twice_and_nothing_was_left_out(battered: Live, start: int) -> None:
    with database(battered, "journal") as journal:
        ((entries, last),) = journal.execute("select count(*), max(pos) from journal_entry where tape = 0").fetchall()
        assert entries == last
        twice = "select service, xid, lsn from journal_entry where tape = 0 and xid is not null group by 1, 2, 3"
        assert journal.execute(f"{twice} having count(*) > 1".encode()).fetchall() == []
        bad = "select pos, title from journal_entry where tape = 0 and pos > %s and observed in ('gap', 'unreadable')"
        assert journal.execute(bad.encode(), (start,)).fetchall() == []


def test_an_entry_that_is_missing_is_noticed(battered: Live) -> None:
    """The control: the newest version of one row of each database is taken from what is replayed."""
    with database(battered, "journal") as journal:
        told = replayed(journal, wait_until(lambda: end_of_index(journal), 60, "the index") or 0)
    for name in DATABASES:
        with database(battered, name) as live:
            table = max(published(live), key=lambda one: len(told.get((name, one), {})))
            rows = list(told[name, table].values())
            assert differing(live, table, rows[1:]) >= 1


def published(connection: psycopg.Connection) -> list[str]:
    found = connection.execute("select tablename from pg_publication_tables where pubname = 'journal'").fetchall()
    return [table for (table,) in found]


def counted(connection: psycopg.Connection, query: str) -> "Counter[str]":
    return Counter(one for (one,) in connection.execute(query.encode()).fetchall())

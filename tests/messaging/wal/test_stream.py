"""Reading a real server's log, over crashes, cut connections and restarts of the reader."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from messaging.wal import Insert, Resume, Transaction, Truncate, Update, WalStream, parse_lsn, python_row, wait
from tests.messaging.conftest import Database
from tests.waiting import wait_until


@contextmanager
def reading(stream: WalStream) -> Iterator[WalStream]:
    try:
        yield stream
    finally:
        stream.close()


def read(stream: WalStream, count: int, timeout: float = 20) -> list[Transaction]:
    """Exactly `count` transactions and not one more that is already here."""
    found: list[Transaction] = []

    def enough() -> bool:
        wait([stream], 0.05)
        found.extend(stream.poll())
        return len(found) >= count

    wait_until(enough, timeout, f"{count} transactions")
    assert len(found) == count
    return found


def labels(transactions: list[Transaction]) -> list[str | None]:
    return [
        change.new["label"] for one in transactions for change in one.changes if isinstance(change, Insert | Update)
    ]


def insert(database: Database, *names: str) -> None:
    with database.connect() as connection:
        for name in names:
            connection.execute("insert into item (label) values (%s)", (name,))


def test_transactions_come_whole_in_commit_order_with_typed_rows(database: Database) -> None:
    with database.connect() as early, database.connect() as late:
        early.autocommit = False
        early.execute("insert into item (label) values ('begun first, committed last')")
        late.execute("insert into item (label, number, flag, body) values ('b', 7, true, '{\"seats\": [1, 2]}')")
        early.execute("insert into item (label) values ('same transaction')")
        early.commit()
    with reading(database.stream()) as stream:
        first, second = read(stream, 2)
    assert labels([first]) == ["b"]
    assert labels([second]) == ["begun first, committed last", "same transaction"]
    change = first.changes[0]
    assert isinstance(change, Insert)
    assert change.relation.key == ("id",)
    row = python_row(change.relation, change.new)
    assert (row["number"], row["flag"], row["body"], row["long"]) == (7, True, {"seats": [1, 2]}, None)
    assert first.commit_lsn < first.end_lsn <= second.commit_lsn
    assert first.committed_at <= second.committed_at


def test_unchanged_long_value_and_truncate(database: Database) -> None:
    database.run("insert into item (label, long) values ('a', repeat('x', 100000))")
    database.run("update item set label = 'b'")
    database.run("truncate item")
    with reading(database.stream()) as stream:
        _, update, truncate = read(stream, 3)
    change = update.changes[0]
    assert isinstance(change, Update)
    assert change.new["long"] == "x" * 100_000
    assert isinstance(truncate.changes[0], Truncate)
    assert truncate.changes[0].relations[0].table == "item"


def test_rolled_back_rows_never_come(database: Database) -> None:
    with database.connect() as connection:
        connection.autocommit = False
        connection.execute("insert into item (label) values ('gone')")
        connection.rollback()
    insert(database, "kept")
    with reading(database.stream()) as stream:
        assert labels(read(stream, 1)) == ["kept"]


def test_limit_leaves_the_rest_for_the_next_poll(database: Database) -> None:
    insert(database, *"abcde")
    with reading(database.stream()) as stream:
        polls: list[list[Transaction]] = []

        def enough() -> bool:
            wait([stream], 0.05)
            polls.append(stream.poll(limit=2))
            return sum(map(len, polls)) == 5

        wait_until(enough, 10, "five transactions")
        found = [transaction for poll in polls for transaction in poll]
        assert max(map(len, polls)) == 2
        assert labels(found) == list("abcde")


def test_only_what_was_not_confirmed_comes_again(database: Database) -> None:
    insert(database, "a", "b", "c")
    with reading(database.stream()) as stream:
        first, _, _ = read(stream, 3)
        stream.confirm(first.end_lsn)
    wait_until(database.slot_is_free, 10, "the slot")
    with reading(database.stream()) as stream:
        assert labels(read(stream, 2)) == ["b", "c"]


def test_a_position_kept_elsewhere_wins_over_the_slots(database: Database) -> None:
    insert(database, "a", "b", "c")
    with reading(database.stream()) as stream:
        _, second, _ = read(stream, 3)
        resume = Resume(second.end_lsn, stream.system_id)
    wait_until(database.slot_is_free, 10, "the slot")
    with reading(database.stream(resume=resume)) as stream:
        assert labels(read(stream, 1)) == ["c"]


@pytest.mark.parametrize("resume", [Resume(2**40, ""), Resume(2**40, "of another cluster"), Resume(1, "another")])
def test_a_position_in_another_clusters_log_is_not_used(database: Database, resume: Resume) -> None:
    insert(database, "a")
    with reading(database.stream(resume=resume)) as stream:
        assert labels(read(stream, 1)) == ["a"]


def test_a_crash_of_the_server_loses_nothing_and_doubles_nothing(database: Database) -> None:
    with reading(database.stream()) as stream:
        insert(database, *"abc")
        for transaction in read(stream, 3):
            stream.confirm(transaction.end_lsn)
        database.server.crash()  # the slot forgets those confirmations
        database.server.start()
        insert(database, *"def")
        assert labels(read(stream, 3)) == ["d", "e", "f"]


def test_the_control_a_new_reader_gets_rewound(database: Database) -> None:
    """What the reader's own position is for: the slot alone would deliver everything again after a crash."""
    with reading(database.stream()) as stream:
        insert(database, *"abc")
        for transaction in read(stream, 3):
            stream.confirm(transaction.end_lsn)
    wait_until(database.slot_is_free, 10, "the slot")
    database.server.crash()
    database.server.start()
    with reading(database.stream()) as stream:
        insert(database, "d")
        assert labels(read(stream, 4)) == ["a", "b", "c", "d"]


def test_a_cut_connection_is_made_again(database: Database) -> None:
    with reading(database.stream()) as stream:
        insert(database, "a")
        read(stream, 1)
        database.run("select pg_terminate_backend(active_pid) from pg_replication_slots where active")
        insert(database, "b")
        assert labels(read(stream, 1)) == ["b"]


def test_a_slot_that_is_in_use_is_awaited(database: Database) -> None:
    insert(database, "a")
    first = database.stream()
    read(first, 1)
    with reading(database.stream()) as second:
        wait_until(lambda: second.poll() or "active" in second.failure, 10, "the refusal")
        assert not second.connected
        first.close()
        assert labels(read(second, 1)) == ["a"]


def test_log_that_is_not_ours_is_confirmed_or_it_would_be_retained_for_ever(database: Database) -> None:
    with reading(database.stream()) as stream:
        insert(database, "a")
        stream.confirm(read(stream, 1)[0].end_lsn)
        database.run("insert into noise (body) select repeat('x', 500) from generate_series(1, 2000)")
        written = parse_lsn(str(database.value("select pg_current_wal_lsn()")))

        def caught_up() -> bool:
            wait([stream], 0.05)
            assert stream.poll() == []
            return parse_lsn(database.confirmed()) >= written

        wait_until(caught_up, 10, "the slot to move past what is not published")


def test_a_kept_position_before_log_that_is_not_ours_is_no_hole(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """An idle reader confirms what is not published, and its caller stores no position for that."""
    with reading(database.stream()) as stream:
        insert(database, "a")
        (last,) = read(stream, 1)
        stream.confirm(last.end_lsn)
        database.run("insert into noise (body) select repeat('x', 500) from generate_series(1, 2000)")

        def moved_on() -> bool:
            wait([stream], 0.05)
            assert stream.poll() == []
            return parse_lsn(database.confirmed()) > last.end_lsn

        wait_until(moved_on, 10, "the slot to move past the position that is kept")
        resume = Resume(last.end_lsn, stream.system_id)
    wait_until(database.slot_is_free, 10, "the slot")
    insert(database, "b")
    with reading(database.stream(resume=resume)) as stream:
        assert labels(read(stream, 1)) == ["b"]
        assert (stream.holes, caplog.text.count("begins later")) == (0, 0)


def test_a_slot_that_was_made_anew_while_it_was_read_is_a_hole(database: Database) -> None:
    """The control: what was committed before the new slot is missing, and the reader knows."""
    with reading(database.stream()) as stream:
        insert(database, "a")
        stream.confirm(read(stream, 1)[0].end_lsn)
        slot = database.value("select slot_name from pg_replication_slots where active")
        database.run("select pg_terminate_backend(active_pid) from pg_replication_slots where active")
        wait_until(database.slot_is_free, 10, "the slot")
        database.run(f"select pg_drop_replication_slot('{slot}')")
        insert(database, "missed")
        database.run(f"select pg_create_logical_replication_slot('{slot}', 'pgoutput')")
        insert(database, "b")
        assert labels(read(stream, 1)) == ["b"]
        assert stream.holes == 1


def test_log_that_is_not_ours_is_not_confirmed_while_something_of_ours_is_unhandled(database: Database) -> None:
    with reading(database.stream()) as stream:
        insert(database, "held")
        (held,) = read(stream, 1)
        database.run("insert into noise (body) select repeat('x', 500) from generate_series(1, 2000)")
        for _ in range(30):  # more than a second: by then an idle reader would have confirmed it
            wait([stream], 0.05)
            stream.poll()
            stream.beat()
        assert parse_lsn(database.confirmed()) <= held.commit_lsn


def test_a_keepalive_is_answered(database: Database) -> None:
    database.run("alter system set wal_sender_timeout = '1s'")
    database.run("select pg_reload_conf()")
    try:
        with reading(database.stream()) as stream:
            insert(database, "a")
            read(stream, 1)
            pid = database.value("select active_pid from pg_replication_slots where active")
            for _ in range(50):
                wait([stream], 0.05)
                stream.poll()
            assert database.value("select active_pid from pg_replication_slots where active") == pid
    finally:
        database.run("alter system reset wal_sender_timeout")
        database.run("select pg_reload_conf()")

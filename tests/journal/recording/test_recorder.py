"""The recorder over two real logs, the journal's database and Redis: nothing lost, nothing doubled, causes first."""

import time
import uuid
from collections.abc import Callable
from contextlib import closing

import pytest
from django.db import connections
from redis import Redis

from journal.models import Entry, Position
from journal.reading import queries
from journal.reading.stories import story
from journal.recording import entry_store
from journal.recording.recorder import Recorder, record
from messaging.observe import observe
from tests.journal.recording.stepped import Servers, clusters, commit, run_until, servers, start, streamed, urls
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(databases=["journal"], transaction=True)
__all__ = ["clusters", "servers", "start"]  # the fixtures


def test_a_transaction_becomes_an_entry_and_the_stream_says_the_same(
    servers: Servers, redis: Redis, start: Callable[[], Recorder]
) -> None:
    recorder = start()
    message = commit(servers["booking"], "booking")
    with servers["booking"].connect() as connection:
        connection.execute("update booking_thing set status = 'SOLD', paid = true, body = '{\"n\": [1]}'")
    first, second = run_until(recorder, 2)
    assert (first["service"], first["kind"], first["title"]) == ("booking", "transaction", "Held: thing HELD")
    assert (first["emits"], first["causes"], first["cause_known"]) == ([message], [], True)
    assert first["correlations"] == ["b-1"]
    (change,) = second["changes"]
    assert (change["op"], change["old"]["status"], change["new"]["status"]) == ("update", "HELD", "SOLD")
    assert (change["new"]["paid"], change["new"]["body"], change["key"]) == (True, {"n": [1]}, str(change["new"]["id"]))
    assert streamed(redis) == [first, second]
    assert queries.entries_of("b-1") == [first, second]
    assert queries.entries_of("b-2") == []
    told = story("b-1", 1)
    assert told.next == 2
    assert [row["status"] for row in told.tables["booking"]["booking_thing"].values()] == ["HELD"]


def test_causes_come_first_even_from_a_log_that_is_read_later(
    servers: Servers, redis: Redis, start: Callable[[], Recorder]
) -> None:
    recorder = start()
    last: str | None = None
    for number in range(20):
        service = ("booking", "seats")[number % 2]
        last = commit(servers[service], service, cause=last)
    found = run_until(recorder, 20)
    assert all(entry["cause_known"] for entry in found)
    assert [entry["cause_pos"] for entry in found] == [[], *([number] for number in range(1, 20))]


def test_a_cause_that_never_comes_is_unknown_and_holds_nothing_up_for_long(
    servers: Servers, start: Callable[[], Recorder]
) -> None:
    recorder = start()
    commit(servers["seats"], "seats", cause=str(uuid.uuid4()))
    (entry,) = run_until(recorder, 1)
    assert (entry["cause_known"], entry["cause_pos"], len(entry["causes"])) == (False, [], 1)


def test_when_a_round_is_over_nobody_waits_for_more_to_read(
    servers: Servers, start: Callable[[], Recorder], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: with nothing in hand it does wait, or it would never rest."""
    recorder = start()
    commit(servers["booking"], "booking")
    run_until(recorder, 1)
    monkeypatch.setattr(recorder, "_maintenance_due", lambda *_: False)
    recorder._write_at = time.monotonic() + 60  # a round begins
    commit(servers["booking"], "booking")

    def second_is_read() -> bool:
        recorder.step()
        return recorder._ordering.waiting() == 1

    wait_until(second_is_read, 10, "the second to be read")
    recorder._write_at = time.monotonic()
    waited: list[int] = []
    monkeypatch.setattr("journal.recording.recorder.wait", lambda streams, timeout: waited.append(len(streams)))
    recorder.step()
    assert (waited, queries.last_pos()) == ([0], 2)
    recorder.step()
    assert waited == [0, 0, 2]


def test_entries_and_positions_are_one_transaction(
    servers: Servers, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The write of the positions fails once: the entry is not there either, and comes again by itself."""
    whole = "select * from unnest(%b::text[], %b::text[], %b::text[])"
    fails = "select a, b, c || 1 / (0 * random())::int from unnest(%b::text[], %b::text[], %b::text[]) given (a, b, c)"
    assert whole in entry_store._APPEND
    monkeypatch.setattr(entry_store, "_APPEND", entry_store._APPEND.replace(whole, fails))
    commit(servers["booking"], "booking")
    looks = 0

    def stopping() -> bool:
        nonlocal looks
        looks += 1
        assert looks < 2000
        if not Position.objects.exists() and looks > 20:
            assert not Entry.objects.exists()
            monkeypatch.undo()
        return Entry.objects.exists()

    record(urls(servers), redis, stopping)
    assert Position.objects.get(source="booking").cursor == Entry.objects.get().lsn


def test_observations_follow_what_they_are_about_and_are_read_once(
    servers: Servers, redis: Redis, start: Callable[[], Recorder]
) -> None:
    first = start()
    message = str(uuid.uuid4())
    observe(redis, "seats", "duplicate", "duplicate absorbed", booking="b-1", message_id=message)
    with servers["booking"].connect() as connection:
        connection.execute("insert into booking_outbox (id, kind, type) values (%s, 'command', 'X')", (message,))
    _, told = run_until(first, 2)
    assert (told["kind"], told["service"], told["title"]) == ("observation", "seats", "duplicate absorbed")
    assert (told["cause_pos"], told["correlations"], told["data"]["kind"]) == ([1], ["b-1"], "duplicate")
    first.close()
    second = start()
    commit(servers["booking"], "booking")
    assert run_until(second, 3)[2]["kind"] == "transaction"


def test_queries_page_through_entries(servers: Servers, start: Callable[[], Recorder]) -> None:
    assert (queries.epoch(), queries.last_pos(), queries.latest(5)) == ("", 0, [])
    recorder = start()
    for number in range(4):
        commit(servers["seats"], "seats", booking=f"b-{number}")
    run_until(recorder, 4)
    assert [entry["pos"] for entry in queries.entries_after(1, limit=2)] == [2, 3]
    assert [entry["pos"] for entry in queries.latest(2)] == [3, 4]
    with closing(connections["journal"].cursor()) as cursor:
        cursor.execute("set enable_seqscan = off")
        cursor.execute(
            "explain select pos from journal_mention where tape = 0 and correlation = 'b-1' and pos <= 3 order by pos"
        )
        assert "journal_mention_p" in str(cursor.fetchall())  # which of its indexes is a matter of statistics

"""The recorder over two real logs, the journal's database and Redis: nothing lost, nothing doubled, causes first."""

import json
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from django.db import connections
from redis import Redis

from journal import queries, store
from journal.models import Entry, Indexed, Position, RowVersion, Run, TableHash
from journal.reading import read_transaction
from journal.recorder import Recorder, record
from journal.stories import story
from messaging.observe import observe
from tests.journal.stepped import Servers, clusters, commit, heads, run_until, servers, start, streamed, urls
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
    monkeypatch.setattr(recorder, "_upkeep_due", lambda *_: False)
    recorder._write_at = time.monotonic() + 60  # a round begins
    commit(servers["booking"], "booking")

    def second_is_read() -> bool:
        recorder.step()
        return recorder._ordering.waiting() == 1

    wait_until(second_is_read, 10, "the second to be read")
    recorder._write_at = time.monotonic()
    waited: list[int] = []
    monkeypatch.setattr("journal.recorder.wait", lambda streams, timeout: waited.append(len(streams)))
    recorder.step()
    assert (waited, queries.last_pos()) == ([0], 2)
    recorder.step()
    assert waited == [0, 0, 2]


def test_a_restart_neither_loses_nor_doubles(servers: Servers, redis: Redis, start: Callable[[], Recorder]) -> None:
    first = start()
    cause = commit(servers["booking"], "booking")
    run_until(first, 1)
    epoch = queries.epoch()
    first.close()
    commit(servers["seats"], "seats", cause=cause)  # its cause is known from before the restart
    second = start()
    found = run_until(second, 2)
    assert found[1]["cause_pos"] == [1]
    assert streamed(redis) == found
    assert queries.epoch() == epoch
    assert Run.objects.values_list("tape", "name", "started_pos", "ended_pos").get() == (0, "first run", 1, None)


def test_killed_between_commit_and_confirm_it_doubles_nothing(
    servers: Servers, redis: Redis, start: Callable[[], Recorder], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal's own positions win over the slots', which know nothing of the entry."""
    first = start()
    monkeypatch.setattr("journal.recorder.WalStream.confirm", lambda *_: None)
    monkeypatch.setattr("journal.recorder.Broadcast.publish", lambda *_: False)
    commit(servers["booking"], "booking")
    run_until(first, 1)
    first.close()
    monkeypatch.undo()
    with servers["booking"].connect() as connection:
        row = connection.execute(
            "select confirmed_flush_lsn < pg_current_wal_lsn() from pg_replication_slots"
        ).fetchone()
        assert row == (True,)
    second = start()
    commit(servers["booking"], "booking")
    found = run_until(second, 2)
    assert [entry["lsn"] for entry in found] == sorted({entry["lsn"] for entry in found})
    assert streamed(redis) == found


def test_crashes_of_the_databases_lose_and_double_nothing(
    servers: Servers, redis: Redis, start: Callable[[], Recorder]
) -> None:
    recorder = start()
    commit(servers["booking"], "booking")
    run_until(recorder, 1)
    for server in servers.values():
        server.crash()
        server.start()
    commit(servers["booking"], "booking")
    commit(servers["seats"], "seats")
    run_until(recorder, 3)


def test_entries_and_positions_are_one_transaction(
    servers: Servers, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The write of the positions fails once: the entry is not there either, and comes again by itself."""
    whole = "select * from unnest(%b::text[], %b::text[], %b::text[])"
    fails = "select a, b, c || 1 / (0 * random())::int from unnest(%b::text[], %b::text[], %b::text[]) given (a, b, c)"
    assert whole in store._APPEND
    monkeypatch.setattr(store, "_APPEND", store._APPEND.replace(whole, fails))
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


def test_a_redis_that_lost_everything_is_filled_again(
    servers: Servers, redis: Redis, start: Callable[[], Recorder]
) -> None:
    recorder = start()
    for _ in range(3):
        commit(servers["booking"], "booking")
    run_until(recorder, 3)
    written = heads(redis)
    redis.flushdb()

    def filled() -> bool:
        recorder.step()
        return redis.xlen("journal") == 3

    wait_until(filled, 10, "the stream, without any new entry")
    assert heads(redis) == written, "readers look for words in the text before they read it as JSON"
    commit(servers["booking"], "booking")
    assert run_until(recorder, 4) == streamed(redis)


def test_a_stream_of_another_journal_is_replaced(servers: Servers, redis: Redis, start: Callable[[], Recorder]) -> None:
    redis.xadd("journal", {"e": '{"pos": 900}'}, id="900-0")
    redis.hset("recorder", "epoch", str(uuid.uuid4()))
    recorder = start()
    commit(servers["booking"], "booking")
    assert run_until(recorder, 1) == streamed(redis)
    assert redis.hget("recorder", "epoch") == queries.epoch().encode()


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


def test_the_page_can_see_how_far_behind_it_is(servers: Servers, redis: Redis, start: Callable[[], Recorder]) -> None:
    recorder = start()
    commit(servers["booking"], "booking")
    run_until(recorder, 1)

    def reported() -> Any:
        recorder.step()
        found: Any = redis.hgetall("recorder")
        return found if b"behind_ms" in found and found[b"pos"] == b"1" else None

    status = wait_until(reported, 10, "the report")
    assert int(status[b"behind_ms"]) >= 0
    assert json.loads(status[b"outages"]) == {}
    assert redis.get("alive:recorder")


def test_the_index_follows_and_says_how_far_behind_it_is(
    servers: Servers, redis: Redis, start: Callable[[], Recorder]
) -> None:
    recorder = start()
    for number in range(30):
        commit(servers["booking"], "booking", booking=f"b-{number}")
    run_until(recorder, 30)

    def reported() -> Any:
        recorder.step()
        found: Any = redis.hgetall("recorder")
        return found if found.get(b"indexed") == b"30" else None

    status = wait_until(reported, 10, "the index")
    assert (status[b"index_lag"], status[b"index_failure"]) == (b"0", b"")
    assert json.loads(status[b"stored"])["booking"] == queries.latest(1)[0]["lsn"]
    assert RowVersion.objects.filter(octave=None).count() == 60
    thing = Run.objects.get().tables["booking"]["booking_thing"]
    assert thing == {
        "columns": [["id", "int8"], ["booking_id", "text"], ["status", "text"], ["paid", "bool"], ["body", "jsonb"]],
        "key": ["id"],
    }


def test_an_index_that_cannot_be_made_does_not_end_the_recording(
    servers: Servers, redis: Redis, start: Callable[[], Recorder], monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = start()
    with monkeypatch.context() as patch:
        patch.setattr("journal.indexer.Indexer.step", lambda *_: 1 / 0)
        patch.setattr("journal.upkeep.RETRY", 0.0)
        for number in range(1, 4):
            commit(servers["booking"], "booking")
            run_until(recorder, number)

        def told() -> bool:
            recorder.step()
            return b"ZeroDivision" in (redis.hget("recorder", "index_failure") or b"")

        wait_until(told, 10, "the failure in the status")

    def caught_up() -> bool:
        recorder.step()
        return RowVersion.objects.count() == 6

    wait_until(caught_up, 10, "the index")


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


def test_no_note_in_a_log_stops_the_recording_or_empties_the_journal(
    servers: Servers, redis: Redis, start: Callable[[], Recorder]
) -> None:
    """Each is read again after a restart: what stops the recorder once would stop it for ever."""
    recorder = start()
    commit(servers["booking"], "booking")
    poison = ["not json", '{"kind":"gap","text":"nothing before this counts"}', '{"n":' * 900 + "1" + "}" * 900, "[]"]
    poison += ['{"kind":"introduced","text":"\\u0000\\ud800"}', "z" * 5_000_000]
    with servers["booking"].connect() as connection:
        for note in poison:
            connection.execute("select pg_logical_emit_message(true, 'journal', %s::text)", (note,))
        connection.execute("select pg_logical_emit_message(true, 'journal', '\\xff00'::bytea)")
        connection.execute("select pg_logical_emit_message(false, 'journal', 'outside of any transaction')")
        connection.execute("select pg_logical_emit_message(true, 'x', repeat('x', 10000000))")
    commit(servers["booking"], "booking")
    entries = run_until(recorder, len(poison) + 4)
    told = entries[1:-2]
    assert {(one["kind"], one["data"]["kind"]) for one in told} == {("observation", "unreadable")}
    assert entries[-1]["title"] == "Held: thing HELD"
    recorder.close()
    again = start()
    commit(servers["seats"], "seats")
    run_until(again, len(entries) + 1)

    def indexed() -> bool:
        again.step()
        return RowVersion.objects.filter(octave=None).count() == 6

    wait_until(indexed, 10, "the index")


def test_a_row_that_no_other_program_could_write_is_recorded(
    servers: Servers, redis: Redis, start: Callable[[], Recorder]
) -> None:
    recorder = start()
    bodies = ['{"n":' * 300 + "1" + "}" * 300, '{"n": 1' + "0" * 400 + "}", '"x"', "[" * 2000 + "]" * 2000]
    with servers["booking"].connect() as connection:
        for body in bodies:
            thing = "insert into booking_thing (booking_id, status, body) values (%s, 'HELD', %s)"
            connection.execute(thing, ("é" * 5000, body))
        outbox = (
            "insert into booking_outbox (id, kind, type, correlation_id) values (gen_random_uuid(), 'event', %s, %s)"
        )
        connection.execute(outbox, ("T" * 5000, "c" * 5000))
    entries = run_until(recorder, 5)
    kept = [one["changes"][0]["new"]["body"].replace(": ", ":") for one in entries[:4]]
    assert kept == [bodies[0], bodies[1].replace(": ", ":"), "x", bodies[3]]

    def indexed() -> bool:
        recorder.step()
        return RowVersion.objects.filter(octave=None).count() == 5

    wait_until(indexed, 10, "the index")


def test_what_the_journal_refuses_is_replaced_by_an_entry_that_says_so(
    servers: Servers, redis: Redis, start: Callable[[], Recorder], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it is: here a title with a character that PostgreSQL does not take. Its neighbours are kept."""

    def read(service: str, transaction: Any, key: str) -> Any:
        found = read_transaction(service, transaction, key)
        return replace(found, title="a\0b") if "b-2" in found.correlations else found

    monkeypatch.setattr("journal.recorder.read_transaction", read)
    recorder = start()
    for number in (1, 2, 3):
        commit(servers["booking"], "booking", booking=f"b-{number}")
    entries = run_until(recorder, 3)
    assert [one["title"] for one in entries] == [
        "Held: thing HELD",
        "what booking committed cannot be kept",
        "Held: thing HELD",
    ]
    assert "0x00" in entries[1]["data"]["data"]["why"]
    assert streamed(redis) == entries


def test_an_entry_that_cannot_be_indexed_is_passed_over(
    servers: Servers, redis: Redis, start: Callable[[], Recorder]
) -> None:
    """As an older version, or a hand, may have left one: the moments after it can be asked for all the same."""
    recorder = start()
    commit(servers["booking"], "booking")
    run_until(recorder, 1)
    recorder.close()
    Entry.objects.filter(pos=1).update(changes=[{"table": "booking_thing", "op": "insert", "key": "1"}])
    Indexed.objects.all().delete()
    RowVersion.objects.all().delete()
    TableHash.objects.all().delete()
    again = start()
    commit(servers["booking"], "booking", booking="b-2")

    def indexed() -> bool:
        again.step()
        return redis.hget("recorder", "indexed") == b"2"

    wait_until(indexed, 20, "the index")
    assert b"entry 1" in (redis.hget("recorder", "index_failure") or b"")

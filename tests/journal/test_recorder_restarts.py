"""The recorder after a restart, a crash, a Redis that lost everything, or beside another journal's stream."""

import uuid
from collections.abc import Callable

import pytest
from redis import Redis

from journal import queries
from journal.models import Run
from journal.recorder import Recorder
from tests.journal.stepped import Servers, clusters, commit, heads, run_until, servers, start, streamed
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(databases=["journal"], transaction=True)
__all__ = ["clusters", "servers", "start"]  # the fixtures


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

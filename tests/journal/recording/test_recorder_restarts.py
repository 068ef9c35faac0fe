"""The recorder after a restart, a crash, a Redis that lost everything, or beside another journal's stream."""

import logging
import uuid
from collections.abc import Callable

import pytest
from redis import Redis

from journal.models import Run
from journal.reading import queries
from journal.recording.recorder import Recorder, record
from messaging.observe import observe
from tests.journal.recording.stepped import Servers, clusters, commit, heads, run_until, servers, start, streamed, urls
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
    monkeypatch.setattr("journal.recording.recorder.WalStream.confirm", lambda *_: None)
    monkeypatch.setattr("journal.recording.recorder.Broadcast.publish", lambda *_: False)
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


def test_a_second_recorder_says_what_it_is_and_doubles_nothing(
    servers: Servers, redis: Redis, start: Callable[[], Recorder], caplog: pytest.LogCaptureFixture
) -> None:
    """The slots let only the first read; what both read, the observations, the second finds recorded already."""
    first = start()
    commit(servers["booking"], "booking")
    run_until(first, 1)

    def said(words: str) -> list[str]:
        return [line for line in caplog.messages if words in line]

    def stopping() -> bool:
        """Between two steps of the second. First it is kept from the slots, then both see something."""
        if len(said("not reading slot")) < len(servers):
            first.step()
            return False
        before = queries.last_pos()
        observe(redis, "seats", "test", f"seen after {before}")

        def recorded() -> bool:
            first.step()
            return queries.last_pos() > before

        wait_until(recorded, 10, "the first to record what was observed")
        return bool(said("journal")) or before > 50

    with caplog.at_level(logging.WARNING):
        record(urls(servers), redis, stopping)
    for service in servers:
        (line,) = said(f"recorder {service}: not reading slot")
        assert "is active for PID" in line
    (line,) = said("journal")
    assert line.startswith("another recorder writes to this journal too; reading what it stored: duplicate key")
    commit(servers["booking"], "booking")
    found = run_until(first, queries.last_pos() + 1)
    titles = [entry["title"] for entry in found]
    assert len(titles) == len(set(titles)) + 1, "the two bookings'"

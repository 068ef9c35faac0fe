"""What the recorder reports in Redis: how far behind the recording is, and how far behind the index is."""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis

from journal.models import RowVersion, Run
from journal.reading import queries
from journal.recording.recorder import Recorder
from tests.journal.recording.stepped import Servers, clusters, commit, run_until, servers, start
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(databases=["journal"], transaction=True)
__all__ = ["clusters", "servers", "start"]  # the fixtures


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
        patch.setattr("journal.index.indexer.Indexer.step", lambda *_: 1 / 0)
        patch.setattr("journal.recording.maintenance.RETRY", 0.0)
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


def test_a_batch_of_the_index_keeps_nothing_waiting(
    servers: Servers, start: Callable[[], Recorder], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, ended = threading.Event(), threading.Event()

    def step(*_: Any) -> int:
        begun.set()
        return int(ended.wait(60))

    monkeypatch.setattr("journal.index.indexer.Indexer.step", step)
    recorder = start()
    try:
        commit(servers["booking"], "booking")
        run_until(recorder, 1)

        def indexing() -> bool:
            recorder.step()
            return begun.is_set()

        wait_until(indexing, 10, "the index to be made")
        commit(servers["booking"], "booking")
        assert len(run_until(recorder, 2)) == 2
    finally:
        ended.set()

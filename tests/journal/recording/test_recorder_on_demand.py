"""The recorder and an instance on demand: it takes the log up while it runs, and lets it go without an error."""

import json
import signal
from collections.abc import Callable, Iterator
from threading import Thread
from typing import Any

import pytest
from redis import Redis

from control.slots import drain, let_go
from journal.reading import queries
from journal.recording.recorder import Recorder
from messaging.process import on_demand
from tests.journal.recording.stepped import Servers, clusters, commit, run_until, servers, start
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(databases=["journal"], transaction=True)
__all__ = ["clusters", "servers", "start"]  # the fixtures
NAME = "postgres-seats"


@pytest.fixture(autouse=True)
def seats_is_on_demand(monkeypatch: pytest.MonkeyPatch, clusters: Servers) -> Iterator[None]:
    monkeypatch.setattr(on_demand, "NAMES", frozenset({NAME}))
    monkeypatch.setattr(on_demand, "LOOK_S", 0.0)
    yield
    if clusters["seats"].has_ended():
        clusters["seats"].start()


def stepped_until(recorder: Recorder, condition: Callable[[], Any], what: str) -> Any:
    def met() -> Any:
        recorder.step()
        return condition()

    return wait_until(met, 20, what)


def is_read(servers: Servers) -> bool:
    with servers["seats"].connect() as connection:
        return bool(connection.execute("select from pg_replication_slots where active").rowcount)


def outages(redis: Redis) -> dict[str, str]:
    found: dict[str, str] = json.loads(redis.hget("recorder", "outages") or b"{}")
    return found


def test_a_log_is_taken_up_let_go_and_taken_up_again_and_no_transaction_is_lost_or_doubled(
    servers: Servers, redis: Redis, start: Callable[[], Recorder]
) -> None:
    recorder = start()
    commit(servers["seats"], "seats")
    commit(servers["booking"], "booking")
    assert [entry["service"] for entry in run_until(recorder, 1)] == ["booking"]
    assert not is_read(servers)

    on_demand.tell(redis, [NAME])
    assert [entry["service"] for entry in run_until(recorder, 2)] == ["booking", "seats"]
    commit(servers["seats"], "seats")
    run_until(recorder, 3)

    on_demand.tell(redis, [])
    stepped_until(recorder, lambda: not is_read(servers), "the log to be let go")
    commit(servers["seats"], "seats")
    servers["seats"].end(signal.SIGINT)
    redis.delete("recorder")
    commit(servers["booking"], "booking")
    run_until(recorder, 4)
    stepped_until(recorder, lambda: redis.hexists("recorder", "outages"), "a report")
    assert outages(redis) == {}
    assert redis.get("alive:recorder") == b"1"

    servers["seats"].start()
    on_demand.tell(redis, [NAME])
    run_until(recorder, 5)
    again = start()  # a recorder that begins knows as much
    recorder.close()
    commit(servers["seats"], "seats")
    assert [entry["service"] for entry in run_until(again, 6)] == [
        "booking",
        "seats",
        "seats",
        "booking",
        "seats",
        "seats",
    ]


def test_the_control_a_server_that_ends_without_a_word_is_an_outage(
    servers: Servers, redis: Redis, start: Callable[[], Recorder]
) -> None:
    on_demand.tell(redis, [NAME])
    recorder = start()
    stepped_until(recorder, lambda: is_read(servers), "the log to be read")
    servers["seats"].crash()
    stepped_until(recorder, lambda: "seats" in outages(redis), "the outage")


def test_a_redis_that_has_lost_its_data_does_not_end_the_reading(
    servers: Servers, redis: Redis, start: Callable[[], Recorder]
) -> None:
    on_demand.tell(redis, [NAME])
    recorder = start()
    stepped_until(recorder, lambda: is_read(servers), "the log to be read")
    redis.flushall()
    commit(servers["seats"], "seats")
    run_until(recorder, 1)
    assert is_read(servers)


def test_what_is_to_stop_is_read_to_its_end_first(
    servers: Servers, redis: Redis, start: Callable[[], Recorder]
) -> None:
    """As the control process does it, which waits in a thread of its own."""
    on_demand.tell(redis, [NAME])
    recorder = start()
    stepped_until(recorder, lambda: is_read(servers), "the log to be read")
    for _ in range(20):
        commit(servers["seats"], "seats")
    environment = {"ADMIN_URL_SEATS": servers["seats"].url}
    draining = Thread(target=drain, args=(environment, "seats"))
    draining.start()
    draining.join(0.3)
    assert draining.is_alive(), "nobody has read it yet"
    stepped_until(recorder, lambda: not draining.is_alive(), "the log to be read to its end")
    assert queries.last_pos() == 20
    on_demand.tell(redis, [])
    going = Thread(target=let_go, args=(environment, "seats"))
    going.start()
    stepped_until(recorder, lambda: not going.is_alive(), "the reader to go")
    assert not is_read(servers)

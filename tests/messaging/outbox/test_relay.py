"""The relay over a real log and a real Redis: order, credit, faults, outages, and being killed at the worst moment."""

import json
import multiprocessing
import signal
import threading
from typing import Any

import pytest
from redis import Redis

import faults
from faults import Action, Fault, Point
from messaging.outbox import relay as relay_module
from messaging.outbox.relay import BATCH, Relay
from messaging.process.pacing import Pacer
from messaging.wal import parse_lsn
from tests.messaging.conftest import Database
from tests.messaging.outbox.relaying import (
    announce,
    events,
    ids,
    make_relay,
    run_relay,
    run_until,
    send,
    take,
    take_all,
)
from tests.servers import RedisServer
from tests.waiting import wait_until
from topology.chosen import HOUSE


def test_a_command_travels_as_an_envelope_to_the_queue_of_its_destination(
    database: Database, redis: Redis, relay: Relay
) -> None:
    (sent,) = send(database, "ReserveSeatsReply")
    run_until(relay, lambda: redis.llen("booking"), "the reply")
    (envelope,) = take(redis)
    assert (envelope["id"], envelope["kind"], envelope["source"]) == (sent, "reply", "/seats")
    assert (envelope["type"], envelope["data"], envelope["correlationid"]) == ("ReserveSeatsReply", {"n": 1}, "b-1")
    assert envelope["time"].endswith("+00:00")
    assert "T" in envelope["time"]
    assert int(envelope["xid"]) >= int(envelope["horizon"]) > 0


def test_a_queue_may_have_another_name_than_its_service(
    database: Database, redis: Redis, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(HOUSE.queues, "booking", "sagas")
    first = send(database, "ReserveSeatsReply")
    run_until(relay, lambda: redis.llen("sagas"), "the reply")
    second = send(database, "ConfirmSeatsReply")
    announce(database, "SeatsReserved")
    run_until(relay, lambda: events(redis), "the event that follows")
    assert ids(take(redis, "sagas")) == first, "nothing is sent while the queue is not empty"
    run_until(relay, lambda: redis.llen("sagas"), "the second reply")
    assert ids(take(redis, "sagas")) == second
    assert redis.llen("booking") == 0


def test_events_are_chained_in_commit_order(database: Database, redis: Redis, relay: Relay) -> None:
    sent = announce(database, "SeatsReserved", "SeatsSold") + announce(database, "SeatsReleased")
    run_until(relay, lambda: redis.xlen("events.seats") == 3, "three events")
    found = events(redis)
    assert ids(found) == sent
    assert [event["prev"] for event in found] == ["", *sent[:2]]


def test_what_waits_is_merged_and_only_what_waits(database: Database, redis: Redis, relay: Relay) -> None:
    """By credit: while the destination has a batch it has not taken, everything else is held and merged."""
    first = send(database, "A")
    run_until(relay, lambda: redis.llen("booking"), "the first batch")
    held = send(database, "B") + send(database, "C", "D")
    elsewhere = send(database, "E", destination="payments")
    told = announce(database, "SeatsReserved")
    run_until(relay, lambda: redis.llen("payments") and redis.xlen("events.seats"), "what is not held up by booking")
    assert redis.llen("booking") == 1
    assert ids(take(redis)) == first
    run_until(relay, lambda: redis.llen("booking"), "the merged batch")
    assert ids(take(redis)) == held
    assert ids(take(redis, "payments")) == elsewhere
    assert ids(events(redis)) == told


def test_batches_are_bounded(database: Database, redis: Redis, relay: Relay) -> None:
    sent = send(database, *["A"] * (2 * BATCH + 1))
    found: list[dict[str, Any]] = []
    sizes = []

    def worked() -> bool:
        batch = take(redis)
        found.extend(batch)
        sizes.extend([len(batch)] if batch else [])
        return len(found) == len(sent)

    run_until(relay, worked, "all batches")
    assert ids(found) == sent
    assert sizes == [BATCH, BATCH, 1]


def test_confirmed_only_up_to_the_oldest_message_not_sent(
    database: Database, redis: Redis, relay: Relay, redis_server: RedisServer
) -> None:
    send(database, "taken")
    run_until(relay, lambda: redis.llen("booking"), "the first batch")
    before = parse_lsn(str(database.value("select pg_current_wal_lsn()")))
    send(database, "held")
    announce(database, "SeatsReserved")
    run_until(relay, lambda: redis.xlen("events.seats"), "the event behind it")
    after = parse_lsn(str(database.value("select pg_current_wal_lsn()")))
    relay.close()
    assert parse_lsn(database.confirmed()) <= before
    wait_until(database.slot_is_free, 10, "the slot")
    take(redis)
    again = make_relay(database.url, database.slot, redis_server.url)
    try:
        run_until(again, lambda: redis.llen("booking"), "the held one")
        run_until(again, lambda: parse_lsn(database.confirmed()) >= after, "the confirmation")
    finally:
        again.close()


def test_a_command_without_a_destination_holds_up_nobody(database: Database, redis: Redis, relay: Relay) -> None:
    send(database, "Lost", destination="")
    sent = send(database, "Kept")
    run_until(relay, lambda: redis.llen("booking"), "the other one")
    assert ids(take(redis)) == sent
    written = parse_lsn(str(database.value("select pg_current_wal_lsn()")))
    run_until(relay, lambda: parse_lsn(database.confirmed()) >= written, "the confirmation")


def test_an_outbox_row_that_nobody_could_take_holds_up_nobody(database: Database, redis: Redis, relay: Relay) -> None:
    """As an older version or a hand may have written it. Read again after every restart, it would stop the relay for ever."""
    deep = {300: '{"n":' * 300 + "1" + "}" * 300, 3000: "[" * 3000 + "]" * 3000}
    bad = [deep[300], deep[3000], '{"n": 1' + "0" * 400 + "}", '"text"', "null", json.dumps({"n": "x" * 2_000_000})]
    before = announce(database, "First")
    with database.connect() as connection:
        for kind in ("event", "command"):
            for data in bad:
                outbox = "insert into seats_outbox (kind, type, destination, data) values (%s, 'Bad', 'booking', %s)"
                connection.execute(outbox, (kind, data))
        connection.execute("insert into seats_outbox (kind, type, time) values ('event', 'Bad', null)")
    sent, after = send(database, "Kept"), announce(database, "Second")
    run_until(relay, lambda: redis.llen("booking") and redis.xlen("events.seats") == 2, "the good ones")
    assert ids(take(redis)) == sent
    first, second = events(redis)
    assert ([first["id"], second["id"]], second["prev"]) == ([*before, *after], before[0])
    written = parse_lsn(str(database.value("select pg_current_wal_lsn()")))
    run_until(relay, lambda: parse_lsn(database.confirmed()) >= written, "the confirmation")
    told: Any = redis.xrange("observations")
    assert len(told) == 13
    assert all(b"is not sent" in fields[b"o"] for _, fields in told)


def test_idle_relay_confirms_log_without_messages(database: Database, relay: Relay) -> None:
    database.run("insert into noise (body) select repeat('x', 500) from generate_series(1, 2000)")
    written = parse_lsn(str(database.value("select pg_current_wal_lsn()")))
    run_until(relay, lambda: parse_lsn(database.confirmed()) >= written, "the slot to move")


def test_survives_a_restart_of_redis_with_its_data_lost(
    database: Database, redis: Redis, relay: Relay, redis_server: RedisServer
) -> None:
    announce(database, "before")
    run_until(relay, lambda: redis.xlen("events.seats"), "the first event")
    redis_server.end(signal.SIGKILL)
    redis_server.lose_data()
    sent, told = send(database, "meanwhile"), announce(database, "meanwhile")
    for _ in range(5):
        relay.step()
    redis_server.start()
    run_until(relay, lambda: redis.llen("booking") and redis.xlen("events.seats"), "what was sent meanwhile")
    assert ids(take(redis)) == sent
    assert ids(events(redis)) == told
    assert events(redis)[0]["prev"]  # a reader sees that it lacks the one before
    later = send(database, "later")
    run_until(relay, lambda: redis.llen("booking"), "what was sent afterwards")
    assert ids(take(redis)) == later


def test_survives_a_crash_of_its_database(database: Database, redis: Redis, relay: Relay) -> None:
    send(database, "A")
    run_until(relay, lambda: redis.llen("booking"), "the first")
    take(redis)
    database.server.crash()
    database.server.start()
    sent = send(database, "B")
    run_until(relay, lambda: redis.llen("booking"), "the second")
    assert ids(take(redis)) == sent
    assert redis.llen("booking") == 0


def test_stops_reading_when_it_holds_too_much(
    database: Database, redis: Redis, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "HELD_LIMIT", 3)
    sent = send(database, "first")
    run_until(relay, lambda: redis.llen("booking"), "the first batch")
    for _ in range(6):
        sent += send(database, "A")
        relay.step()
    held = len(relay._backlog)
    assert held <= 4
    sent += send(database, "B")
    relay.step()
    assert len(relay._backlog) == held
    assert ids(take_all(relay, redis, len(sent))) == sent


def arm(redis: Redis, point: Point, action: Action, message: str, **more: Any) -> None:
    faults.arm(redis, Fault(point=point, action=action, service="seats", message=message, **more))


def test_a_dropped_message_is_gone_once_and_told(database: Database, redis: Redis, relay: Relay) -> None:
    arm(redis, Point.RELAY_BEFORE_PUBLISH, Action.DROP, "Lost")
    sent = send(database, "Lost", "Kept")
    run_until(relay, lambda: redis.llen("booking"), "the other one")
    assert ids(take(redis)) == sent[1:]
    observations: Any = redis.xrange("observations")
    ((_, told),) = observations
    assert json.loads(told[b"o"])["messageid"] == sent[0]
    again = send(database, "Lost")
    run_until(relay, lambda: redis.llen("booking"), "the next of its kind")
    assert ids(take(redis)) == again
    written = parse_lsn(str(database.value("select pg_current_wal_lsn()")))
    run_until(relay, lambda: parse_lsn(database.confirmed()) >= written, "the confirmation")


def test_a_dropped_event_leaves_a_gap_in_the_chain(database: Database, redis: Redis, relay: Relay) -> None:
    arm(redis, Point.RELAY_BEFORE_PUBLISH, Action.DROP, "Lost")
    first, lost, last = announce(database, "A", "Lost", "B")
    run_until(relay, lambda: redis.xlen("events.seats") == 2, "the other two")
    assert [(event["id"], event["prev"]) for event in events(redis)] == [(first, ""), (last, lost)]


def test_a_duplicated_message_comes_twice(database: Database, redis: Redis, relay: Relay) -> None:
    arm(redis, Point.RELAY_BEFORE_PUBLISH, Action.DUPLICATE, "Twice")
    (sent,) = send(database, "Twice")
    run_until(relay, lambda: redis.llen("booking"), "the batch")
    assert ids(take(redis)) == [sent, sent]


def test_a_delayed_message_is_overtaken(database: Database, redis: Redis, relay: Relay) -> None:
    arm(redis, Point.RELAY_BEFORE_PUBLISH, Action.DELAY, "Late", seconds=0.2)
    late, other = send(database, "Late", "Other")
    assert ids(take_all(relay, redis, 2)) == [other, late]


def test_killed_between_publish_and_confirm_it_sends_again_and_loses_nothing(
    database: Database, redis: Redis, redis_server: RedisServer
) -> None:
    arm(redis, Point.RELAY_AFTER_PUBLISH, Action.CRASH, "ReserveSeatsReply")
    (sent,) = send(database, "ReserveSeatsReply")
    arguments = (database.url, database.slot, redis_server.url)
    child = multiprocessing.get_context("spawn").Process(target=run_relay, args=arguments)
    child.start()
    child.join(30)
    assert child.exitcode == -signal.SIGKILL
    assert ids(take(redis)) == [sent]
    relay = make_relay(*arguments)
    try:
        run_until(relay, lambda: redis.llen("booking"), "the same message again")
        assert ids(take(redis)) == [sent]
        later = send(database, "Later")
        run_until(relay, lambda: redis.llen("booking"), "the next")
        assert ids(take(redis)) == later
    finally:
        relay.close()


def test_beats_only_while_it_works(database: Database, redis: Redis, relay: Relay) -> None:
    run_until(relay, lambda: redis.get("alive:relay-seats"), "a heartbeat")
    assert 0 < redis.ttl("alive:relay-seats") <= 10


@pytest.mark.parametrize("streaming", [True, False])
def test_in_a_stream_what_comes_in_a_moment_shares_a_round(
    relay: Relay, database: Database, redis: Redis, monkeypatch: pytest.MonkeyPatch, streaming: bool
) -> None:
    """The control is a trickle: there the second transaction finds the first one gone."""
    monkeypatch.setattr(Pacer, "round_s", lambda _: 1.0 if streaming else 0.0)
    send(database, "Before")
    run_until(relay, lambda: take(redis), "the first message")
    send(database, "One")
    later = threading.Timer(0.3, lambda: send(database, "Two"))
    later.start()
    run_until(relay, lambda: redis.llen("booking"), "the second message")
    later.join()
    assert [envelope["type"] for envelope in take(redis)] == (["One", "Two"] if streaming else ["One"])

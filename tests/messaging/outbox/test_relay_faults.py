"""Faults between the log and the broker: one envelope is held, overtaken, lost; the others go on."""

import multiprocessing
import signal
from typing import Any

import pytest
from redis import Redis

import faults
from faults import Fault, Target
from messaging.outbox.relay import Relay
from messaging.wal import parse_lsn
from tests.faults.told import told
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


def arm(redis: Redis, point: str, action: str, **more: Any) -> Fault:
    return faults.arm(redis, faults.parse({"point": point, "action": action, "service": "seats", **more}))


def test_a_held_message_waits_in_the_log_while_others_pass(database: Database, redis: Redis, relay: Relay) -> None:
    fault = arm(redis, "relay.before_publish", "hold", message="ReserveSeatsReply")
    before = parse_lsn(str(database.value("select pg_current_wal_lsn()")))
    (waits,) = send(database, "ReserveSeatsReply")
    passes = send(database, "ConfirmSeatsReply")
    assert ids(take_all(relay, redis, 1)) == passes
    (held,) = faults.held(redis)
    assert (held.process, held.message, held.booking) == ("relay-seats", "ReserveSeatsReply", "b-1")
    assert faults.held_bookings(redis) == {"b-1"}
    assert parse_lsn(database.confirmed()) <= before
    assert faults.release(redis, fault.id) == 1
    assert ids(take_all(relay, redis, 1)) == [waits]
    written = parse_lsn(str(database.value("select pg_current_wal_lsn()")))
    run_until(relay, lambda: parse_lsn(database.confirmed()) >= written, "the confirmation")
    assert [one["data"]["fault"] for one in told(redis)] == [fault.id] * 2
    assert "is resumed" in told(redis)[1]["text"]


def test_a_copy_of_a_held_message_does_not_slip_past(database: Database, redis: Redis, relay: Relay) -> None:
    """A participant that is asked again gives the stored reply again, with the same message id."""
    fault = arm(redis, "relay.before_publish", "hold", message="ReserveSeatsReply")
    (waits,) = send(database, "ReserveSeatsReply")
    database.run(
        "insert into seats_outbox (id, kind, type, destination) "
        "select id, kind, type, destination from seats_outbox where type = 'ReserveSeatsReply'"
    )
    other = send(database, "ConfirmSeatsReply")
    assert ids(take_all(relay, redis, 1)) == other
    faults.release(redis, fault.id)
    assert ids(take_all(relay, redis, 2)) == [waits, waits]


def test_a_hold_survives_a_restart_of_the_relay_as_an_unconfirmed_message(
    database: Database, redis: Redis, relay: Relay, redis_server: RedisServer
) -> None:
    arm(redis, "relay.before_publish", "hold", message="ReserveSeatsReply")
    (waits,) = send(database, "ReserveSeatsReply")
    run_until(relay, lambda: faults.held(redis), "the hold")
    relay.close()
    again = make_relay(database.url, database.slot, redis_server.url)
    try:
        run_until(again, lambda: redis.llen("booking"), "the message")
        assert ids(take(redis)) == [waits]  # a breakpoint dies with its process; the message does not
    finally:
        again.close()


def test_a_message_is_overtaken_by_the_next_to_the_same_place(database: Database, redis: Redis, relay: Relay) -> None:
    arm(redis, "bus", "reorder", message="SeatsReserved")
    first, second, third = send(database, "SeatsReserved", "SeatsReleased", "SeatsSold")
    elsewhere = announce(database, "PerformanceAnnounced")
    assert ids(take_all(relay, redis, 3)) == [second, first, third]
    run_until(relay, lambda: redis.xlen("events.seats"), "the event")
    assert ids(events(redis)) == elsewhere


def test_events_can_be_overtaken_and_the_chain_shows_it(database: Database, redis: Redis, relay: Relay) -> None:
    arm(redis, "bus", "reorder", message="SeatsReserved")
    first, second = announce(database, "SeatsReserved", "SeatsReleased")
    run_until(relay, lambda: redis.xlen("events.seats") == 2, "both events")
    assert [(event["id"], event["prev"]) for event in events(redis)] == [(second, first), (first, "")]


def test_a_message_that_nobody_overtakes_goes_by_itself(database: Database, redis: Redis, relay: Relay) -> None:
    arm(redis, "bus", "reorder", seconds=0.2)
    alone = send(database, "Alone")
    assert ids(take_all(relay, redis, 1)) == alone


@pytest.mark.parametrize(
    ("action", "more", "expected"),
    [("drop", {}, [1]), ("duplicate", {}, [0, 0, 1]), ("delay", {"seconds": 0.2}, [1, 0])],
)
def test_the_bus_loses_doubles_and_delays(
    database: Database, redis: Redis, relay: Relay, action: str, more: dict[str, Any], expected: list[int]
) -> None:
    fault = arm(redis, "bus", action, message="ReserveSeatsReply", **more)
    sent = send(database, "ReserveSeatsReply", "ReleaseSeatsReply")
    assert ids(take_all(relay, redis, len(expected))) == [sent[number] for number in expected]
    assert [(one["data"]["fault"], one["messageid"]) for one in told(redis)] == [(fault.id, sent[0])]


@pytest.mark.parametrize("point", ["relay.before_publish", "relay.after_publish"])
def test_killed_at_either_side_of_the_publication_it_dies_once_and_loses_nothing(
    database: Database, redis: Redis, redis_server: RedisServer, point: str
) -> None:
    arm(redis, point, "crash", message="ReserveSeatsReply")
    (sent,) = send(database, "ReserveSeatsReply")
    arguments = (database.url, database.slot, redis_server.url)
    child = multiprocessing.get_context("spawn").Process(target=run_relay, args=arguments)
    child.start()
    child.join(30)
    assert child.exitcode == -signal.SIGKILL
    assert ids(take(redis)) == ([sent] if point == "relay.after_publish" else [])
    relay = make_relay(*arguments)
    try:
        run_until(relay, lambda: redis.llen("booking"), "the message, from the log")
        assert ids(take(redis)) == [sent]
    finally:
        relay.close()


@pytest.mark.parametrize("action", ["delay", "hang", "hold"])
@pytest.mark.parametrize("point", ["relay.before_publish", "relay.after_publish"])
def test_what_stands_still_goes_on_by_itself(
    database: Database, redis: Redis, relay: Relay, point: str, action: str
) -> None:
    arm(redis, point, action, seconds=0.2)
    sent = send(database, "A") + send(database, "B")
    assert sorted(ids(take_all(relay, redis, 2))) == sorted(sent)
    written = parse_lsn(str(database.value("select pg_current_wal_lsn()")))
    run_until(relay, lambda: parse_lsn(database.confirmed()) >= written, "the confirmation")


def test_the_relay_tells_whose_booking_a_seat_is(database: Database, redis: Redis, relay: Relay) -> None:
    fault = arm(redis, "transaction.inside", "error", seat="A-15")
    with database.connect() as connection:
        connection.execute(
            "insert into seats_outbox (id, kind, type, correlation_id, data) "
            """values (uuidv7(), 'event', 'BookingPlaced', 'b-7', '{"seats": ["A-15"], "customer_id": 123}')"""
        )
    run_until(relay, lambda: redis.xlen("events.seats"), "the event")
    plan = faults.Plan(redis, "seats").refresh()
    assert plan.concerns(Target(message="ReleaseSeats", booking="b-7"))
    assert not plan.concerns(Target(message="ReleaseSeats", booking="b-8"))
    assert plan.personal == [fault]

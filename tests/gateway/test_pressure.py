"""Back pressure at the front door: no more bookings while a database keeps very much log for the recorder."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from gateway import api, cached
from gateway.pressure import MB, MOST_UNREAD, Pressure
from messaging.wal import unread
from sandbox.layout import free_ports
from serving.problems import Problem

TOO_MUCH = MOST_UNREAD + 30 * MB


def report(redis: Redis, size: int, ago: timedelta = timedelta()) -> None:
    unread.report(redis, "tickets", MB)
    redis.hset(unread.KEY, "seats", f"{size} {(datetime.now(UTC) - ago).isoformat()}")


def test_a_recorder_that_has_very_much_to_read_stops_bookings(redis: Redis) -> None:
    report(redis, TOO_MUCH)
    with pytest.raises(Problem) as caught:
        Pressure(redis).check()
    assert (caught.value.status, caught.value.headers) == (429, {"Retry-After": "5"})
    assert "has not read 1,054 MB of the log of seats, 1,024 MB are allowed" in caught.value.detail


@pytest.mark.parametrize("size", [0, MOST_UNREAD])
def test_one_that_has_less_to_read_does_not(redis: Redis, size: int) -> None:
    report(redis, size)
    Pressure(redis).check()


def test_an_old_report_is_none(redis: Redis) -> None:
    report(redis, TOO_MUCH, ago=timedelta(minutes=1))
    Pressure(redis).check()


def test_nothing_is_known_without_a_report_or_without_redis(redis: Redis) -> None:
    Pressure(redis).check()
    away = Redis(port=free_ports(["redis"])["redis"], retry=Retry(NoBackoff(), 0))
    with pytest.raises(RedisError):
        away.ping()
    Pressure(away).check()


def test_redis_is_asked_once_a_second(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(cached.time, "monotonic", lambda: now)
    one = Pressure(redis)
    one.check()
    report(redis, TOO_MUCH)
    one.check()
    now += 1.1
    with pytest.raises(Problem):
        one.check()


def test_while_it_is_asked_again_what_was_known_is_at_hand(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or all that come meanwhile would take the long way round, just when there is much to do."""
    now = 100.0
    monkeypatch.setattr(cached.time, "monotonic", lambda: now)
    one = Pressure(redis)
    with one._unread._lock:
        assert not one.is_known_to_be_low(), "nothing is known yet"
    one.check()
    now += 1.1
    assert not one.is_known_to_be_low(), "nobody asks"
    with one._unread._lock:
        assert one.is_known_to_be_low()


@pytest.mark.parametrize("size", [TOO_MUCH, 0])
def test_the_front_door_says_so_before_it_asks_booking(
    redis: Redis, client: Any, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """The control: a recorder that keeps up leaves the request to Booking, which is not there."""
    monkeypatch.setattr(api, "PRESSURE", Pressure(redis))
    report(redis, size)
    answer = client.post("/api/bookings", {}, content_type="application/json")
    assert answer.status_code == (429 if size else 503)
    assert answer.headers["Content-Type"] == "application/problem+json"

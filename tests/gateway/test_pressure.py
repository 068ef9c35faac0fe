"""Back pressure at the front door: no more bookings while the recorder is late by minutes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from gateway import api, cached
from gateway.pressure import LATE_S, Pressure
from journal.recording.broadcast import STATUS
from sandbox.layout import free_ports
from serving.problems import Problem


def report(redis: Redis, late_s: float, ago: timedelta = timedelta()) -> None:
    at = (datetime.now(UTC) - ago).isoformat()
    redis.hset(STATUS, mapping={"behind_ms": round(late_s * 1000), "at": at})


def test_a_recorder_that_is_late_by_minutes_stops_bookings(redis: Redis) -> None:
    report(redis, LATE_S + 30)
    with pytest.raises(Problem) as caught:
        Pressure(redis).check()
    assert (caught.value.status, caught.value.headers) == (429, {"Retry-After": "5"})
    assert "150 s late, 120 s are allowed" in caught.value.detail


@pytest.mark.parametrize("late_s", [0, LATE_S - 1])
def test_one_that_is_a_little_late_does_not(redis: Redis, late_s: float) -> None:
    report(redis, late_s)
    Pressure(redis).check()


def test_a_recorder_that_is_down_is_another_matter(redis: Redis) -> None:
    report(redis, LATE_S + 30, ago=timedelta(minutes=1))
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
    report(redis, LATE_S + 30)
    one.check()
    now += 1.1
    with pytest.raises(Problem):
        one.check()


def test_while_it_is_asked_again_what_was_known_is_at_hand(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or all that come meanwhile would take the long way round, just when there is much to do."""
    now = 100.0
    monkeypatch.setattr(cached.time, "monotonic", lambda: now)
    one = Pressure(redis)
    with one._late_s._lock:
        assert not one.is_known_to_be_low(), "nothing is known yet"
    one.check()
    now += 1.1
    assert not one.is_known_to_be_low(), "nobody asks"
    with one._late_s._lock:
        assert one.is_known_to_be_low()


@pytest.mark.parametrize("late_s", [LATE_S + 30, 0])
def test_the_front_door_says_so_before_it_asks_booking(
    redis: Redis, client: Any, monkeypatch: pytest.MonkeyPatch, late_s: float
) -> None:
    """The control: a recorder that keeps up leaves the request to Booking, which is not there."""
    monkeypatch.setattr(api, "PRESSURE", Pressure(redis))
    report(redis, late_s)
    answer = client.post("/api/bookings", {}, content_type="application/json")
    assert answer.status_code == (429 if late_s else 503)
    assert answer.headers["Content-Type"] == "application/problem+json"

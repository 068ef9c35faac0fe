"""A Redis that loses its data learns again when everything was started, and who has been alive since."""

from typing import cast

import pytest
from redis import Redis

from control.signs import Signs
from gateway import readiness
from messaging.process.heartbeat import SEEN, STARTED, Heartbeat, note_start

DEAD, STARTING = "worker-seats", "relay-seats"


@pytest.fixture(autouse=True)
def a_front_door_that_was_restarted(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has seen nobody ready itself."""
    monkeypatch.setattr(readiness, "_up", set())
    monkeypatch.setattr(readiness, "redis_of_requests", lambda: redis)


def starting() -> dict[str, str]:
    return readiness._starting(dict.fromkeys((DEAD, STARTING), readiness.NO_SIGN))


def one_died(redis: Redis) -> None:
    note_start(redis)
    Heartbeat(redis, DEAD).beat()
    redis.delete(f"alive:{DEAD}")


def test_who_died_before_the_loss_is_not_told_as_starting(redis: Redis) -> None:
    one_died(redis)
    signs = Signs(redis)
    signs.turn()
    before, seen = redis.get(STARTED), redis.hgetall(SEEN)
    redis.flushall()
    signs.turn()
    assert (redis.get(STARTED), redis.hgetall(SEEN)) == (before, seen)
    assert starting() == {STARTING: readiness.STARTING}


def test_without_it_the_dead_would_be_starting_for_ever(redis: Redis) -> None:
    """The control of the test above."""
    one_died(redis)
    redis.flushall()
    assert starting() == dict.fromkeys((DEAD, STARTING), readiness.STARTING)


def test_what_redis_has_heard_since_is_kept(redis: Redis) -> None:
    one_died(redis)
    signs = Signs(redis)
    signs.turn()
    before = cast(bytes, redis.hget(SEEN, DEAD))
    redis.flushall()
    Heartbeat(redis, DEAD).beat()
    signs.turn()
    assert cast(bytes, redis.hget(SEEN, DEAD)) > before
    redis.flushall()
    note_start(redis)  # another start, while Redis was empty
    started = redis.get(STARTED)
    signs.turn()
    assert redis.get(STARTED) == started
    assert starting() == dict.fromkeys((DEAD, STARTING), readiness.STARTING)


def test_of_what_it_never_knew_it_says_nothing(redis: Redis) -> None:
    Signs(redis).turn()
    assert redis.get(STARTED) is None

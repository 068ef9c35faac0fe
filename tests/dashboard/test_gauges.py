"""How far a view is behind: of one that stands still the number grows, and it says so. Over real checkpoints and streams."""

from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from dashboard import gauges
from messaging.events.cursor import Cursor
from messaging.events.streams import name
from projections.views import VIEWS, checkpoints_of

SAVED = checkpoints_of(VIEWS["seat_map"])
pytestmark = pytest.mark.django_db(databases=["projections"])


@pytest.fixture(autouse=True)
def streams(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gauges, "redis_of_requests", lambda: redis)
    redis.delete(name("seats"))
    SAVED.ensure(["seats"])


def applied(stream_id: str) -> None:
    cursor = Cursor(source="seats", stream_id=stream_id, event_id="", horizon=0, pending=0)
    SAVED.save([cursor], applied={"seats": 1}, times={"seats": datetime.now(UTC)}, behind={"seats": 0})


def publish(redis: Redis, at: datetime) -> str:
    stream_id = f"{round(at.timestamp() * 1000)}-0"
    redis.xadd(name("seats"), {"e": "{}"}, id=stream_id)
    return stream_id


def look() -> gauges.Gauge:
    found = {one["view"]: one for one in gauges._look()}
    return gauges._now(found["seat_map"])


def test_in_step_it_is_the_lag_of_the_last_event(redis: Redis) -> None:
    applied(publish(redis, datetime.now(UTC)))
    now = look()
    assert now["lag_ms"] < 5_000
    assert now["tail"] == ""


def test_it_grows_while_the_oldest_event_is_not_applied(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    applied(publish(redis, datetime.now(UTC)))
    came = datetime.now(UTC) + timedelta(seconds=1)
    publish(redis, came)
    publish(redis, came + timedelta(seconds=5))

    found = {one["view"]: one for one in gauges._look()}
    monkeypatch.setattr(gauges, "_utcnow", lambda: came + timedelta(seconds=12))
    now = gauges._now(found["seat_map"])
    assert round(now["lag_ms"]) in range(11_990, 12_010)
    assert now["tail"] == ", stands still"
    assert gauges.gauge(now) == {"lag": "12.0 s", "tail": ", stands still"}


def test_one_that_is_reading_does_not_stand_still(redis: Redis) -> None:
    """More has come than it takes at a time: it has applied since the oldest that is left."""
    read = publish(redis, datetime.now(UTC) - timedelta(seconds=9))
    publish(redis, datetime.now(UTC) - timedelta(seconds=8))
    applied(read)
    assert look()["tail"] == ""


def test_without_redis_it_does_not_claim_to_know(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gauges, "redis_of_requests", lambda: Redis(port=9, socket_connect_timeout=0.2))
    applied("1-0")
    assert look()["tail"] == ", or more: Redis is away"


def test_a_view_that_has_applied_nothing_has_no_lag() -> None:
    assert gauges.gauge(look()) == {"lag": "nothing yet", "tail": ""}

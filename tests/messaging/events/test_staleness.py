"""How stale a copy is, as its stream says."""

from datetime import UTC, datetime, timedelta

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from messaging.events.staleness import Position, Staleness, staleness
from sandbox.layout import free_ports


def ago(seconds: float) -> datetime:
    return datetime.now(UTC) - timedelta(seconds=seconds)


def entry(redis: Redis, ago_s: float) -> str:
    stream_id = f"{int(ago(ago_s).timestamp() * 1000)}-0"  # rounded down: never younger than asked for
    redis.xadd("events.seats", {"e": "{}"}, id=stream_id)
    return stream_id


def stale(redis: Redis, stream_id: str, *, read: bool = True, updated_ago_s: float = 0) -> Staleness:
    position = Position(source="seats", stream_id=stream_id, read=read, updated_at=ago(updated_ago_s))
    (found,) = staleness(redis, [position])
    return found


def test_what_is_not_read_is_counted_and_the_oldest_of_it_says_for_how_long(redis: Redis) -> None:
    first, _, last = (entry(redis, seconds) for seconds in (60, 20, 10))
    found = stale(redis, first)
    assert found.events == 2
    assert found.ms is not None
    assert 20_000 <= found.ms < 50_000
    assert stale(redis, last) == Staleness(0, 0.0)


def test_a_copy_made_from_the_event_log_is_behind_what_came_later(redis: Redis) -> None:
    """A rebuild knows no place in the stream, only when it was done."""
    entry(redis, 60), entry(redis, 10)
    assert stale(redis, "0-0", updated_ago_s=30).events == 1
    assert stale(redis, "0-0") == Staleness(0, 0.0)
    assert stale(redis, "0-0", read=False).events == 2, "one that was never filled is behind everything"


def test_without_redis_it_is_not_known(redis: Redis) -> None:
    nobody = Redis(port=free_ports(["nobody"])["nobody"], retry=Retry(NoBackoff(), 0))
    assert stale(nobody, "1-0") == Staleness(None, None)
    assert stale(redis, "1-0") == Staleness(0, 0.0), "an empty stream has nothing to read"

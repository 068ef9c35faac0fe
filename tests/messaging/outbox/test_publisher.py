"""What a relay puts into Redis: exactly what Celery and kombu would, in one round trip."""

import json
from typing import Any

import pytest
from celery import Celery
from redis import Redis

from messaging.outbox.publisher import Publisher
from tests.messaging.outbox.relaying import batch_of, events
from tests.servers import RedisServer

ENVELOPE = {"id": "1", "kind": "reply", "type": "Héllo", "data": {"n": [1, 2.5, None, True], "text": "좌석"}}


@pytest.fixture
def app(redis_server: RedisServer) -> Celery:
    app = Celery("test", broker=redis_server.url)
    app.conf.update(task_serializer="json", task_ignore_result=True)
    return app


@pytest.fixture
def publisher(app: Celery, redis: Redis) -> Publisher:
    return Publisher(app, redis, "seats")


def without_ids(raw: bytes) -> str:
    """The text of a message, without the id of its task and its delivery tag, which are new each time."""
    message = json.loads(raw)
    text = raw.decode()
    for own in (message["headers"]["id"], message["properties"]["delivery_tag"]):
        assert own in text
        text = text.replace(own, "...")
    return text


def popped(redis: Redis, queue: str) -> bytes:
    message: Any = redis.rpop(queue)
    return bytes(message)


def test_a_task_is_byte_for_byte_what_kombu_would_have_sent(app: Celery, redis: Redis, publisher: Publisher) -> None:
    app.send_task("handle", args=[[ENVELOPE]], queue="booking", retry=False, argsrepr="", kwargsrepr="")
    kombu = popped(redis, "booking")
    assert publisher.send([], {"booking": [ENVELOPE]}) == {"booking"}
    ours = popped(redis, "booking")
    assert without_ids(ours) == without_ids(kombu)
    assert ours != kombu
    publisher.push("booking", [ENVELOPE])
    assert without_ids(popped(redis, "booking")) == without_ids(kombu)


def test_a_destination_gets_its_batch_only_if_its_queue_is_empty(redis: Redis, publisher: Publisher) -> None:
    redis.lpush("payments", "what waits there")
    batches = {"booking": [ENVELOPE], "payments": [ENVELOPE], "tickets": None}
    assert publisher.send([{"id": "e"}], batches) == {"booking", "tickets"}
    assert batch_of(popped(redis, "booking")) == [ENVELOPE]
    assert popped(redis, "payments") == b"what waits there"
    assert redis.llen("payments") == redis.llen("tickets") == 0
    assert events(redis) == [{"id": "e"}]


def test_it_is_one_round_trip(redis: Redis, publisher: Publisher) -> None:
    publisher.rehearse()
    before = stats(redis)
    publisher.send([{"id": "e"}, {"id": "f"}], {"booking": [ENVELOPE], "payments": [ENVELOPE]})
    assert stats(redis) - before <= 2, "one read of our commands, and one of the second INFO"


def stats(redis: Redis) -> int:
    """How often Redis has read from a socket."""
    told: Any = redis.info("stats")
    return int(told["total_reads_processed"])

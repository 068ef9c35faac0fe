"""A relay over a real log and a real Redis, stepped by the test: what goes in, and what a worker or a reader would find."""

import base64
import json
import uuid
from collections.abc import Callable
from typing import Any

from celery import Celery
from redis import Redis

from messaging.outbox.relay import Relay
from messaging.wal import WalStream
from tests.messaging.conftest import Database
from tests.waiting import wait_until


def make_relay(database_url: str, slot: str, redis_url: str) -> Relay:
    stream = WalStream(database_url, slot=slot, publication="outbox", name="relay-seats")
    return Relay("seats", stream, Celery("test", broker=redis_url), Redis.from_url(redis_url, retry=None))


def send(database: Database, *types: str, destination: str = "booking", kind: str = "reply") -> list[str]:
    """One transaction with a message of each type; returns their ids."""
    ids = [str(uuid.uuid4()) for _ in types]
    with database.connect() as connection, connection.transaction():
        connection.cursor().executemany(
            "insert into seats_outbox (id, kind, type, destination, correlation_id, data) values (%s, %s, %s, %s, %s, %s)",
            [(id, kind, type, destination, "b-1", '{"n": 1}') for id, type in zip(ids, types, strict=True)],
        )
    return ids


def announce(database: Database, *types: str) -> list[str]:
    return send(database, *types, destination="", kind="event")


def batch_of(message: bytes) -> list[dict[str, Any]]:
    """The envelopes in one Celery message, as kombu puts it into a Redis list."""
    args, _, _ = json.loads(base64.b64decode(json.loads(message)["body"]))
    return list(args[0])


def take(redis: Redis, queue: str = "booking") -> list[dict[str, Any]]:
    """What a worker would take next: the oldest batch; empty if there is none."""
    message: Any = redis.rpop(queue)
    return batch_of(message) if message else []


def events(redis: Redis) -> list[dict[str, Any]]:
    found: Any = redis.xrange("events.seats")
    return [json.loads(fields[b"e"]) for _, fields in found]


def run_until(relay: Relay, condition: Callable[[], object], message: str, timeout: float = 15) -> None:
    def step() -> object:
        relay.step()
        return condition()

    wait_until(step, timeout, message)


def take_all(relay: Relay, redis: Redis, count: int) -> list[dict[str, Any]]:
    """Work as a worker does, until it has seen `count` envelopes."""
    found: list[dict[str, Any]] = []

    def worked() -> bool:
        found.extend(take(redis))
        return len(found) >= count

    run_until(relay, worked, f"{count} envelopes")
    return found


def ids(envelopes: list[dict[str, Any]]) -> list[str]:
    return [envelope["id"] for envelope in envelopes]


def run_relay(database_url: str, slot: str, redis_url: str) -> None:
    """For a process of its own, to be killed."""
    make_relay(database_url, slot, redis_url).run(lambda: False)

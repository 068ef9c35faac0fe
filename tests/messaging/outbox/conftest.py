"""A relay of Seat, stepped by the test."""

from collections.abc import Iterator

import pytest
from redis import Redis

from messaging.outbox.relay import Relay
from tests.messaging.conftest import Database
from tests.messaging.outbox.relaying import make_relay
from tests.servers import RedisServer


@pytest.fixture
def relay(database: Database, redis: Redis, redis_server: RedisServer) -> Iterator[Relay]:
    relay = make_relay(database.url, database.slot, redis_server.url)
    yield relay
    relay.close()

"""The broker's side of a relay: events to a Redis Stream, commands and replies to Celery queues."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import orjson
from celery import Celery
from kombu.exceptions import OperationalError
from redis import Redis, RedisError

from messaging.events import streams
from messaging.outbox.backlog import Envelope
from topology.chosen import HOUSE
from topology.tuning import Count

STREAM_MAXLEN: Count = 100_000  # events kept in a stream, about; older ones are read from the outbox
FAILURES = (RedisError, OperationalError, OSError)
"""What sending raises while Redis is down. Whether Redis took the messages is then unknown: they are sent again."""


def queue_of(destination: str) -> str:
    """The Celery queue of a message's destination, which is a service. One that the house does not have gets a queue of its own
    name, which nobody reads."""
    return HOUSE.queues.get(destination, destination)


class Publisher:
    """Keeps one connection for the streams and one Celery producer; both are recreated after a failure."""

    def __init__(self, app: Celery, redis: Redis, service: str) -> None:
        self._app, self._redis = app, redis
        self._service, self._stream = service, streams.name(service)
        self._connection: Any = None
        self._producer: Any = None

    def events_and_lengths(self, events: Sequence[Envelope], destinations: Sequence[str]) -> dict[str, int]:
        """Append events to the service's stream, ask how long the destinations' queues are; one round trip. Raises RedisError."""
        pipe = self._redis.pipeline(transaction=False)
        for envelope in events:
            pipe.xadd(self._stream, {"e": orjson.dumps(envelope)}, maxlen=STREAM_MAXLEN, approximate=True)
        for destination in destinations:
            pipe.llen(queue_of(destination))
        answers = pipe.execute()
        return dict(zip(destinations, answers[len(events) :], strict=True))

    def batch(self, destination: str, envelopes: Sequence[Envelope]) -> None:
        """Send one Celery task `handle` with these envelopes to a service. Raises one of FAILURES."""
        try:
            self._send(destination, envelopes, self._producer or self._connect())
        except FAILURES:
            self.close()
            raise

    def rehearse(self) -> None:
        """Do once what the first batch would wait for: connect, and send a batch of none to the service's own worker.

        That batch takes the whole way, so it warms up the worker, too; a worker that is not there finds it later.
        Raises one of FAILURES.
        """
        self.events_and_lengths([], [self._service])
        self.batch(self._service, [])

    def _send(self, destination: str, envelopes: Sequence[Envelope], producer: Any) -> None:
        self._app.send_task(
            "handle",
            args=[list(envelopes)],
            queue=queue_of(destination),
            producer=producer,
            retry=False,  # the relay retries, with its own backoff and without holding up the log's reader
            argsrepr="",  # for monitoring tools we do not run; computing it costs more than the rest of a send
            kwargsrepr="",
        )

    def close(self) -> None:
        connection, self._connection, self._producer = self._connection, None, None
        if connection is not None:
            with suppress(*FAILURES):
                connection.release()

    def _connect(self) -> Any:
        self._connection = self._app.connection_for_write()
        self._producer = self._app.amqp.Producer(self._connection)
        return self._producer

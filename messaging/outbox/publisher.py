"""The broker's side of a relay: events to a Redis Stream, commands and replies to Celery queues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from celery import Celery
from kombu import Connection
from kombu.exceptions import OperationalError
from kombu.transport import memory
from kombu.utils.json import dumps
from redis import Redis, RedisError

from messaging.events import streams
from messaging.outbox.backlog import Envelope
from topology.chosen import HOUSE
from topology.tuning import Count

STREAM_MAXLEN: Count = 100_000  # events kept in a stream, about; older ones are read from the outbox
FAILURES = (RedisError, OperationalError, OSError)
"""What sending raises while Redis is down. Whether Redis took the messages is then unknown: they are sent again."""
_GIVE = """
if redis.call('LLEN', KEYS[1]) > 0 then return 0 end
if ARGV[1] then redis.call('LPUSH', KEYS[1], ARGV[1]) end
return 1
"""


def queue_of(destination: str) -> str:
    """The Celery queue of a message's destination, which is a service. One that the house does not have gets a queue of its own
    name, which nobody reads."""
    return HOUSE.queues.get(destination, destination)


def send_task(app: Celery, queue: str, envelopes: Sequence[Envelope], producer: Any = None) -> None:
    """Send one Celery task `handle` with these envelopes, whatever waits in the queue. Raises one of FAILURES."""
    app.send_task(
        "handle",
        args=[list(envelopes)],
        queue=queue,
        producer=producer,
        retry=False,  # who sends tries again by other means
        argsrepr="",  # for monitoring tools we do not run; computing it costs more than the rest of a send
        kwargsrepr="",
    )


class Publisher:
    """Sends over one connection to Redis. Celery and kombu write the tasks; were they to send them, that would be another
    round trip."""

    def __init__(self, app: Celery, redis: Redis, service: str) -> None:
        self._redis, self._service, self._stream = redis, service, streams.name(service)
        self._tasks = _Tasks(app)

    def send(self, events: Sequence[Envelope], batches: Mapping[str, Sequence[Envelope] | None]) -> set[str]:
        """Append events to the service's stream, and give each destination its batch if its queue is empty; one round trip.

        Returns the destinations whose queues were empty. `None` instead of a batch only asks. Raises one of FAILURES.
        """
        pipe = self._redis.pipeline(transaction=False)
        for envelope in events:
            pipe.xadd(self._stream, {"e": orjson.dumps(envelope)}, maxlen=STREAM_MAXLEN, approximate=True)
        for destination, batch in batches.items():
            queue = queue_of(destination)
            pipe.eval(_GIVE, 1, queue, *([] if batch is None else [self._tasks.of(queue, batch)]))
        answers = pipe.execute()[len(events) :]
        return {destination for destination, empty in zip(batches, answers, strict=True) if empty}

    def push(self, destination: str, envelopes: Sequence[Envelope]) -> None:
        """Give a destination this batch, whatever waits in its queue. Raises one of FAILURES."""
        queue = queue_of(destination)
        self._redis.lpush(queue, self._tasks.of(queue, envelopes))

    def rehearse(self) -> None:
        """Do once what the first batch would wait for: connect, and send a batch of none to the service's own worker.

        That batch takes the whole way, so it warms up the worker, too; a worker that is not there finds it later.
        Raises one of FAILURES.
        """
        self.send([], {self._service: []})


class _Tasks:
    """Celery tasks as kombu's Redis transport puts them into a list."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._channel: _Channel = Connection(transport=_Transport).channel()
        self._producer = app.amqp.Producer(self._channel)

    def of(self, queue: str, envelopes: Sequence[Envelope]) -> bytes:
        """The task `handle` with these envelopes."""
        send_task(self._app, queue, envelopes, self._producer)
        return self._channel.written


class _Channel(memory.Channel):
    """Keeps the message that would be sent."""

    written = b""

    def _put(self, queue: str, message: dict[str, Any], **_: Any) -> None:
        self.written = dumps(message).encode()


class _Transport(memory.Transport):
    Channel = _Channel

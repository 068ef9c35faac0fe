"""Warm-up: does what a process's first message would wait for, before the process reports that it works.

That is imports, connections, and what a PostgreSQL backend has to look up before it can plan. A rehearsal is a service's real
work on made-up messages, in a local transaction that is rolled back: it leaves no row, no message and no observation.
"""

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections

from messaging.database import Database
from messaging.envelope import FORWARD
from messaging.message import Body
from messaging.postgresql.bounded import patience
from topology.tuning import Seconds

log = logging.getLogger(__name__)
NOBODY = "00000000-0000-4000-8000-000000000000"
"""The booking of a made-up message."""
LOOPBACK = "127.0.0.1"
LONGEST_S: Seconds = 5.0
"""How long a warm-up, or one of its statements, may take: a process must be back soon, whatever its servers do."""


class _Rehearsed(Exception):
    """Ends a rehearsal: it leaves the transaction, which therefore rolls back."""


def warm_up(program: str, *steps: Callable[[], object]) -> None:
    """Run the steps. A failing one is logged: the process has to start even while its servers are down, and is only
    slower then."""
    began = time.monotonic()
    try:
        with patience(LONGEST_S):
            for step in steps:
                step()
    except Exception as error:
        log.warning("%s starts without a warm-up: %r", program, error)
    else:
        log.info("%s is warm after %.0f ms", program, (time.monotonic() - began) * 1000)


async def warm_up_in_loop(program: str, steps: Iterable[Callable[[], Awaitable[object]]]) -> None:
    """The same for steps that are awaited. It takes LONGEST_S at most, since clients wait for the server."""

    async def run() -> None:
        for step in steps:
            await step()

    began = time.monotonic()
    try:
        await asyncio.wait_for(run(), LONGEST_S)
    except Exception as error:
        log.warning("%s starts without a warm-up: %r", program, error)
    else:
        log.info("%s is warm after %.0f ms", program, (time.monotonic() - began) * 1000)


@contextmanager
def rolled_back(db: Database) -> Iterator[None]:
    """A local transaction that always ends with a rollback."""
    with suppress(_Rehearsed), db.atomic():
        yield
        raise _Rehearsed


def made_up(body: Body, **more: Any) -> dict[str, Any]:
    """The envelope of a command that was never sent, in a separate saga. `more`: its other attributes."""
    return {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "source": "/warm-up",
        "type": body.type(),
        "kind": "command",
        "data": body.model_dump(mode="json"),
        "sagaid": str(uuid.uuid4()),
        "sagaaction": FORWARD,
        "correlationid": NOBODY,
        **more,
    }


def look() -> None:
    """Open a connection to each database of this process; a pool keeps it for the first request."""
    try:
        for alias in set(connections) - {DEFAULT_DB_ALIAS}:
            with connections[alias].cursor() as cursor:
                cursor.execute("select 1")
    finally:
        connections.close_all()


async def get(application: Any, path: str) -> int:
    """Request a page from an ASGI application of this process, as a client on this machine would; returns the answer's
    status."""
    statuses: list[int] = []
    said = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> dict[str, Any]:
        for event in said:
            return event
        return await asyncio.Future()  # the client stays until there is an answer

    async def send(event: dict[str, Any]) -> None:
        if event["type"] == "http.response.start":
            statuses.append(event["status"])

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
        "headers": [(b"host", settings.ALLOWED_HOSTS[0].encode())], "client": (LOOPBACK, 0), "server": (LOOPBACK, 80),
    }  # fmt: skip
    await application(scope, receive, send)
    return statuses[0]

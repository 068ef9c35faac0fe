"""An ASGI application around another one: limits the size and time of request bodies, and refuses them before they are
stored.

Django writes the whole body to a temporary file before a view sees the request. Here a body of up to LONGEST bytes is read into
memory and handed on in one piece; a longer one is refused by its Content-Length, or as soon as it has been counted.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from serving.asgi import Application, send_response
from serving.problems import Problem
from topology.tuning import Seconds

LONGEST = 64 * 1024
"""Bytes. The largest hall that can be announced takes less; a booking takes a few hundred."""
DRAINED = 1024 * 1024
"""A body of up to so many bytes is read completely, and discarded, before it is refused: a connection that is closed
while its client still writes is reset, and the client may never see the reason."""
BODY = (b"content-length", b"transfer-encoding")
"""Without one of these there is none."""
READ_S: Seconds = 30.0
"""How long a body of up to LONGEST bytes may take to arrive; for a body without a size limit, each of its parts."""


class Bounded:
    """`unbounded(scope)` returns whether this request may have a body of any size, or raises the Problem to answer
    immediately."""

    def __init__(self, application: Application, unbounded: Callable[[Any], bool] = lambda scope: False) -> None:
        self._application, self._unbounded = application, unbounded

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not any(name in BODY for name, _ in scope["headers"]):
            await self._application(scope, receive, send)
            return
        try:
            if self._unbounded(scope):
                await self._application(scope, _patient(receive), send)
                return
            body = await _read(_length(scope), receive)
        except Problem as problem:
            problem.headers["Connection"] = "close"
            await send_response(send, problem.response())
            return
        if body is not None:
            await self._application(scope, _again(body, receive), send)


def _length(scope: Any) -> int:
    """The value of Content-Length; 0 without one."""
    return max(
        (int(value) for name, value in scope["headers"] if name == b"content-length" and value.isdigit()), default=0
    )


async def _read(length: int, receive: Any) -> bytes | None:
    """The whole body; None when the client has gone. Raises Problem 413 and 408."""
    body, count, more = bytearray(), 0, length <= DRAINED
    try:
        async with asyncio.timeout(READ_S):
            while more and count <= DRAINED:
                event = await receive()
                if event["type"] == "http.disconnect":
                    return None
                part, more = event.get("body", b""), event.get("more_body", False)
                count += len(part)
                if count <= LONGEST:
                    body += part
    except TimeoutError as error:
        raise Problem(408, "", f"the body did not arrive within {READ_S:.0f} s") from error
    if max(length, count) > LONGEST:
        raise Problem(413, "", f"a body has at most {LONGEST:,} bytes here")
    return bytes(body)


def _again(body: bytes, receive: Any) -> Any:
    """A `receive` for the next application: first the body, which has been read already, then further messages."""
    read = False

    async def received() -> Any:
        nonlocal read
        if read:
            return await receive()
        read = True
        return {"type": "http.request", "body": body, "more_body": False}

    return received


def _patient(receive: Any) -> Any:
    """A `receive` that waits a limited time for each part of the body, and without limit for messages after it."""
    read = False

    async def received() -> Any:
        nonlocal read
        if read:
            return await receive()
        try:
            async with asyncio.timeout(READ_S):
                event = await receive()
        except TimeoutError:
            return {"type": "http.disconnect"}
        read = not event.get("more_body", False)
        return event

    return received

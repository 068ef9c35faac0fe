"""Helpers of an ASGI fast path that bypasses Django: the ordinary request, its body, and an answer without Django.

    class FastPath:                                       # an ASGI application around Django's
        async def __call__(self, scope, receive, send):
            if not is_ordinary(scope, "POST", "/api/bookings"):
                return await self._django(scope, receive, send)

"Ordinary" is narrow. All other requests go to Django, which answers them or reports what is wrong.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.http.request import split_domain_port, validate_host

Application = Callable[[Any, Any, Any], Awaitable[None]]
KEY = b"idempotency-key"
PLACED_BY = "x-placed-by"  # from the front door to Booking: the pseudonym of the visitor who books
ONCE = (b"host", b"content-length", b"content-type", KEY)


def is_ordinary(scope: Any, method: str, path: str) -> bool:
    """This method and path, a known host, and a short body of known length; no header that matters is there twice."""
    if scope["type"] != "http" or scope["path"] != path or scope["method"] != method:
        return False
    found = [(name, value) for name, value in scope["headers"] if name in ONCE]
    headers = dict(found)
    length, host = headers.get(b"content-length", b""), headers.get(b"host", b"").decode("latin-1")
    return (
        len(found) == len(headers)
        and all(value.decode("latin-1").isprintable() and value.isascii() for value in headers.values())
        and length.isdigit()
        and int(length) <= (settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0)
        and validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS)
    )


async def body_of(receive: Any) -> bytes | None:
    """The complete body; None if the caller has gone."""
    body, more = b"", True
    while more:
        event = await receive()
        if event["type"] == "http.disconnect":
            return None
        body, more = body + event.get("body", b""), event.get("more_body", False)
    return body


def again(body: bytes, receive: Any) -> Any:
    """A `receive` for the next application: first the body, which has been read already, then further messages."""
    read = False

    async def received() -> Any:
        nonlocal read
        if read:
            return await receive()
        read = True
        return {"type": "http.request", "body": body, "more_body": False}

    return received


async def send_response(send: Any, response: HttpResponse) -> None:
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in response.items()]
    await send_answer(send, response.status_code, headers, response.content)


async def send_answer(send: Any, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    own = [(b"content-length", str(len(body)).encode()), (b"x-content-type-options", b"nosniff")]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *own]})
    await send({"type": "http.response.body", "body": body})

"""Shared by the ASGI applications around Django's: their type, and an answer that they give themselves."""

from collections.abc import Awaitable, Callable
from typing import Any

from django.http import HttpResponse

Application = Callable[[Any, Any, Any], Awaitable[None]]


async def send_response(send: Any, response: HttpResponse) -> None:
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in response.items()]
    length = (b"content-length", str(len(response.content)).encode())
    own = [length, (b"x-content-type-options", b"nosniff")]
    await send({"type": "http.response.start", "status": response.status_code, "headers": [*headers, *own]})
    await send({"type": "http.response.body", "body": response.content})

"""A WebSocket is for pages of the very origin that serves it; other addresses have none."""

import asyncio
from typing import Any

import pytest
from pytest_django import Settings

from serving.doors.origins import SameOrigin, nothing_there, same_origin


async def socket(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "websocket.accept"})


def answer(application: Any, origin: str | None, host: str = "localhost:8000", scheme: str = "ws") -> Any:
    """The status of the handshake; 101 if it is accepted."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(event: Any) -> None:
        sent.append(event)

    headers = [(b"host", host.encode()), *([(b"origin", origin.encode("latin-1"))] if origin is not None else [])]
    asyncio.run(
        application({"type": "websocket", "scheme": scheme, "path": "/ws/journal", "headers": headers}, receive, send)
    )
    return sent[0].get("status", 101)


@pytest.mark.parametrize(
    ("origin", "host", "scheme", "status"),
    [
        ("http://localhost:8000", "localhost:8000", "ws", 101),
        ("http://127.0.0.1:8000", "127.0.0.1:8000", "ws", 101),
        ("http://[::1]:8000", "[::1]:8000", "ws", 101),
        ("http://localhost", "localhost:80", "ws", 101),
        ("https://localhost", "localhost", "wss", 101),
        ("http://localhost:9999", "localhost:8000", "ws", 403),
        ("http://localhost", "localhost:8000", "ws", 403),
        ("https://localhost:8000", "localhost:8000", "ws", 403),
        ("http://127.0.0.1:8000", "localhost:8000", "ws", 403),
        ("http://elsewhere.example", "elsewhere.example", "ws", 403),  # a name that was made to lead here
        ("http://localhost:8000.elsewhere.example", "localhost:8000", "ws", 403),
        ("http://localhost:8000@elsewhere.example", "localhost:8000", "ws", 403),
        ("null", "localhost:8000", "ws", 403),
        ("", "localhost:8000", "ws", 403),
        ("http://[", "localhost:8000", "ws", 403),
        ("http://localhost:99999999", "localhost:8000", "ws", 403),
        ("\xe9", "localhost:8000", "ws", 403),
        (None, "localhost:8000", "ws", 403),
        (None, "", "ws", 403),
    ],
)
def test_only_pages_of_this_origin(origin: str | None, host: str, scheme: str, status: int) -> None:
    assert answer(SameOrigin(socket), origin, host, scheme) == status


def test_the_public_origin_of_a_proxy_is_ours(settings: Settings) -> None:
    """The proxy speaks plain HTTP to us, and may pass on any Host."""
    settings.PUBLIC_ORIGIN = "https://tickets.example"
    assert answer(SameOrigin(socket), "https://tickets.example", "web:8000") == 101
    assert answer(SameOrigin(socket), "https://tickets.example:444", "web:8000") == 403
    settings.PUBLIC_ORIGIN = ""
    assert answer(SameOrigin(socket), "https://tickets.example", "web:8000") == 403


def test_an_address_without_a_socket_is_not_found() -> None:
    assert answer(nothing_there, "http://localhost:8000") == 404


def test_two_things_that_are_no_origin_are_not_the_same() -> None:
    assert not same_origin("", "", "")

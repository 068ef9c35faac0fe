"""The front door's hot path: an ordinary booking request is forwarded unchanged to its service, without Django.

`serving.fast_path` defines "ordinary"; here it also means that there is no back pressure. Forwarding takes a third of
the time of a view.
"""

import asyncio
from typing import Any

import aiohttp
from django.conf import settings

from gateway.clients import BOOKING, ServiceDown, client
from gateway.people.operator import is_local
from gateway.people.visitor import visitor_of_header
from gateway.pressure import PRESSURE
from serving.fast_path import KEY, PLACED_BY, Application, body_of, is_ordinary, send_answer, send_response

PATH = "/api/bookings"
FORWARDED, RETURNED = (b"content-type", KEY), (b"content-type", b"location", b"retry-after")
TIMEOUT = aiohttp.ClientTimeout(total=5.0, connect=1.0)


class Gateway:
    """An ASGI application around the one that answers every other request."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._client: aiohttp.ClientSession | None = None

    async def warm_up(self) -> None:
        """What the first booking would wait for; one that comes alone takes Django's way, and Django's client to Booking."""
        await asyncio.to_thread(client)
        self._session()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if not (is_ordinary(scope, "POST", PATH) and PRESSURE.is_known_to_be_low()):
            await self._application(scope, receive, send)
            return
        placed_by = _visitor(scope)
        if not placed_by and not _is_local(scope):  # the view makes a cookie
            await self._application(scope, receive, send)
            return
        body = await body_of(receive)
        if body is None:
            return
        sent = {name.decode(): value.decode() for name, value in scope["headers"] if name in FORWARDED}
        headers = {"content-type": "application/json"} | sent | ({PLACED_BY: placed_by} if placed_by else {})
        try:
            async with self._session().post(settings.API_URLS[BOOKING] + PATH, data=body, headers=headers) as answer:
                content = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            unknown = not isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
            down = ServiceDown(BOOKING, error, unknown=unknown, key=sent.get(KEY.decode(), ""))
            await send_response(send, down.problem().response())
            return
        returned = [(name, value) for name, value in answer.raw_headers if name.lower() in RETURNED]
        await send_answer(send, answer.status, returned, content)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()

    def _session(self) -> aiohttp.ClientSession:
        """Made in the loop that serves."""
        if self._client is None:
            self._client = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=40), timeout=TIMEOUT)
        return self._client


def _visitor(scope: Any) -> str:
    cookies = [value.decode("latin-1") for name, value in scope["headers"] if name == b"cookie"]
    return visitor_of_header("; ".join(cookies))


def _is_local(scope: Any) -> bool:
    host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
    return is_local((scope.get("client") or ("",))[0], host)

"""The front door's hot path: an ordinary booking request is forwarded unchanged to its service, without Django.

"Ordinary" is narrow. All other requests go to Django, which answers them or reports what is wrong. Forwarding takes a third of
the time of a view.
"""

import asyncio
from typing import Any

import aiohttp
from django.conf import settings

from gateway.clients import BOOKING, ServiceDown, client, passed_on
from gateway.people.operator import is_local
from gateway.people.visitor import visitor_of_header
from gateway.pressure import PRESSURE
from serving.asgi import Application, send_response
from serving.doors.headers import NAME, PLACED_BY
from serving.doors.origins import is_known_host

PATH = "/api/bookings"
TYPE, KEY, HOST = "content-type", NAME.lower(), "host"
TIMEOUT = aiohttp.ClientTimeout(total=5.0, connect=1.0)


class Gateway:
    """An ASGI application around the one that answers every other request. `receive` gives a body in one piece
    (serving.doors.bodies)."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._client: aiohttp.ClientSession | None = None

    async def warm_up(self) -> None:
        """What the first booking would wait for; one that comes alone takes Django's way, and Django's client to Booking."""
        await asyncio.to_thread(client)
        self._session()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = _ordinary(scope)
        if headers is None or not PRESSURE.is_known_to_be_low():
            await self._application(scope, receive, send)
            return
        event = await receive()
        if event["type"] == "http.disconnect":
            return
        url, key = settings.API_URLS[BOOKING] + PATH, headers.get(KEY, "")
        try:
            async with self._session().post(url, data=event.get("body", b""), headers=headers) as answer:
                response = passed_on(answer.status, answer.headers, await answer.read())
        except (aiohttp.ClientError, TimeoutError) as error:
            unknown = not isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
            response = ServiceDown(BOOKING, error, unknown=unknown, key=key).problem().response()
        await send_response(send, response)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()

    def _session(self) -> aiohttp.ClientSession:
        """Made in the loop that serves."""
        if self._client is None:
            self._client = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=40), timeout=TIMEOUT)
        return self._client


def _ordinary(scope: Any) -> dict[str, str] | None:
    """The headers to forward with an ordinary request; None for any other.

    Ordinary: to this path of a known host; no header that matters here is there twice, or is more than printable ASCII; it comes
    from this machine, or with a visitor's cookie (else the view makes one).
    """
    if scope["method"] != "POST" or scope["path"] != PATH:
        return None
    sent = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    found = [(name, value) for name, value in sent if name in (TYPE, KEY, HOST)]
    headers = dict(found)
    if len(headers) < len(found) or not all(value.isascii() and value.isprintable() for value in headers.values()):
        return None
    host = headers.pop(HOST, "")
    placed_by = visitor_of_header("; ".join(value for name, value in sent if name == "cookie"))
    if not is_known_host(host) or not (placed_by or is_local((scope.get("client") or ("",))[0], host)):
        return None
    return {TYPE: "application/json", **headers, **({PLACED_BY: placed_by} if placed_by else {})}

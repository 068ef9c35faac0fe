"""Who may open a WebSocket: a page of the same origin that serves it. Browsers send the origin of the page."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from serving.asgi import Application

PORTS = {"http": 80, "https": 443}
SCHEMES = {"ws": "http", "wss": "https"}


def same_origin(origin: str, scheme: str, host: str) -> bool:
    """Whether the Origin header `origin` names this scheme (http, https) and the host and port of the Host header `host`."""
    asked = _parts(origin)
    return asked is not None and asked == _parts(f"{scheme}://{host}")


class SameOrigin:
    """An ASGI application around that of the sockets: 403 for a page of another scheme, host or port, and without an Origin."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = {name: value.decode("latin-1") for name, value in scope["headers"] if name in (b"origin", b"host")}
        origin, host = headers.get(b"origin", ""), headers.get(b"host", "")
        ours = same_origin(origin, SCHEMES.get(scope.get("scheme", "ws"), ""), host) and is_known_host(host)
        if ours or (origin and origin == settings.PUBLIC_ORIGIN):
            await self._application(scope, receive, send)
        else:
            await refuse(403, receive, send)


async def nothing_there(scope: Any, receive: Any, send: Any) -> None:
    """An ASGI application: no socket has this address."""
    await refuse(404, receive, send)


async def refuse(status: int, receive: Any, send: Any) -> None:
    """Answer a WebSocket's handshake as HTTP would."""
    await receive()
    await send({"type": "websocket.http.response.start", "status": status, "headers": []})
    await send({"type": "websocket.http.response.body", "body": b""})


def is_known_host(host: str) -> bool:
    """Whether this Host header, with or without a port, names this server."""
    return validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS)


def _parts(origin: str) -> tuple[str, str, int] | None:
    """Scheme, host and port; None if it is not an origin."""
    try:
        found = urlsplit(origin)
        port = found.port or PORTS[found.scheme]
    except (ValueError, KeyError):
        return None
    if not found.hostname or found.path or found.query or found.fragment or found.username is not None:
        return None
    return found.scheme, found.hostname, port

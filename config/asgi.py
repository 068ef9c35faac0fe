"""ASGI entry point: HTTP for every service; WebSocket for the web process only.

A room's module `api` may declare, besides its `api`: AT_START, what its first request would wait for; UNBOUNDED, which requests
may have a body of any size (see serving.doors.bodies).
"""

import asyncio
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any

from channels.routing import ProtocolTypeRouter
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.exceptions import ImproperlyConfigured
from django.urls import get_resolver

from config.pooling import pool_connections
from config.threads import close_connections_once, kept
from gateway.topology import WEB
from messaging.process.heartbeat import in_background
from messaging.process.lifecycle import settle
from messaging.process.redis import impatient_redis
from messaging.process.warm_up import get, look, warm_up_in_loop
from serving.doors.bodies import Bounded
from serving.doors.origins import nothing_there
from topology.tuning import Seconds

Step = Callable[[], Awaitable[object]]
AT_START: list[Step] = []
"""What the first request would wait for."""
AT_END: list[Step] = []


PAGES_S: Seconds = 4.0
"""How long a page waits for a frozen PostgreSQL, and before that at most for a connection. The APIs' limits are the services'
own; reading all of a service's rows has others (serving/truth_api.py)."""


def _application() -> object:
    # Independent of SERVICE: without the key the pages would be served anyway.
    if settings.SECRET_KEY == settings.NO_SECRET:
        raise ImproperlyConfigured(
            f"SERVICE={settings.SERVICE} needs a SECRET_KEY of its own: it signs the cookies of what it serves"
        )
    pages = WEB.service == settings.SERVICE
    pool_connections(8, statement_s=PAGES_S if pages else settings.HOUSE.service(settings.SERVICE).statement_s)
    close_connections_once()
    http = kept(get_asgi_application())
    AT_START.extend((lambda: asyncio.to_thread(look), lambda: get(http, "/healthz")))
    if pages:
        from dashboard.live.routing import SOCKETS
        from gateway.fast_path import Gateway
        from gateway.runs.transfer import brings_a_run

        gateway = Gateway(http)
        AT_START.extend((gateway.warm_up, lambda: get(http, "/")))
        AT_END.append(gateway.close)
        return ProtocolTypeRouter({"http": Bounded(gateway, brings_a_run), "websocket": SOCKETS})
    room = import_module(f"{settings.HOUSE.service(settings.SERVICE).module}.api")
    AT_START.extend(getattr(room, "AT_START", ()))
    unbounded = getattr(room, "UNBOUNDED", lambda scope: False)
    return ProtocolTypeRouter({"http": Bounded(http, unbounded), "websocket": nothing_there})


def _with_sign_of_life(application: Any) -> Any:
    """Once the server is up, beat like every other process: its heartbeat also lets a fault kill it."""

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await application(scope, receive, send)
            return
        while True:
            event = (await receive())["type"]
            if event == "lifespan.startup":
                program = WEB.name if WEB.service == settings.SERVICE else f"api-{settings.SERVICE}"
                get_resolver().url_patterns  # noqa: B018 - imports all pages and APIs now, not with the first request
                await warm_up_in_loop(program, AT_START)
                in_background(impatient_redis(), program)
                settle()
            if event == "lifespan.shutdown":
                for close in AT_END:
                    await close()
            await send({"type": f"{event}.complete"})
            if event == "lifespan.shutdown":
                return

    return serve


application = _with_sign_of_life(_application())

"""ASGI entry point: HTTP for every service; WebSocket for the web process only."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from channels.routing import ProtocolTypeRouter
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.exceptions import ImproperlyConfigured
from django.urls import get_resolver

from config.pooling import pool_connections
from config.threads import close_connections_once, kept
from messaging.process.heartbeat import in_background
from messaging.process.lifecycle import settle
from messaging.process.redis import impatient_redis
from messaging.process.warm_up import get, look, warm_up_in_loop
from serving.doors.bodies import Bounded
from serving.doors.origins import nothing_there

Step = Callable[[], Awaitable[object]]
AT_START: list[Step] = []
"""What the first request would wait for."""
AT_END: list[Step] = []


# How long a request waits for a frozen PostgreSQL, and before that at most for a connection; the journal's API imports
# whole runs. Reading all of a service's rows has its own limits (serving/truth_api.py).
STATEMENT_S = {"journal": 60.0, "web": 4.0}.get(settings.SERVICE, 3.0)


def _application() -> object:
    # Independent of SERVICE: without the key the pages would be served anyway.
    if settings.SECRET_KEY == settings.NO_SECRET:
        raise ImproperlyConfigured(
            f"SERVICE={settings.SERVICE} needs a SECRET_KEY of its own: it signs the cookies of what it serves"
        )
    pool_connections(8, statement_s=STATEMENT_S)
    close_connections_once()
    http = kept(get_asgi_application())
    AT_START.extend((lambda: asyncio.to_thread(look), lambda: get(http, "/healthz")))
    match settings.SERVICE:
        case "web":
            from dashboard.live.routing import SOCKETS
            from gateway.fast_path import Gateway
            from gateway.runs.transfer import brings_a_run

            gateway = Gateway(http)
            AT_START.extend((gateway.warm_up, lambda: get(http, "/")))
            AT_END.append(gateway.close)
            return ProtocolTypeRouter({"http": Bounded(gateway, brings_a_run), "websocket": SOCKETS})
        case "booking":
            from booking.api import rehearse

            AT_START.append(rehearse)
        case "journal":
            from journal.runs.runs_api import brings_a_run as unbounded

            return ProtocolTypeRouter({"http": Bounded(http, unbounded), "websocket": nothing_there})
    return ProtocolTypeRouter({"http": Bounded(http), "websocket": nothing_there})


def _with_sign_of_life(application: Any) -> Any:
    """Once the server is up, beat like every other process: its heartbeat also lets a fault kill it."""

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await application(scope, receive, send)
            return
        while True:
            event = (await receive())["type"]
            if event == "lifespan.startup":
                program = "web" if settings.SERVICE == "web" else f"api-{settings.SERVICE}"
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

"""The auditor's process: it reads in its own thread, and answers only the front door, over HTTP.

GET /audit/verdict          {"age_s", "verdict"}: the last one, at once; null before the first reading has ended
GET /audit/verdict?now=1    the same of a reading of everything that begins after the request; 503 if that takes too long
"""

import asyncio
import logging
import signal
import threading
import time
from functools import partial
from types import FrameType, ModuleType
from typing import Any

import uvicorn
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.http import HttpRequest
from django.urls import path
from ninja import NinjaAPI, Router

from audit.running.auditor import Auditor, tell_violations
from audit.running.listening import Listener
from audit.running.reading import Readings
from messaging.process.heartbeat import in_background
from messaging.process.lifecycle import impatient_redis, settle
from serving import health
from serving.doors.bodies import Bounded
from serving.doors.sockets import BoundedHttp
from serving.operator_token import OperatorToken
from serving.problems import Problem, install
from topology.tuning import Seconds

ANSWER_S: Seconds = 50.0
"""Within which a reading that somebody asked for has to end."""
LOOK_S: Seconds = 0.02  # between two checks whether the reading has ended
log = logging.getLogger(__name__)


def run(host: str, port: int) -> None:
    """Serve until SIGTERM."""
    if settings.SECRET_KEY == settings.NO_SECRET:
        raise ImproperlyConfigured("the auditor needs a SECRET_KEY of its own")
    stop = threading.Event()
    listener = Listener(impatient_redis(), stop.is_set)
    auditor = Auditor(Readings(listener), partial(tell_violations, impatient_redis()))
    turning = threading.Thread(target=_turn, args=(auditor, stop), name="auditor", daemon=True)
    use_urls(auditor)
    settle()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)  # uvicorn raises once more the signal that ended it
    turning.start()
    threading.Thread(target=listener.run, name="listener", daemon=True).start()
    in_background(impatient_redis(), "auditor")
    try:
        application = Bounded(get_asgi_application())
        uvicorn.run(
            application, host=host, port=port, access_log=False, log_level="warning", http=BoundedHttp, ws="none"
        )
    finally:
        stop.set()
        auditor.wake()


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


def _turn(auditor: Auditor, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            auditor.turn(stop.is_set)
        except Exception:  # the previous verdict stays, with its age, and the next reading may succeed
            log.exception("a reading failed; trying again")
            connections.close_all()
            stop.wait(1.0)


def use_urls(auditor: Auditor) -> None:
    """All URLs of this process belong to its API: it has no pages, cookies or scripts."""
    urls = ModuleType("audit.urls")
    urls.urlpatterns = [path("", build(auditor).urls)]  # type: ignore[attr-defined]
    settings.ROOT_URLCONF = urls
    settings.MIDDLEWARE = ["serving.problems.ProblemMiddleware"]


def build(auditor: Auditor) -> NinjaAPI:
    """The API of this process, around its auditor."""
    api = NinjaAPI(title="Sagabox: auditor", urls_namespace="auditor", docs_url=None, openapi_url=None)
    install(api)
    api.add_router("", health.router({"redis": health.redis}))
    api.add_router("/audit", _verdict(auditor))
    return api


def _verdict(auditor: Auditor) -> Router:
    routes = Router(auth=OperatorToken())

    @routes.get("/verdict")
    async def verdict(request: HttpRequest, now: bool = False) -> dict[str, Any]:
        if now:
            number, until = auditor.ask(), time.monotonic() + ANSWER_S
            while not auditor.has_answered(number):
                if time.monotonic() > until:
                    raise Problem(
                        503, "The auditor still reads", f"no verdict within {ANSWER_S:.0f} s; try again later"
                    )
                await asyncio.sleep(LOOK_S)
        published = auditor.latest()
        if published is None:
            return {"age_s": None, "verdict": None}
        return {"age_s": round(time.monotonic() - published.began, 1), "verdict": published.document}

    return routes

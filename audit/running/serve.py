"""The auditor's process: it reads in its own thread, and answers only the front door, over HTTP.

GET /audit/verdict          {"age_s", "verdict"}: the last one, at once; null before the first reading has ended
GET /audit/verdict?now=1    the same of a reading of everything that begins after the request; 503 if that takes too long
"""

import asyncio
import logging
import threading
import time
from functools import partial
from typing import Any

from django.db import connections
from django.http import HttpRequest
from ninja import NinjaAPI, Router

from audit.running.auditor import Auditor, tell_violations
from audit.running.listening import Listener
from audit.running.reading import Readings
from messaging.process.heartbeat import in_background
from messaging.process.redis import impatient_redis
from serving import health, own_api
from serving.operator_token import OperatorToken
from serving.problems import Problem, install
from topology.tuning import Seconds

ANSWER_S: Seconds = 50.0
"""Within which a reading that somebody asked for has to end."""
LOOK_S: Seconds = 0.02  # between two checks whether the reading has ended
log = logging.getLogger(__name__)


def run(host: str, port: int) -> None:
    """Serve until SIGTERM."""
    stop = threading.Event()
    listener = Listener(impatient_redis(), stop.is_set)
    auditor = Auditor(Readings(listener), partial(tell_violations, impatient_redis()))
    turning = threading.Thread(target=_turn, args=(auditor, stop), name="auditor", daemon=True)
    own_api.prepare(build(auditor))
    turning.start()
    threading.Thread(target=listener.run, name="listener", daemon=True).start()
    in_background(impatient_redis(), "auditor")
    try:
        own_api.serve(host, port)
    finally:
        stop.set()
        auditor.wake()


def _turn(auditor: Auditor, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            auditor.turn(stop.is_set)
        except Exception:  # the previous verdict stays, with its age, and the next reading may succeed
            log.exception("a reading failed; trying again")
            connections.close_all()
            stop.wait(1.0)


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

"""The control process: its keeper runs in a thread, alongside the API."""

import logging
import os
import signal
import threading
from pathlib import Path
from types import FrameType, ModuleType

import uvicorn
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.exceptions import ImproperlyConfigured
from django.urls import path
from redis import Redis

from control import slots
from control.api import build
from control.keeper import Keeper
from control.matrix import Matrix
from control.signs import Signs
from control.starter import Starter
from control.state import Store
from messaging.observe import observe
from messaging.process.heartbeat import Heartbeat
from messaging.process.lifecycle import settle
from messaging.process.redis import redis_of_a_round
from serving.doors.bodies import Bounded
from serving.doors.sockets import BoundedHttp
from topology.programs import CONTROL
from topology.tuning import Seconds

TURN_S: Seconds = 0.25  # between two turns of the control process
# with Redis; a turn may wait this long two or three times, and a client that arms or clears waits with it
PATIENCE_S: Seconds = 0.5
log = logging.getLogger(__name__)


def run(host: str, port: int) -> None:
    """Serve until SIGTERM. The environment has ADMIN_URL_<INSTANCE> and CONTROL_STATE, the directory for the plan."""
    if settings.SECRET_KEY == settings.NO_SECRET:
        raise ImproperlyConfigured("the control process needs a SECRET_KEY of its own")
    redis = redis_of_a_round(PATIENCE_S)
    starter = Starter(redis, os.environ, lambda text: observe(redis, CONTROL.service, "operator", text))
    keeper = Keeper(redis, Store(Path(os.environ["CONTROL_STATE"])), os.environ, starter.works)
    stop = threading.Event()
    turning = threading.Thread(target=_turn, args=(keeper, starter, redis, stop), name="keeper")
    matrix = Matrix(Path(os.environ["CONTROL_STATE"]), os.environ.get("API_URL_WEB", ""))
    _use_urls(keeper, matrix, starter)
    settle()
    # uvicorn raises the signal that ended it once more: by default that would kill this process before it brings
    # everything up again.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    turning.start()
    slots.keep(os.environ, keeper.report_slot, stop, starter.works)
    try:
        application = Bounded(get_asgi_application())
        uvicorn.run(
            application, host=host, port=port, access_log=False, log_level="warning", http=BoundedHttp, ws="none"
        )
    finally:
        stop.set()
        turning.join()
        matrix.rest()
        keeper.rest()


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


def _turn(keeper: Keeper, starter: Starter, redis: Redis, stop: threading.Event) -> None:
    heartbeat, signs = Heartbeat(redis, "control"), Signs(redis)
    while not stop.wait(TURN_S):
        try:
            starter.turn()
            keeper.turn()
            signs.turn()
            heartbeat.beat()
        except Exception:  # for example a full disk; the plan in Redis is still valid, and the next turn may succeed
            log.exception("the keeper's turn failed; trying again")


def _use_urls(keeper: Keeper, matrix: Matrix, starter: Starter) -> None:
    """All URLs of this process belong to its API: it has no pages, cookies or scripts."""
    urls = ModuleType("control.urls")
    urls.urlpatterns = [path("", build(keeper, matrix, starter).urls)]  # type: ignore[attr-defined]
    settings.ROOT_URLCONF = urls
    settings.MIDDLEWARE = ["serving.problems.ProblemMiddleware"]

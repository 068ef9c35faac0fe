"""The control process: its keeper runs in a thread, alongside the API."""

import logging
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from redis import Redis, RedisError

from control import slots
from control.api import build
from control.children import Matrix, Trial
from control.keeper import Keeper
from control.on_demand.measurement import Measurement
from control.on_demand.rigs import Rigs
from control.on_demand.starter import Starter
from control.signs import Signs
from control.state import Store
from messaging.observe import observe
from messaging.process.heartbeat import Heartbeat
from messaging.process.redis import redis_of_a_round
from messaging.wal import unread
from serving import own_api
from topology.programs import CONTROL
from topology.tuning import Seconds

TURN_S: Seconds = 0.25  # between two turns of the control process
# with Redis; a turn may wait this long two or three times, and a client that arms or clears waits with it
PATIENCE_S: Seconds = 0.5
log = logging.getLogger(__name__)


def run(host: str, port: int) -> None:
    """Serve until SIGTERM. The environment has ADMIN_URL_<INSTANCE> and CONTROL_STATE, the directory for the plan."""
    redis = redis_of_a_round(PATIENCE_S)
    starter = Starter(redis, os.environ, lambda text: observe(redis, CONTROL.service, "operator", text))
    keeper = Keeper(redis, Store(Path(os.environ["CONTROL_STATE"])), os.environ, starter.works)
    stop = threading.Event()
    state, front = Path(os.environ["CONTROL_STATE"]), os.environ.get("API_URL_WEB", "")
    matrix, trial = Matrix(state, front), Trial(state, front)
    measurement = Measurement(state, front)
    rigs = Rigs(starter, os.environ, lambda: measurement.running)
    own_api.prepare(build(keeper, matrix, trial, starter, rigs, measurement))
    turning = threading.Thread(target=_turn, args=(keeper, (starter.turn, rigs.turn), redis, stop), name="keeper")
    turning.start()
    try:
        slots.keep(os.environ, keeper.report_slot, partial(_measured, redis), stop, starter.works)
        own_api.serve(host, port)
    finally:
        stop.set()
        turning.join()
        matrix.rest()
        trial.rest()
        measurement.rest()
        keeper.rest()


def _measured(redis: Redis, database: str, size: int) -> None:
    with suppress(RedisError):  # the next report follows in a second
        unread.report(redis, database, size)


def _turn(keeper: Keeper, others: Sequence[Callable[[], None]], redis: Redis, stop: threading.Event) -> None:
    heartbeat, signs = Heartbeat(redis, "control"), Signs(redis)
    while not stop.wait(TURN_S):
        try:
            for turn in (*others, keeper.turn):
                turn()
            signs.turn()
            heartbeat.beat()
        except Exception:  # for example a full disk; the plan in Redis is still valid, and the next turn may succeed
            log.exception("the keeper's turn failed; trying again")

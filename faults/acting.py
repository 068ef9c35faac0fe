"""What a fault does to the process it strikes."""

import os
import signal
import threading
import time
from collections.abc import Callable

from redis import Redis

from faults.fault import HANG_S, Fault
from faults.holding import Hold
from faults.points import Action
from faults.target import Target
from topology.tuning import Seconds

BREATH_S: Seconds = 0.05  # between two looks whether a process that stands still may resume
_hanging = threading.Event()

Alive = Callable[[], object]
"""Called while a process is held: it sends heartbeats. Returning False ends the wait (the process has to stop)."""


class InjectedError(RuntimeError):
    """Raised by a fault on purpose; never by an outage of our own."""


def act(fault: Fault, redis: Redis, process: str, target: Target, alive: Alive = lambda: True) -> str:
    """Carry out error, crash, delay, hold, pause or hang. Other actions are up to the call site. Returns how a hold or
    a pause ended, otherwise "". Raises InjectedError.
    """
    match fault.action:
        case Action.ERROR:
            raise InjectedError(f"injected at {fault.point} ({target.message or process})")
        case Action.CRASH:
            os.kill(os.getpid(), signal.SIGKILL)
        case Action.DELAY:
            _wait(fault.seconds, alive)
        case Action.HANG:
            _hang(fault.seconds or HANG_S)
        case Action.HOLD | Action.PAUSE:
            return _stand(Hold(redis, fault, process, target), alive)
    return ""


def hanging() -> bool:
    """Whether this process hangs on purpose: its remaining threads must send no heartbeat then."""
    return _hanging.is_set()


def _hang(seconds: float) -> None:
    _hanging.set()
    try:
        time.sleep(seconds)
    finally:
        _hanging.clear()


def _stand(hold: Hold, alive: Alive) -> str:
    while not (ended := hold.ended()):
        if alive() is False:
            hold.leave()
            return "ends with its process"
        time.sleep(BREATH_S)
    return ended


def _wait(seconds: float, alive: Alive) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0 and alive() is not False:
        time.sleep(min(left, BREATH_S))

"""`manage.py sandbox up`: start, show the URL, wait for a signal, stop everything."""

import signal
from types import FrameType

from sandbox.errors import SandboxError
from sandbox.layout import Layout
from sandbox.runtime import Sandbox
from sandbox.stages import Stages

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stop(BaseException):
    """A person or the system wants us to end. Not an Exception: no handler on the way may take it for a failure."""


def run(layout: Layout, stages: Stages) -> None:
    """Block until a signal (returns) or until something fails (raises SandboxError). Leaves nothing running."""
    sandbox = Sandbox(layout.root, layout.port, stages, layout.front)
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN or number is not signal.SIGHUP:  # `nohup make run` means it
            signal.signal(number, _raise_stop)
    try:
        sandbox.start()
        stages.ready(sandbox.url)
        sandbox.wait()
        raise SandboxError("supervisord has died, and everything with it", layout.log("supervisord"))
    except Stop:
        stages.say("Stopping ...")
    finally:
        _ignore_signals()
        if sandbox.supervisord is None:
            sandbox.stop()
        else:
            with stages.stage("Stopped"):
                sandbox.stop()


def _raise_stop(number: int, frame: FrameType | None) -> None:
    _ignore_signals()  # `make` and the terminal may both pass the same wish on, and stopping is not to be interrupted
    raise Stop


def _ignore_signals() -> None:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)

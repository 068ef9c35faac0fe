"""`manage.py sandbox up`: start, show the URL, wait for a signal, stop everything."""

import hashlib
import signal
from ipaddress import ip_address
from types import FrameType

from sandbox.data import storage
from sandbox.errors import SandboxError
from sandbox.layout import Layout
from sandbox.machine.address import addresses as public_addresses
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
        stages.ready(layout.front.origin or sandbox.url)
        if not layout.front.is_private:
            show_addresses(layout, sandbox.environments.secrets["OPERATOR_TOKEN"], stages)
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


def show_addresses(layout: Layout, token: str, stages: Stages) -> None:
    """The addresses, and the operator token: once, so that it is not in the log of every start."""
    addresses = (
        public_addresses(layout.front.host) if ip_address(layout.front.host).is_unspecified else [layout.front.reach]
    )
    who = "The proxy passes on to" if layout.front.origin else "Others reach it at"
    stages.say(f"{who} " + ", ".join(f"http://{address}:{layout.port}/" for address in addresses))
    digest = hashlib.sha256(token.encode()).hexdigest()
    place = f"OPERATOR_TOKEN in {layout.state / 'secrets.env'}"
    if storage.recall(layout).get("told") == digest:
        stages.say(f"The operator token is {place}")
        return
    stages.say(f"The operator token, shown this once ({place}): {token}")
    storage.remember(layout, told=digest)


def _raise_stop(number: int, frame: FrameType | None) -> None:
    _ignore_signals()  # `make` and the terminal may both pass the same wish on, and stopping is not to be interrupted
    raise Stop


def _ignore_signals() -> None:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)

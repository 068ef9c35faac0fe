"""Waiting for things that start, with a deadline, and with an eye on those that keep dying meanwhile."""

import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Mapping

from control.health import is_healthy
from sandbox.errors import SandboxError
from sandbox.layout import Layout
from sandbox.running.supervise import Supervisor
from topology.processes import Process

# supervisord restarts a process that dies at once after 1, 2, 3 ... s; a fourth start while we wait is no accident.
STARTS_TOLERATED = 4


def until_supervised(
    supervisor: Supervisor, child: subprocess.Popen[bytes], layout: Layout, patience: float = 20
) -> None:
    """Until supervisord answers on its socket."""
    deadline = time.monotonic() + patience
    while not supervisor.is_up():
        if child.poll() is not None or time.monotonic() > deadline:
            raise SandboxError("supervisord did not come up", layout.log("supervisord"))
        time.sleep(0.05)


def until_healthy(
    supervisor: Supervisor,
    processes: list[Process],
    layout: Layout,
    environment: Mapping[str, str],
    patience: float,
    *,
    works: Callable[[Process], None] = lambda process: None,
    look_s: float = 0.25,
) -> None:
    """Until each process works; `works` is called with each as soon as it does. Raises SandboxError with the log of one
    that does not.

    `look_s` from one look to the next: asking takes processor time that those who start could use.
    """
    deadline = time.monotonic() + patience
    starts: dict[str, set[int]] = defaultdict(set)
    missing = list(processes)
    while True:
        healthy = [one for one in missing if is_healthy(one, layout.ports, environment, layout.front.reach)]
        for process in healthy:
            works(process)
        missing = [process for process in missing if process not in healthy]
        if not missing:
            return
        statuses = supervisor.statuses()
        for process in missing:
            status = statuses[process.name]
            starts[process.name].add(status.since)
            if len(starts[process.name]) > STARTS_TOLERATED:
                raise SandboxError(f"{process.name} keeps dying", layout.log(process.name))
        if time.monotonic() > deadline:
            names = ", ".join(process.name for process in missing)
            raise SandboxError(f"not ready after {patience:.0f} s: {names}", layout.log(missing[0].name))
        time.sleep(look_s)

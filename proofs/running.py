"""The running sandbox that a tool works on: the one of $PORT, started from this directory."""

import os
import subprocess
import sys

from django.conf import settings
from dotenv import dotenv_values

from proofs.house import wait_for
from sandbox.data import storage
from sandbox.layout import Layout
from sandbox.machine.address import port_of
from sandbox.running.supervise import INHERITED, Supervisor
from topology.processes import celery


class NoSandbox(RuntimeError):
    """No sandbox runs there, or only parts of it; the text says what to do."""


def layout() -> Layout:
    """Whether or not it runs."""
    return storage.layout_of(settings.BASE_DIR, port_of(os.environ.get("PORT")))


def supervisor(layout: Layout) -> Supervisor:
    """The supervisor of its processes. Raises NoSandbox."""
    socket = storage.control_socket(layout)
    if socket is None or not (found := Supervisor(socket)).is_up():
        raise NoSandbox(f"no sandbox runs at {layout.url}; start one: make run PORT={layout.port}")
    return found


def another_worker(layout: Layout, service: str, name: str) -> subprocess.Popen[bytes]:
    """Start another worker of the service; returns once it takes messages. The caller ends it. Raises NotInTime."""
    command = [sys.executable, *celery(service)]
    command[command.index(f"{service}@%h")] = f"{name}@%h"
    command[command.index("WARNING")] = "INFO"  # to hear it say that it is ready
    kept = {variable: os.environ[variable] for variable in INHERITED if variable in os.environ}
    environment = {**kept, **values(layout, service), "SERVICE": service}
    path = layout.logs / f"worker-{name}.log"
    with path.open("wb") as log:
        process = subprocess.Popen(command, cwd=layout.root, env=environment, stdout=log, stderr=log)
    try:
        wait_for(lambda: b" ready." in path.read_bytes(), 60, f"another worker of {service}")
    except BaseException:
        process.kill()
        raise
    return process


def values(layout: Layout, service: str) -> dict[str, str]:
    """The environment of the service's processes."""
    found = dotenv_values(layout.environment_file(service))
    return {name: value for name, value in found.items() if value is not None}

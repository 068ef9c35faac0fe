"""The running sandbox that a tool works on: the one of $PORT, started from this directory."""

import os

from django.conf import settings

from sandbox.data import storage
from sandbox.layout import Layout
from sandbox.machine.address import port_of
from sandbox.running.supervise import Supervisor


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

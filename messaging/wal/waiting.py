"""Sleeps until there is something to read, for a loop that serves several streams."""

from __future__ import annotations

import select
from collections.abc import Sequence

from .stream import WalStream


def wait(streams: Sequence[WalStream], timeout: float) -> None:
    """Return when a stream has something to read, or after `timeout` seconds; sooner if one has to connect."""
    if any(stream.ready for stream in streams):
        return
    if not all(stream.connected for stream in streams):
        timeout = min(timeout, 0.02)
    poller = select.poll()  # not select(): a process may have descriptors above 1024
    for stream in streams:
        descriptor = stream.fileno()
        if descriptor is not None:
            poller.register(descriptor, select.POLLIN)
    poller.poll(timeout * 1000)

"""Follows the services' events to find changes: the streams, and the event APIs for lost events.

It runs in its own thread. An event only names what to read: the rows come from the services.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping

from django.db import connections
from redis import Redis

from audit.running.scope import Scope, of_event, union
from messaging.events.cursor import Cursor
from messaging.events.reader import Reader, event_apis
from topology.chosen import HOUSE

log = logging.getLogger(__name__)


class Listener:
    """`begin` sets the start; `take` returns what has changed since its last call."""

    def __init__(self, redis: Redis, stopping: Callable[[], bool]) -> None:
        self._reader = Reader("auditor", redis=redis, apis=event_apis(service.name for service in HOUSE.services))
        self._stopping = stopping
        self._lock = threading.Lock()
        self._changed, self._missed = Scope(), False
        self._begin: list[Cursor] = []
        self._sources: frozenset[str] = frozenset()

    @property
    def sources(self) -> frozenset[str]:
        """The followed services."""
        return self._sources

    def begin(self, horizons: Mapping[str, int]) -> None:
        """Follow these services since these transactions: everything before is known."""
        with self._lock:
            self._sources = frozenset(horizons)
            self._begin = [Cursor(source=source, horizon=horizon) for source, horizon in horizons.items()]

    def take(self) -> tuple[Scope, bool]:
        """What has changed, and whether there was an unreadable event: then anything may have changed."""
        with self._lock:
            taken = self._changed, self._missed
            self._changed, self._missed = Scope(), False
        return taken

    def put_back(self, scope: Scope) -> None:
        """Return taken changes, to be read later."""
        with self._lock:
            self._changed |= scope

    def run(self) -> None:
        """Follow until `stopping()`."""
        while not self._stopping():
            try:
                self._turn()
            except Exception:  # any failure: the changes meanwhile are unknown
                log.exception("following the services' events failed; everything is read again")
                self._note(Scope(), missed=True)
                connections.close_all()
                time.sleep(1.0)
        self._reader.close()

    def _turn(self) -> None:
        with self._lock:
            begin, self._begin = self._begin, []
        if begin:
            self._reader.start(begin)
        elif not self._sources:
            time.sleep(0.1)
            return
        batch = self._reader.read()
        self._note(union(map(of_event, batch.envelopes)), missed=bool(batch.unreadable))

    def _note(self, scope: Scope, *, missed: bool) -> None:
        with self._lock:
            self._changed |= scope
            self._missed = self._missed or missed

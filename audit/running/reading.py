"""The auditor's readings: of everything now and then, and of changes in between. Each ends in a document to publish."""

import time
from collections import deque
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.utils import timezone

from audit import links, reader
from audit.running import partial
from audit.running.ledger import Ledger
from audit.running.listening import Listener
from audit.running.scope import Scope, of_breach, union
from audit.truth import LATE_S, Truth, Views
from messaging.postgresql.bounded import patience
from messaging.process.on_demand import OnDemand
from messaging.process.redis import redis_of_requests
from projections import snapshot
from topology.tuning import Count, Seconds

Document = dict[str, Any]
READING_S: Seconds = 20.0  # a statement over all rows of the views
MOST: Count = 1000
"""Bookings, seats and customers, each, in one reading of what has changed; what else has changed waits for the next."""
UNSETTLED: Count = 200
"""How many bookings under way, or breaches, are checked again in one reading without an event."""


class Readings:
    """`readings(everything)` reads and judges. Not thread-safe."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._ledger = Ledger()
        self._links = links.Links()
        self._read_whole = float("-inf")  # when the last reading of everything began
        self._whole_at = ""
        self._everything_is_due = True
        self._on_demand = OnDemand(redis_of_requests())
        self._urls: dict[str, str] = {}
        self._again: deque[tuple[float, Scope]] = deque()  # (when, what): views may have changed without their owners

    def __call__(self, everything: bool) -> Document:
        """{"at", "took_ms", "whole_at", "status", "bookings", "unavailable", "invariants"}, see audit.verdict.

        `whole_at`: when everything was read last. Each piece of evidence has `pos` and `url`, see audit.links.
        """
        began, at = time.monotonic(), timezone.now()
        changed, missed = self._listener.take()
        stopped = self._on_demand.stopped_apis()
        urls = {service: url for service, url in settings.API_URLS.items() if service not in stopped}
        if urls.keys() != self._urls.keys():
            self._urls, missed = urls, True
        whole = everything or missed or self._everything_is_due or began >= self._read_whole + settings.AUDIT_EVERY_S
        self._everything_is_due = True  # if this reading fails, the changes are unknown
        if whole or self._what_changed(changed, began):
            self._everything()
        self._everything_is_due = False
        document = self._ledger.verdict().as_dict()
        self._links.put(document["invariants"])
        took_ms = round((time.monotonic() - began) * 1000)
        return {"at": at.isoformat(), "took_ms": took_ms, "whole_at": self._whole_at, **document}

    def _everything(self) -> None:
        self._read_whole, self._whole_at = time.monotonic(), timezone.now().isoformat()
        truth = reader.settled(reader.read(self._urls, views), self._urls)
        self._ledger = Ledger()
        self._ledger.put(truth)
        self._again.clear()
        horizons = {service: int(answer.meta["horizon"]) for service, answer in truth.answers.items()}
        if not self._listener.sources >= horizons.keys():
            self._listener.begin(horizons)

    def _what_changed(self, changed: Scope, began: float) -> bool:
        """Whether everything has to be read: a service answers again that had missed requests meanwhile."""
        now = changed.first(MOST)
        self._listener.put_back(changed - now)
        if now:
            self._again.append((began + LATE_S, now))
        due = [self._again.popleft()[1] for _ in range(sum(when <= began for when, _ in self._again))]
        scope = union((now, *due, self._ledger.unsettled(UNSETTLED)))
        silent = bool(self._ledger.unavailable)
        if not scope and not silent:
            return False
        before = self._ledger.violated()
        truth = self._put(scope)
        if fresh := self._ledger.violated() - before:  # it has to be found a second time: a booking may have moved
            self._put(union(map(of_breach, fresh)).first(MOST))
        return silent and not truth.unavailable

    def _put(self, scope: Scope) -> Truth:
        truth, whole = partial.read(self._urls, scope, views, self._ledger.rivals)
        self._ledger.put(truth, whole)
        return truth


def views(scope: Scope | None = None) -> Views:
    """The read models' rows, all or a part. Raises reader.SilentError."""
    part = None
    if scope is not None:
        part = snapshot.Part(bookings=scope.bookings, seats=scope.seats, customers=scope.customers)
    try:
        with patience(READING_S):
            shown = snapshot.read(part)
    except (DatabaseError, InterfaceError) as error:
        raise reader.SilentError(f"the read models' database does not answer: {type(error).__name__}") from error
    return Views(**vars(shown))

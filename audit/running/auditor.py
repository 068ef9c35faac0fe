"""The auditor's loop: one reading after another, in one thread, and the verdict that other threads get meanwhile.

    auditor = Auditor(read, tell)
    auditor.turn()                      # again and again, in the auditor's own thread
    auditor.latest()                    # from any thread, at once
    number = auditor.ask()              # a reading that begins from now on, please
    auditor.has_answered(number)        # whether `latest` is of such a one

The last verdict is there at once; a caller that requests a new one waits for its reading.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from redis import Redis

from messaging.observe import observe
from topology.tuning import Seconds

log = logging.getLogger(__name__)
Document = dict[str, Any]
PACE_S: Seconds = 2.0
"""From the end of a reading to the next. Gained: at 49 bookings/s the auditor took 4 % of a core, and its verdict was 6 s
old in the median."""


@dataclass(frozen=True, slots=True)
class Published:
    """A verdict, and when its reading began (time.monotonic)."""

    document: Document
    began: float


class Auditor:
    """`read(everything)` reads and judges; it returns the verdict as a document (see audit.running.reading).

    `tell(before, now)` is called with each verdict and the previous one.
    """

    def __init__(self, read: Callable[[bool], Document], tell: Callable[[Document, Document], None]) -> None:
        self._read, self._tell = read, tell
        self._published: Published | None = None
        self._asked = self._answered = 0
        self._news = threading.Condition()

    def latest(self) -> Published | None:
        """None before the first reading has ended."""
        return self._published

    def ask(self) -> int:
        """Request a reading of everything that begins from now on; returns the request's number."""
        with self._news:
            self._asked += 1
            self._news.notify_all()
            return self._asked

    def has_answered(self, number: int) -> bool:
        return self._answered >= number

    def turn(self, stopping: Callable[[], bool] = lambda: False) -> None:
        """Wait for PACE_S or for a request; then read, judge and publish."""
        with self._news:
            if self._published:
                self._news.wait_for(lambda: self._asked > self._answered or stopping(), PACE_S)
            if stopping():
                return
            asked = self._asked
        began = time.monotonic()
        document = self._read(asked > self._answered)
        before = self._published.document if self._published else {}
        self._published, self._answered = Published(document, began), asked
        self._tell(before, document)

    def wake(self) -> None:
        """Let a waiting turn check again whether it should stop."""
        with self._news:
            self._news.notify_all()


def tell_violations(redis: Redis, before: Document, now: Document) -> None:
    """Mark in the journal when an invariant is first seen violated, so that a replay can be scrubbed to it."""
    known = {one["name"] for one in before.get("invariants", ()) if one["status"] == "violated"}
    for one in now["invariants"]:
        if one["status"] == "violated" and one["name"] not in known:
            since = [piece["pos"] for piece in one["evidence"] if piece.get("pos")]
            told = {"invariant": one["name"], "count": one["count"], "since": min(since, default=None)}
            # Without a booking: the bookings' own stories come from the code that saw them happen.
            observe(redis, "audit", "violation", f"violated: {one['title']}", data=told)

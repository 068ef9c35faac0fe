"""An answer that many pages request and that is expensive to compute: one of them refreshes it now and then."""

import time
from collections.abc import Callable
from threading import Lock, Thread
from typing import Generic, TypeVar

from django.db import connections

from topology.tuning import Seconds, Times

T = TypeVar("T")
MOMENT_S: Seconds = 0.2
"""How long a page may wait for an answer that usually arrives immediately. Gained: while Redis is down the banner does not wait 2
to 10 s for all parts before it shows what is armed."""
# multiple of the allowed age after which an answer is discarded: a page must not show the state of an hour ago
TOO_OLD: Times = 10


class Cached(Generic[T]):
    """The last result of `look()`, refreshed when it is more than `seconds` old; `first` until there is one. While one
    caller refreshes, the others get the previous result: a part that is down may take seconds to answer.
    """

    def __init__(self, look: Callable[[], T], seconds: float, first: T) -> None:
        self._look, self._seconds, self._found, self._first = look, seconds, first, first
        self._lock = Lock()
        self._asked_at = float("-inf")

    def is_current(self) -> bool:
        return time.monotonic() - self._asked_at <= self._seconds

    def is_at_hand(self) -> bool:
        """Whether `get` returns without a look: the result is fresh, or another caller is already refreshing it."""
        return self.is_current() or (self._lock.locked() and self._asked_at > float("-inf"))

    def forget(self) -> None:
        """Look again when somebody asks next."""
        self._asked_at = float("-inf")

    def last(self) -> T:
        """What was found last, however old."""
        return self._found

    def at_once(self) -> T:
        """The result of another thread, if it arrives within a moment, else the last one; `first` if that is much too
        old to show."""
        if not self.is_current() and not self._lock.locked():
            aside = Thread(target=self._look_aside, daemon=True, name="fresh")
            aside.start()
            aside.join(MOMENT_S)
        usable = time.monotonic() - self._asked_at <= TOO_OLD * self._seconds
        return self._found if usable else self._first

    def _look_aside(self) -> None:
        try:
            self.get()
        finally:
            connections.close_all()

    def get(self) -> T:
        if not self.is_current() and self._lock.acquire(blocking=False):
            try:
                self._found = self._look()
                self._asked_at = time.monotonic()
            finally:
                self._lock.release()
        return self._found

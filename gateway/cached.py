"""An answer that many pages ask for and that costs something to get: asked for anew now and then, by one of them."""

import time
from collections.abc import Callable
from threading import Lock, Thread
from typing import Generic, TypeVar

from django.db import connections

T = TypeVar("T")
MOMENT_S = 0.2  # that a page may wait for what is usually found at once
TOO_OLD = 10  # times as old as an answer may be: somebody looked, but the page must not tell what was so an hour ago


class Fresh(Generic[T]):
    """What `look()` found last, asked anew when that is more than `seconds` old; `first` until it has answered.

    Who asks while another asks already gets the answer before: a part that is down may take seconds to say so.
    """

    def __init__(self, look: Callable[[], T], seconds: float, first: T) -> None:
        self._look, self._seconds, self._found, self._first = look, seconds, first, first
        self._lock = Lock()
        self._asked_at = float("-inf")

    def is_fresh(self) -> bool:
        return time.monotonic() - self._asked_at <= self._seconds

    def is_at_hand(self) -> bool:
        """Whether `get` answers without a look: it is fresh, or somebody else looks already."""
        return self.is_fresh() or (self._lock.locked() and self._asked_at > float("-inf"))

    def at_once(self) -> T:
        """What another thread finds within a moment, else what was found last; `first` if that is much too old to be told."""
        if not self.is_fresh() and not self._lock.locked():
            aside = Thread(target=self._look_aside, daemon=True, name="fresh")
            aside.start()
            aside.join(MOMENT_S)
        told = time.monotonic() - self._asked_at <= TOO_OLD * self._seconds
        return self._found if told else self._first

    def _look_aside(self) -> None:
        try:
            self.get()
        finally:
            connections.close_all()

    def get(self) -> T:
        if not self.is_fresh() and self._lock.acquire(blocking=False):
            try:
                self._found = self._look()
                self._asked_at = time.monotonic()
            finally:
                self._lock.release()
        return self._found

"""An answer that many pages ask for and that costs something to get: asked for anew now and then, by one of them."""

import time
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Fresh(Generic[T]):
    """What `look()` found last, asked anew when that is more than `seconds` old; `first` until it has answered.

    Who asks while another asks already gets the answer before: a part that is down may take seconds to say so.
    """

    def __init__(self, look: Callable[[], T], seconds: float, first: T) -> None:
        self._look, self._seconds, self._found = look, seconds, first
        self._lock = Lock()
        self._asked_at = float("-inf")

    def is_fresh(self) -> bool:
        return time.monotonic() - self._asked_at <= self._seconds

    def is_at_hand(self) -> bool:
        """Whether `get` answers without a look: it is fresh, or somebody else looks already."""
        return self.is_fresh() or (self._lock.locked() and self._asked_at > float("-inf"))

    def get(self) -> T:
        if not self.is_fresh() and self._lock.acquire(blocking=False):
            try:
                self._found = self._look()
                self._asked_at = time.monotonic()
            finally:
                self._lock.release()
        return self._found

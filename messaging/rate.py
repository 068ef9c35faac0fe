"""How much comes: a lone booking's messages travel at once, those of a stream can wait a moment and share the way."""

import math
import time


class Rate:
    """Things of the last second or so; older ones fade."""

    def __init__(self) -> None:
        self._recent, self._at = 0.0, time.monotonic()

    def count(self, things: int) -> None:
        self._recent = self.a_second() + things

    def a_second(self) -> float:
        now = time.monotonic()
        self._recent *= math.exp(self._at - now)
        self._at = now
        return self._recent

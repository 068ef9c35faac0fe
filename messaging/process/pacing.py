"""How much comes: a lone booking's messages travel at once, those of a stream can wait a moment and share the way."""

import math
import time

QUIET = 20  # things a second
FOR_A_SECOND = 500  # the same, for rounds of a second
ENOUGH = 200  # things in a round: whoever takes them could take no more at once
# Messages a second: bookings each of which waits for the last make some seventy, and find a free way.
ONE_AFTER_ANOTHER = 100
# Over how many seconds it is counted. A stream that begins is one before it has made a jam of what still travels alone.
SOON, LATER = 0.3, 1.0


class Rate:
    """Things a second of late; older ones fade. `quiet`: up to so many a second, nothing waits. `over_s`: see SOON."""

    def __init__(self, quiet: float = QUIET, over_s: float = SOON) -> None:
        self._recent, self._at = 0.0, time.monotonic()
        self._quiet, self._over_s = quiet, over_s

    def count(self, things: int) -> None:
        self._fade()
        self._recent += things

    def a_second(self) -> float:
        self._fade()
        return self._recent / self._over_s

    def round_s(self, longest_s: float) -> float:
        """How long what comes should be let gather, in seconds: not at all while it is quiet, then the longer the more comes.

        A round costs the same for one thing as for ten. Of r things a second it holds r * r / FOR_A_SECOND, and never more than
        ENOUGH.
        """
        rate = self.a_second()
        return min(rate / FOR_A_SECOND, longest_s, ENOUGH / rate) if rate > self._quiet else 0.0

    def _fade(self) -> None:
        now = time.monotonic()
        self._recent *= math.exp((self._at - now) / self._over_s)
        self._at = now

"""Measures the rate: a lone booking's messages travel immediately, those of a stream can wait a moment and share a batch."""

import math
import time

from topology.tuning import Count, PerSecond, Seconds

QUIET: PerSecond = 20  # things a second up to which nothing waits
FOR_A_SECOND: PerSecond = 500
"""Things a second for which a round lasts a second. Gained: with rounds that grow with the rate, 60 to 40 ms of processor
time a booking at 20/s, 33 to 22 at 45/s."""
ENOUGH: Count = 200  # things in a round: their receiver could handle no more at once
ONE_AFTER_ANOTHER: PerSecond = 100
"""Messages up to which nothing waits: bookings each of which waits for the last one make some seventy. Gained: such a
booking, p50 389 to 164 ms."""
SOON: Seconds = 0.3
"""Over which a rate is counted: a stream is recognised before it is a jam. Gained: commit to pixel at 50/s, p95 157,
149, 133 to 133, 124, 116 ms."""
LATER: Seconds = 1.0  # the same for the recorder, for which a lone booking makes twenty entries in a burst


class Pacer:
    """Says when the next round is due, from the recent rate of things; older ones fade.

        pacer.count(len(batch))
        time.sleep(max(0.0, pacer.due_at(began) - time.monotonic()))

    `longest_s`: the longest round. `quiet`: up to so many things a second nothing waits. `over_s`, `enough`: see SOON, ENOUGH.
    """

    def __init__(self, longest_s: float, *, quiet: float = QUIET, over_s: float = SOON, enough: float = ENOUGH) -> None:
        self._recent, self._at = 0.0, time.monotonic()
        self._longest_s, self._quiet, self._over_s, self._enough = longest_s, quiet, over_s, enough

    def count(self, things: int) -> None:
        self._fade()
        self._recent += things

    def a_second(self) -> float:
        self._fade()
        return self._recent / self._over_s

    def round_s(self) -> float:
        """How long to let messages accumulate (seconds): 0 below `quiet`, then growing with the rate.

        A round costs the same for one thing as for ten. At r things a second it holds r * r / FOR_A_SECOND, and never
        more than `enough`.
        """
        rate = self.a_second()
        return min(rate / FOR_A_SECOND, self._longest_s, self._enough / rate) if rate > self._quiet else 0.0

    def due_at(self, began: float) -> float:
        """When the round after one that began then may begin; both by time.monotonic()."""
        return began + self.round_s()

    def _fade(self) -> None:
        now = time.monotonic()
        self._recent *= math.exp((self._at - now) / self._over_s)
        self._at = now

"""Saying once that something is away, and once that it is back."""

import logging

log = logging.getLogger(__name__)


class Outage:
    """The outages of one thing we depend on: the first failure is logged, its repetitions are not.

    `failures` counts the failures in a row, for a backoff.
    """

    def __init__(self, what: str) -> None:
        self.what = what
        self.failures = 0

    def failed(self, error: Exception) -> None:
        if not self.failures:
            log.warning("%s is away, trying on: %s", self.what, error)
        self.failures += 1

    def over(self) -> bool:
        """Note a success; True if it ends an outage."""
        if not self.failures:
            return False
        log.info("%s is back after %d failures", self.what, self.failures)
        self.failures = 0
        return True

    def pause(self, first: float, longest: float) -> float:
        """Seconds to wait before the next try: doubling from `first` to `longest`."""
        return min(first * 2.0 ** min(max(self.failures - 1, 0), 16), longest)

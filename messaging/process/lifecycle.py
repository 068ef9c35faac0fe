"""What every long-lived process needs: handling of SIGTERM, and no long pauses."""

import gc
import signal
from types import FrameType

from topology.tuning import Count

YOUNG: Count = 10_000
"""Objects created since the last collection: with Python's own 700, decoding one batch causes a dozen collections. Gained:
with start-up's objects frozen, commit to pixel at 50/s, p95 169 to 147 ms (one run each); with 50,000 a single
collection took 43 to 104 ms in web."""


def settle() -> None:
    """Call when start-up is over: objects created until then are kept, and the garbage collector need not traverse them
    again.

    Modules, models and templates are some 150,000 objects; a full collection in the middle of work took 56 to 140 ms.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])


class Stopping:
    """When called, returns whether SIGTERM or SIGINT has arrived. Create it in the main thread, when work begins."""

    def __init__(self) -> None:
        settle()
        self._asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def __call__(self) -> bool:
        return self._asked

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._asked = True

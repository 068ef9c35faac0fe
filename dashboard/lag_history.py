"""The lag of each view in the last minute, as often as a page has asked for it: the lines next to the gauges show it."""

import time
from collections import deque
from collections.abc import Iterable
from typing import Any

from drawing.lag_line import SPAN_S, LagLine, lag_line


class LagHistory:
    """Samples of one process, which are as far apart as the gauges' questions: at least two seconds."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, dict[str, float | None]]] = deque(maxlen=int(SPAN_S))
        self._applied: dict[str, int] = {}

    def note(self, gauges: Iterable[dict[str, Any]], now: float | None = None) -> None:
        """`gauges`: with the current `lag_ms`, `applied` (how many events), and `since` if events wait. A view that has applied
        nothing since the last sample, and for which nothing waits, has no lag."""
        found: dict[str, float | None] = {}
        for one in gauges:
            view, applied = str(one["view"]), int(one["applied"])
            busy = one.get("since") is not None or applied > self._applied.get(view, applied)
            found[view] = float(one["lag_ms"]) if busy else None
            self._applied[view] = applied
        if found:
            self._samples.append((time.monotonic() if now is None else now, found))

    def line(self, view: str, now: float | None = None) -> LagLine:
        at = time.monotonic() if now is None else now
        return lag_line([(at - when, found.get(view)) for when, found in list(self._samples)])

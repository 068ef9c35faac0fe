"""One source as its reader sees it: its position, its doubts, and when to ask the event API next. No input or output."""

import time
from collections import deque
from dataclasses import replace
from typing import Any

from messaging.events import streams
from messaging.events.catch_up import EventApiError, Page
from messaging.events.cursor import BEGINNING, Cursor, before
from messaging.process.outage import Outage
from topology.tuning import Count, Seconds

RETRY_S: Seconds = 0.2  # an old transaction is open, or the API is away (then doubling)
LONGEST_RETRY_S: Seconds = 5.0  # the longest of these pauses
IDLE_S: Seconds = 2.0  # silence after which a reader doubts that it has seen all (then doubling)
LONGEST_IDLE_S: Seconds = 30.0  # the longest such silence
RECENT: Count = 2_000  # ids of events that are remembered, to know one that comes twice


class Source:
    """A source's cursor and its timers. `cursor` may be ahead of the one last handed over when nothing new was read."""

    def __init__(self, cursor: Cursor, api_name: str, former: "Source | None" = None) -> None:
        self.name, self.stream = cursor.source, streams.name(cursor.source)
        self.cursor = self._handed_over = cursor
        self.behind = 0
        # Keeps counting over a restart: a late answer to an earlier request must not settle a newer doubt.
        self.doubts: int = former.doubts if former else 0
        self.fetching: bool = former.fetching if former else False
        self._outage: Outage = former._outage if former else Outage(api_name)
        self._recent: deque[str] = deque(maxlen=RECENT)
        self._news = False
        self._ask_at = 0.0
        self._idle_every = IDLE_S
        self._idle_at = time.monotonic() + IDLE_S
        self._doubt()

    def align(self, tip_id: str, tip_event: str, *, start: bool) -> None:
        """Compare with the stream's last entry, and doubt; at a start, after an outage of Redis, and after silence."""
        if start and self.cursor.stream_id == BEGINNING:
            # The log has everything; the stream has only the last 100,000 events, many of them twice.
            self.cursor = replace(self.cursor, stream_id=tip_id, event_id=tip_event)
        elif before(tip_id, self.cursor.stream_id):
            # Redis came back empty or with an older clock, and may reach our position a second time.
            self.cursor = replace(self.cursor, stream_id=BEGINNING, event_id="")
        self._doubt()
        self._wait_longer(time.monotonic())

    def idle(self, now: float) -> bool:
        """Whether the source has been silent for so long that it is worth asking."""
        return now >= self._idle_at

    def without_stream(self, now: float) -> None:
        """Redis is away: only the event API can bring news."""
        if self.idle(now):
            self._doubt()
            self._wait_longer(now)

    def due(self, now: float) -> bool:
        """Whether to ask the event API for a page now."""
        return not self.cursor.complete and not self.fetching and now >= self._ask_at

    def streamed(self, stream_id: str, envelope: dict[str, Any]) -> None:
        """Take a streamed event. Raises KeyError or ValueError for one without a usable id or horizon."""
        chained = self.cursor.chained(envelope)
        self.cursor = self.cursor.streamed(stream_id, envelope)
        if not chained:
            self._doubt()
        self._recent.append(envelope["id"])
        self._stirred()

    def unreadable(self, stream_id: str) -> None:
        self.cursor = self.cursor.unreadable(stream_id)
        self._doubt()
        self._stirred()

    def caught_up(self, page: Page, doubts: int) -> list[Any]:
        """Take a page of the event log; return its events, or none if all of them have been read recently."""
        self.fetching = False
        self._outage.over()
        if page.after > self.cursor.horizon:  # requested before the cursor was set back: that would leave a hole
            return []
        self.cursor = self.cursor.caught_up(page, settles=doubts == self.doubts)
        self._ask_at = 0.0 if page.more else time.monotonic() + RETRY_S
        known = set(self._recent)
        if not page.more and all(isinstance(event, dict) and str(event.get("id")) in known for event in page.events):
            return []
        self._recent.extend(str(event["id"]) for event in page.events if isinstance(event, dict) and "id" in event)
        self._stirred()
        return page.events

    def refused(self, error: EventApiError) -> None:
        """The event API returned no page; ask again, with a growing delay."""
        self.fetching = False
        self._outage.failed(error)
        self._ask_at = time.monotonic() + self._outage.pause(RETRY_S, LONGEST_RETRY_S)

    def hand_over(self) -> Cursor | None:
        """The cursor to save with what was read, if anything was. A check that found nothing new needs no write, unless
        it settles a saved doubt.
        """
        settled = self.cursor.complete and not self._handed_over.complete
        if not self._news and not settled:
            return None
        self._news = False
        self._handed_over = self.cursor
        return self.cursor

    def _doubt(self) -> None:
        self.cursor = self.cursor.in_doubt()
        self.doubts += 1
        if not self._outage.failures:
            self._ask_at = 0.0

    def _wait_longer(self, now: float) -> None:
        """A check is being made; the next one follows after a silence twice as long. Any event makes it short again."""
        if self.idle(now):
            self._idle_every = min(self._idle_every * 2, LONGEST_IDLE_S)
        self._idle_at = now + self._idle_every

    def _stirred(self) -> None:
        self._news = True
        self._idle_every = IDLE_S
        self._idle_at = time.monotonic() + IDLE_S

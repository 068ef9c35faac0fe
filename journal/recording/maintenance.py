"""What the recorder does when it has nothing to record: index the journal, and delete entries beyond the limits."""

from __future__ import annotations

import logging
import time

from django.db import InterfaceError, OperationalError

from journal.index.indexer import Indexer
from journal.recording import entry_store, retention
from topology.tuning import Count, Seconds, Times

INDEX_S: Seconds = 0.03
"""How long a batch of the indexer should take: a transaction that arrives meanwhile may wait that long. Gained: batches of
at least 100 entries took 500 to 860 ms."""
INDEX_LIMITS: tuple[Count, Count] = (1, 1_000)
"""Entries of such a batch, at least and at most. In a stream an entry has the changes of a dozen bookings: small batches
cost more per entry, large ones keep a page waiting."""
FIRST_LIMIT: Count = 50  # entries of the first batch, before it is known how long one takes
# entries; beyond this lag, indexing alternates with recording even while there is something to record
INDEX_LAG: Count = 20_000
BEHIND_S: Seconds = 1.0
"""But not while recording is this late: log that is not read cannot be recycled by its database."""
SHARE: Times = 40
"""Before that, and then, it takes this fraction of the time: it must not stop completely during a load."""
RETRY: Seconds = 5.0  # seconds after a failure; recording continues
PRUNE_EVERY: Seconds = 30.0  # seconds
log = logging.getLogger(__name__)


class Maintenance:
    """Both can be repeated later, unlike recording: so a failure here is reported, and the work is tried again.
    `indexed`: the last position whose moment can be read; `failure`: the last failure, "" once it works. Raises
    django.db.OperationalError or InterfaceError if the journal's database is down.
    """

    def __init__(self, keep: retention.Keep) -> None:
        self.indexed, self.failure = entry_store.indexed(), ""
        self._keep = keep
        self._indexer: Indexer | None = None
        self._limit = FIRST_LIMIT
        self._not_before = self._rested_at = 0.0
        self._prune_at = time.monotonic() + PRUNE_EVERY

    def due(self, pos: int, *, busy: bool, behind_s: float = 0.0) -> bool:
        """Whether there is something to do now. `pos`: the last entry; `busy`: there is something to record.

        `behind_s`: how old the oldest of the last entries was when it was recorded.
        """
        now, lag = time.monotonic(), pos - self.indexed
        if now < self._not_before:
            return False
        if busy:
            return (lag > INDEX_LAG and behind_s < BEHIND_S) or (lag > 0 and now >= self._rested_at)
        return lag > 0 or now >= self._prune_at

    def turn(self, pos: int) -> None:
        """Do one batch of it."""
        try:
            if pos > self.indexed:
                self._index()
            else:
                more = retention.prune(self._keep, self.indexed)
                self._prune_at = time.monotonic() + (0 if more else PRUNE_EVERY)
            self.failure = self._indexer.passed_over if self._indexer else ""
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            log.exception("the journal's maintenance failed after entry %d", self.indexed)
            self._indexer, self.failure = None, f"{type(error).__name__}: {error}"
            self._not_before = time.monotonic() + RETRY

    def _index(self) -> None:
        self._indexer = self._indexer or Indexer()
        began = time.monotonic()
        self._indexer.step(self._limit)
        self.indexed = self._indexer.pos
        took = time.monotonic() - began
        self._rested_at = began + SHARE * took
        fitting = int(self._limit * INDEX_S / max(took, INDEX_S / 2))  # at most twice as many as before
        self._limit = max(INDEX_LIMITS[0], min(fitting, INDEX_LIMITS[1]))

"""What the recorder does when it has nothing to record: index the journal, and delete entries beyond the limits.

In a thread of its own, and so on a connection of its own: a batch may take its time, and delays nothing that arrives meanwhile.
"""

from __future__ import annotations

import logging
import time
from concurrent.futures import Future, ThreadPoolExecutor

from django.db import InterfaceError, OperationalError

from journal.database import JOURNAL
from journal.index.indexer import Indexer
from journal.recording import entry_store, retention
from topology.tuning import Count, Seconds, Times

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
        self._thread = ThreadPoolExecutor(1, "maintenance")
        self._batch: Future[None] | None = None
        self._closed = False
        self._not_before = self._rested_at = 0.0
        self._prune_at = time.monotonic() + PRUNE_EVERY

    def due(self, pos: int, *, busy: bool, behind_s: float = 0.0) -> bool:
        """Whether there is something to do now. `pos`: the last entry; `busy`: there is something to record.

        `behind_s`: how old the oldest of the last entries was when it was recorded.
        """
        now, lag = time.monotonic(), pos - self.indexed
        if now < self._not_before or (self._batch is not None and not self._batch.done()):
            return False
        if busy:
            return (lag > INDEX_LAG and behind_s < BEHIND_S) or (lag > 0 and now >= self._rested_at)
        return lag > 0 or now >= self._prune_at

    def turn(self, pos: int) -> None:
        """Begin one batch of it, unless one is under way. Raises what the last one raised."""
        if self._batch is not None:
            if not self._batch.done():
                return
            self._batch.result()
        self._batch = self._thread.submit(self._do, pos)

    def close(self) -> None:
        """Wait for the batch that is under way. May be called again."""
        if not self._closed:
            self._closed = True
            self._thread.submit(JOURNAL.close)
            self._thread.shutdown()

    def _do(self, pos: int) -> None:
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
        self._indexer.step()
        self.indexed = self._indexer.pos
        self._rested_at = began + SHARE * (time.monotonic() - began)

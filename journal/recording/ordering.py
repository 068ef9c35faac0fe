"""Puts five logs into one order: causes before effects. Pure; time is passed in.

Commit times of different databases cannot be compared reliably. Transactions of different databases are ordered by
messages: one emits a message that another names as its cause. So a transaction waits until the entry that emitted its
cause is journaled. The order within one log is always kept.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from journal.recording.transactions import Candidate
from topology.tuning import Count, Seconds

PATIENCE: Seconds = 1.0  # seconds; then the cause counts as unknown
LONGEST: Seconds = 10.0  # seconds; the limit while another log still delivers earlier commits
REMEMBERED: Count = 200_000  # message ids
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Placed:
    """A candidate and its place in the journal."""

    pos: int
    candidate: Candidate
    cause_pos: tuple[int, ...]
    cause_known: bool


@dataclass(slots=True)
class _Log:
    waiting: deque[tuple[Candidate, float]] = field(default_factory=deque)
    newest: datetime = _NEVER
    arrived: float = float("-inf")


class Ordering:
    """`add` read transactions, `release` those that may be journaled. `pos`: the last assigned position."""

    def __init__(self, pos: int = 0, emitted: Iterable[tuple[str, int]] = (), remembered: int = REMEMBERED) -> None:
        self.pos = pos
        self._remembered = remembered
        # Message id -> position, by age. (Finding a dict's first key means walking over all keys that were ever deleted
        # before it.)
        self._emitted: OrderedDict[str, int] = OrderedDict(emitted)
        self._logs: dict[str, _Log] = {}

    def add(self, candidate: Candidate, now: float) -> None:
        """Take the next transaction of `candidate.source`; `now` is a monotonic clock in seconds."""
        log = self._logs.setdefault(candidate.source, _Log())
        log.waiting.append((candidate, now))
        log.newest, log.arrived = candidate.committed_at, now

    def waiting(self, source: str | None = None) -> int:
        """How many are held back, of one source or of all."""
        if source is not None:
            return len(self._logs[source].waiting) if source in self._logs else 0
        return sum(len(log.waiting) for log in self._logs.values())

    def release(self, now: float, limit: int = 2000) -> list[Placed]:
        """Place the candidates that may be placed, at most `limit`; among several, the earliest commit first."""
        placed: list[Placed] = []
        while len(placed) < limit:
            ready = [log for log in self._logs.values() if log.waiting and self._may_go(log, now)]
            if not ready:
                break
            log = min(ready, key=lambda log: log.waiting[0][0].committed_at) if len(ready) > 1 else ready[0]
            placed.append(self._place(log.waiting.popleft()[0]))
        return placed

    def _may_go(self, log: _Log, now: float) -> bool:
        candidate, arrived = log.waiting[0]
        if all(cause in self._emitted for cause in candidate.causes):
            return True
        if now - arrived < PATIENCE:
            return False
        return now - arrived >= LONGEST or not self._catching_up(log, candidate.committed_at, now)

    def _catching_up(self, waiting: _Log, committed_at: datetime, now: float) -> bool:
        """Whether another log was, a moment ago, still at an earlier time: it may still deliver the cause."""
        return any(
            log.newest < committed_at and now - log.arrived < PATIENCE
            for log in self._logs.values()
            if log is not waiting
        )

    def _place(self, candidate: Candidate) -> Placed:
        self.pos += 1
        found = [self._emitted[cause] for cause in candidate.causes if cause in self._emitted]
        for message in candidate.emits:
            self._emitted[message] = self.pos
            self._emitted.move_to_end(message)  # emitted again, as a reply may be: the latest counts
        while len(self._emitted) > self._remembered:
            self._emitted.popitem(last=False)
        causes = tuple(sorted(set(found)))
        return Placed(self.pos, candidate, causes, len(found) == len(candidate.causes))

"""The messages that a relay has read and not yet sent, and so how far its log position may be confirmed. Pure: no socket."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Any

Envelope = dict[str, Any]


@dataclass(slots=True, eq=False)
class _Read:
    """A transaction that was read; it is done when all its messages are sent."""

    end_lsn: int
    unsent: int


@dataclass(slots=True, eq=False)
class Outgoing:
    """One envelope on its way, and the transaction it belongs to."""

    envelope: Envelope
    origin: _Read


class Backlog:
    """Envelopes by destination, each in commit order: a destination that is blocked blocks no other."""

    def __init__(self) -> None:
        self.arrived: deque[Outgoing] = deque()  # read, not yet checked against the fault plan
        self.events: deque[Outgoing] = deque()
        self.queues: dict[str, deque[Outgoing]] = {}  # destination -> its commands and replies; no empty queues
        self._delayed: list[tuple[float, int, Outgoing]] = []
        self._overtaken: dict[
            str, list[tuple[float, Outgoing]]
        ] = {}  # line -> envelopes that wait to be overtaken by the next one
        self._transactions: deque[_Read] = deque()
        self._count = 0
        self._serial = 0

    def __len__(self) -> int:
        """How many envelopes are unsent."""
        return self._count

    def add(self, end_lsn: int, envelopes: Iterable[Envelope]) -> None:
        """Take a transaction's messages in; transactions must come in commit order."""
        transaction = _Read(end_lsn, 0)
        for envelope in envelopes:
            self.arrived.append(Outgoing(envelope, transaction))
            transaction.unsent += 1
        self._count += transaction.unsent
        self._transactions.append(transaction)

    def admit(self, item: Outgoing) -> None:
        """Put an envelope in the line of its destination, followed by those that waited to be overtaken."""
        name = _line(item)
        line = self.queues.setdefault(name, deque()) if name else self.events
        line.append(item)
        if self._overtaken:
            line.extend(waiting for _, waiting in self._overtaken.pop(name, ()))

    def repeat(self, item: Outgoing) -> None:
        """Admit a second copy of an envelope."""
        item.origin.unsent += 1
        self._count += 1
        self.admit(item)

    def delay(self, item: Outgoing, until: float) -> None:
        """Admit an envelope later, behind those that arrive meanwhile; see `admit_due`."""
        self._serial += 1
        heappush(self._delayed, (until, self._serial, item))

    def reorder(self, item: Outgoing, until: float) -> None:
        """Admit an envelope behind the next one of its line, or at `until` if none arrives; see `admit_due`."""
        self._overtaken.setdefault(_line(item), []).append((until, item))

    def admit_due(self, now: float) -> None:
        while self._delayed and self._delayed[0][0] <= now:
            self.admit(heappop(self._delayed)[2])
        for name in [name for name, waiting in self._overtaken.items() if waiting[0][0] <= now]:
            for _, item in self._overtaken.pop(name):
                self.admit(item)

    def first(self, line: deque[Outgoing], limit: int) -> list[Outgoing]:
        """The oldest envelopes of a line; they stay in it until they are `sent`."""
        return [line[position] for position in range(min(limit, len(line)))]

    def sent(self, line: deque[Outgoing], count: int) -> None:
        """The oldest `count` envelopes of a line are accepted by the broker (or lost on purpose)."""
        for _ in range(count):
            line.popleft().origin.unsent -= 1
        self._count -= count

    def drop_empty(self, destination: str) -> None:
        if not self.queues[destination]:
            del self.queues[destination]

    def safe_lsn(self) -> int | None:
        """End of the newest transaction up to which everything is sent; None if that has not changed since the last call."""
        lsn = None
        while self._transactions and not self._transactions[0].unsent:
            lsn = self._transactions.popleft().end_lsn
        return lsn


def _line(item: Outgoing) -> str:
    """The destination of a command or reply; empty for events, whose line is the stream."""
    return "" if item.envelope["kind"] == "event" else item.envelope["destination"]

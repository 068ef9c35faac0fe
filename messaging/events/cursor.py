"""How far a reader has come with one source's events.

Two notions of "how far" meet here. The stream position is exact but only covers what Redis had; events are chained by
`prev`, so a loss shows as a broken chain. The horizon is a transaction id of the source: every event of an earlier
transaction has been read. It moves with the stream while the chain is unbroken; otherwise a catch-up begins there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from messaging.events.catch_up import Page

UNKNOWN = 2**63 - 1
"""Pending, but up to which transaction only the next answer of the source's event API can tell (the largest bigint)."""
BEGINNING = "0-0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """A position in one source. Saved in the transaction that writes what was read up to it.

    `stream_id`, `event_id`: the last streamed entry taken, and the event in it. `horizon`: all events of transactions
    below it have been read. `pending`: lost events, if any, are of transactions below it; so while `horizon < pending`
    something may be missing, and only the event API can settle that.
    """

    source: str
    stream_id: str = BEGINNING
    event_id: str = ""
    horizon: int = 0
    pending: int = 0

    @property
    def complete(self) -> bool:
        """Whether everything up to the stream position is known to have been read."""
        return self.horizon >= self.pending

    def chained(self, envelope: dict[str, Any]) -> bool:
        """Whether nothing can be missing between the last streamed event and this one (or it is that very one again)."""
        return self.event_id != "" and self.event_id in (envelope.get("prev"), envelope["id"])

    def streamed(self, stream_id: str, envelope: dict[str, Any]) -> Cursor:
        """The cursor after an event from the stream. Raises KeyError or ValueError if it has no usable id or horizon."""
        event_id, horizon = str(envelope["id"]), int(envelope["horizon"])
        if not self.chained(envelope):
            return replace(self, stream_id=stream_id, event_id=event_id, pending=UNKNOWN)
        # What had ended when this event was written had been committed before it, and the stream is in commit order.
        seen = max(self.horizon, horizon) if self.complete else self.horizon
        return replace(self, stream_id=stream_id, event_id=event_id, horizon=seen)

    def unreadable(self, stream_id: str) -> Cursor:
        """The cursor after a stream entry that is not an event: the event that it should have been is missing."""
        return replace(self, stream_id=stream_id, event_id="", pending=UNKNOWN)

    def in_doubt(self) -> Cursor:
        """The cursor when something may have been lost that no later event would reveal."""
        return replace(self, pending=UNKNOWN)

    def caught_up(self, page: Page, *, settles: bool) -> Cursor:
        """The cursor after a page of the event log; `settles` if it was asked for after the last doubt arose.

        An old transaction that is still open holds back the page's horizon while newer events are already visible:
        those below the page's xmax count as missing until the horizon has reached it.
        """
        pending = page.xmax if self.pending == UNKNOWN and settles else self.pending
        return replace(self, horizon=max(self.horizon, page.horizon), pending=pending)


def before(left: str, right: str) -> bool:
    """Whether stream id `left` comes before `right`."""
    return _numbers(left) < _numbers(right)


def _numbers(stream_id: str) -> tuple[int, int]:
    milliseconds, _, sequence = stream_id.partition("-")
    return int(milliseconds), int(sequence or 0)

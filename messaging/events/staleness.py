"""How far a copy is behind its owner: in events, and in milliseconds. Asked of the stream, so the owner may be down.

What the owner has committed and its relay has not sent yet is not counted.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from redis import Redis, RedisError

from messaging.events import streams
from messaging.events.cursor import BEGINNING


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How far a source has been read, as its checkpoint says. `read`: whether anything of it has been read at all."""

    source: str
    stream_id: str
    read: bool
    updated_at: datetime

    @property
    def next_after(self) -> str:
        """The stream id after which entries are not read. A rebuild reads the event log, and so knows only a time."""
        if self.stream_id != BEGINNING or not self.read:
            return self.stream_id
        return f"{round(self.updated_at.timestamp() * 1000)}-0"


@dataclass(frozen=True, slots=True)
class Staleness:
    """`events`: entries of the stream that are not read, counted up to 20,000. `ms`: how long the oldest of them has been
    there; 0 when there are none. Both are None if that cannot be known: Redis does not answer.
    """

    events: int | None
    ms: float | None


def staleness(redis: Redis, positions: Iterable[Position]) -> list[Staleness]:
    """One for each position. Never raises."""
    found = []
    for position in positions:
        stream = streams.name(position.source)
        try:
            events = streams.entries_after(redis, stream, position.next_after)
            since = streams.first_after(redis, stream, position.next_after) if events else None
        except RedisError:
            found.append(Staleness(None, None))
            continue
        age = (datetime.now(UTC) - since).total_seconds() * 1000 if since else 0.0
        found.append(Staleness(events, round(max(age, 0.0), 1)))
    return found

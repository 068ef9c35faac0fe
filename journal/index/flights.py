"""Messages in flight: from the entry that emitted one to the entry where it landed. Pure.

A command or a reply lands with the first transaction that names it as its cause, an event already when a reader's
checkpoint passes it. A message that was dropped, absorbed as a duplicate or made a dead letter is no longer in flight.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

OUTBOX = "_outbox"
"""The ending of the names of message tables."""
STILL_FLYING = ("fault", "rolled back")
"""Observations about a message that will still be delivered, unless the fault dropped it."""


@dataclass(slots=True)
class Flight:
    """`stored`: it is already in the database, and only its end may have to be written."""

    id: str
    kind: str
    type: str
    source: str
    target: str
    correlation: str
    from_pos: int
    to_pos: int | None = None
    stored: bool = False


@dataclass(slots=True)
class Flights:
    """The messages in flight. `made` and `landed` collect what a batch of entries has to store."""

    open: dict[str, Flight] = field(default_factory=dict)
    made: list[Flight] = field(default_factory=list)
    landed: list[Flight] = field(default_factory=list)
    _events: dict[str, deque[Flight]] = field(default_factory=dict)  # by source, in the order they were emitted

    def resume(self, flights: Iterable[Flight]) -> None:
        """Load the messages that were in flight, oldest first."""
        for flight in flights:
            self._take_off(flight)

    def apply(self, pos: int, service: str, causes: Iterable[Any], changes: list[dict[str, Any]], data: Any) -> None:
        """One entry, as the journal has it."""
        for change in changes:
            new = change["new"]
            if new and change["table"].endswith("checkpoint") and new.get("event_id"):
                self._passed(pos, str(new["event_id"]))
        if not data or data.get("kind") not in STILL_FLYING or (data.get("data") or {}).get("action") == "drop":
            for cause in causes:
                self._land(pos, self.open.get(str(cause)))
        for change in changes:
            if change["op"] == "insert" and change["table"].endswith(OUTBOX):
                flight = _of(pos, service, change["new"])
                self._land(pos, self.open.get(flight.id))  # a reply that is emitted again
                self.made.append(flight)
                self._take_off(flight)

    def collected(self) -> tuple[list[Flight], list[Flight]]:
        """(flights to store, stored ones that have landed) since the last call."""
        made = [flight for flight in self.made if flight.to_pos != flight.from_pos]
        landed = [flight for flight in self.landed if flight.stored]
        self.made, self.landed = [], []
        for flight in made:
            flight.stored = True
        return made, landed

    def _take_off(self, flight: Flight) -> None:
        self.open[flight.id] = flight
        if flight.kind == "event":
            flying = self._events.setdefault(flight.source, deque())
            while flying and flying[0].to_pos is not None:
                flying.popleft()
            flying.append(flight)

    def _passed(self, pos: int, event: str) -> None:
        newest = self.open.get(event)
        if newest is None or newest.kind != "event":
            return
        flying = self._events[newest.source]
        while flying:
            flight = flying.popleft()
            self._land(pos, flight)
            if flight is newest:
                break

    def _land(self, pos: int, flight: Flight | None) -> None:
        if flight is not None and flight.to_pos is None:
            flight.to_pos = pos
            del self.open[flight.id]
            self.landed.append(flight)


def _of(pos: int, service: str, row: dict[str, Any]) -> Flight:
    return Flight(
        id=str(row["id"]),
        kind=row["kind"],
        type=row["type"],
        source=service,
        target=row.get("destination") or "",
        correlation=row.get("correlation_id") or "",
        from_pos=pos,
    )

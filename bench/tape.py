"""A tape of any length: entries of invented bookings, with realistic rows."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

START = datetime(2027, 1, 1, tzinfo=UTC)
AT_ONCE = 40  # bookings under way
SEATS = 700
HALL = {"performance_id": "hall"}
FAULTED = 0.02
Change = dict[str, Any]
_PADDING = {"context": "x" * 120, "steps": [{"name": "ReserveSeats", "state": "done"}, {"name": "TakePayment"}]}
STEPS = (
    ("booking", ("booking", "saga", "sagalog"), ("command", "event")),
    ("seats", ("seat", "hold", "barrier"), ("reply", "event")),
    ("booking", ("booking", "saga", "sagalog"), ("command", "event")),
    ("payments", ("payment", "barrier"), ("reply", "event")),
    ("booking", ("booking", "saga", "sagalog"), ("command", "event")),
    ("tickets", ("issuance", "ticket", "barrier"), ("reply", "event")),
    ("booking", ("booking", "saga", "sagalog"), ("command", "event")),
    ("seats", ("seat", "hold", "barrier"), ("reply", "event")),
    ("booking", ("booking", "saga", "sagalog"), ("event",)),
    ("projections", ("bookingview", "seatmap", "checkpoint"), ()),
)
ADDED = ("sagalog", "barrier")  # tables of which rows are only added


class Tape:
    """`entries(n)` gives COPY rows of journal_entry (pos, kind, service, ...); `bookings` has what was made up."""

    def __init__(self, seed: int = 1) -> None:
        self._choose = random.Random(seed)  # noqa: S311 - the same tape each time
        self._rows: dict[tuple[str, str], dict[str, Any]] = {}
        self._numbers = 0
        self.bookings: list[str] = []

    def entries(self, count: int) -> Iterator[tuple[tuple[Any, ...], str]]:
        """(row of journal_entry, the booking it mentions), in order."""
        active: list[tuple[str, int, str | None]] = []
        for pos in range(1, count + 1):
            if len(active) < AT_ONCE:
                self.bookings.append(self._id())
                active.append((self.bookings[-1], 0, None))
            at = self._choose.randrange(len(active))
            booking, step, cause = active.pop(at)
            if self._choose.random() < FAULTED:
                active.append((booking, step, cause))
                yield self._observation(pos, cause), booking
                continue
            row, message = self._transaction(pos, booking, step, cause)
            yield row, booking
            if step + 1 < len(STEPS):
                active.append((booking, step + 1, message))

    def _transaction(self, pos: int, booking: str, step: int, cause: str | None) -> tuple[tuple[Any, ...], str | None]:
        service, tables, messages = STEPS[step]
        changes = [self._change(service, table, booking, step) for table in tables]
        emits = [self._message(service, kind, booking, cause) for kind in messages]
        ids = [change["new"]["id"] for change in emits]
        causes = [cause] if cause else []
        row = self._entry(pos, "transaction", service, causes, ids, [*changes, *emits], None)
        return row, ids[0] if ids else None

    def _observation(self, pos: int, cause: str | None) -> tuple[Any, ...]:
        data = {"kind": "fault", "data": {"fault": f"f-{pos % 7}", "action": "error", "fired": 1}}
        return self._entry(pos, "observation", "seats", [cause] if cause else [], [], [], data)

    def _entry(self, pos: int, kind: str, service: str, causes: Any, emits: Any, changes: Any, data: Any) -> Any:
        at = START + timedelta(milliseconds=20 * pos + self._choose.randrange(15))
        text = orjson.dumps(changes).decode(), None if data is None else orjson.dumps(data).decode()
        return (pos, kind, service, pos, "0/0", at, at, "made up", causes, [], True, emits, *text)

    def _change(self, service: str, table: str, booking: str, step: int) -> Change:
        self._numbers += 1
        key = booking
        if table in ADDED:
            key = self._id()
        elif table in ("seat", "seatmap"):
            key = str(int(booking[:8], 16) % SEATS)
        elif table == "checkpoint":
            key = str(step % 8)
        name = f"{service}_{table}"
        new = {
            "id": key, "booking_id": booking, "state": f"S{step}", "version": self._numbers, "at": str(START), **_PADDING,
            **(HALL if table == "seatmap" else {}),
        }  # fmt: skip
        old = self._rows.get((name, key))
        if table not in ADDED:
            self._rows[name, key] = new
        return {"table": name, "op": "update" if old else "insert", "key": key, "old": old, "new": new}

    def _message(self, service: str, kind: str, booking: str, cause: str | None) -> Change:
        self._numbers += 1
        new = {
            "seq": self._numbers, "id": self._id(), "kind": kind, "type": "TakePayment", "destination": "payments",
            "correlation_id": booking, "causation_id": cause, "data": {"booking_id": booking, "lines": "x" * 200},
        }  # fmt: skip
        return {"table": f"{service}_outbox", "op": "insert", "key": str(self._numbers), "old": None, "new": new}

    def _id(self) -> str:
        return str(uuid.UUID(int=self._choose.getrandbits(128), version=4))

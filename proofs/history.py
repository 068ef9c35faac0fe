"""A history: the clients' requests and answers, what was broken, and the final state. JSON Lines, one entry a line.

    {"at": s, "kind": "run", "seed", "bookings", "seats", "customers": {id: name}, "commands", ...}     first
    {"at": s, "kind": "invoked", "op": n, "what": "book" | "cancel" | "rename" | "read" | "double", ...its arguments}
    {"at": s, "kind": "answered" | "failed" | "unknown", "op": n, "status": HTTP status, ...what it said}
    {"at": s, "kind": "fault", "what", "on", ...}
    {"at": s, "kind": "healed"} {"at": s, "kind": "rested"}
    {"at": s, "kind": "final", "of": "booking" | "seat" | "payment" | "refund" | "issuance" | "ticket" | "customer", "row": {...}}
    {"at": s, "kind": "verdict", "status", "violated": [names]}

`at` is seconds since the run began, by the client's monotonic clock. Answered: the server said yes (2xx). Failed: it said no, so
nothing happened (4xx). Unknown: no answer, or a 5xx: it may have happened. After Jepsen's histories.
"""

import json
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

Entry = dict[str, Any]
KINDS = ("run", "invoked", "answered", "failed", "unknown", "fault", "healed", "rested", "final", "verdict")


class HistoryError(ValueError):
    """The file is not a history; the text names the line and what is wrong with it."""


class Recorder:
    """Writes a history as it happens; each line is in the file when the call returns. Thread-safe."""

    def __init__(self, file: IO[str]) -> None:
        self._file, self._lock = file, threading.Lock()
        self._began, self._ops = time.monotonic(), 0
        self.entries: list[Entry] = []

    def write(self, kind: str, **fields: Any) -> Entry:
        with self._lock:
            entry = {"at": round(time.monotonic() - self._began, 3), "kind": kind, **fields}
            self.entries.append(entry)
            self._file.write(json.dumps(entry) + "\n")
            self._file.flush()
            return entry

    def invoke(self, what: str, **arguments: Any) -> int:
        """Record an operation before it is sent; returns the number under which its end is recorded."""
        with self._lock:
            self._ops += 1
            number = self._ops
        self.write("invoked", op=number, what=what, **arguments)
        return number


def load(path: Path) -> list[Entry]:
    """Raises HistoryError, OSError."""
    with path.open() as lines:
        return list(parse(lines))


def parse(lines: Iterable[str]) -> Iterator[Entry]:
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
        except ValueError as error:
            raise HistoryError(f"line {number} is not JSON: {error}") from error
        if not isinstance(entry, dict) or entry.get("kind") not in KINDS:
            raise HistoryError(f"line {number} has no known kind; there are {', '.join(KINDS)}")
        if not isinstance(entry.get("at"), int | float):
            raise HistoryError(f"line {number} has no time: `at` is a number of seconds")
        if number == 1 and entry["kind"] != "run":
            raise HistoryError("line 1 must be of kind run: the seed and what was asked for")
        yield entry

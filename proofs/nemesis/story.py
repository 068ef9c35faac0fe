"""A history, indexed for checking: operations with their beginnings and ends, and the final rows. Pure."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from proofs.history import Entry

ENDS = ("answered", "failed", "unknown")
FOREVER = float("inf")


@dataclass(frozen=True, kw_only=True)
class Op:
    """`end` is answered, failed or unknown (which is also what has no end in the file); `until` when that was known."""

    number: int
    what: str
    asked: Entry
    since: float
    end: str = "unknown"
    until: float = FOREVER
    said: Entry = field(default_factory=dict)

    @property
    def answered(self) -> bool:
        return self.end == "answered"

    @property
    def booking(self) -> str:
        return str(self.said.get("booking") or self.asked.get("booking") or "")


class Story:
    """`ops` in the order they were begun; `finals`: kind of row -> the rows read at the end."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries = list(entries)
        self.run: Entry = self.entries[0] if self.entries else {}
        begun: dict[int, Entry] = {}
        ended: dict[int, Entry] = {}
        self.finals: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.marks: dict[str, float] = {}
        self.verdict: Entry = {}
        for entry in self.entries:
            match entry["kind"]:
                case "invoked":
                    begun[entry["op"]] = entry
                case kind if kind in ENDS:
                    ended.setdefault(entry["op"], entry)
                case "final":
                    self.finals[entry["of"]].append(entry["row"])
                case "healed" | "rested":
                    self.marks[entry["kind"]] = entry["at"]
                case "verdict":
                    self.verdict = entry
        self.ops = [_op(number, entry, ended.get(number)) for number, entry in begun.items()]

    def of(self, what: str) -> list[Op]:
        return [op for op in self.ops if op.what == what]

    @cached_property
    def bookings(self) -> dict[str, dict[str, Any]]:
        """What Booking said at the end, by id."""
        return {row["booking_id"]: row for row in self.finals["booking"]}

    @cached_property
    def placed(self) -> dict[str, list[str]]:
        """Idempotency key -> the bookings that Booking has under it. Booking tells the key's digest only."""
        by_digest = defaultdict(list)
        for row in self.finals["request"]:
            by_digest[row["request"]].append(row["booking_id"])
        keys = {op.asked["key"] for op in self.of("book")}
        return {key: by_digest[hashlib.md5(key.encode(), usedforsecurity=False).hexdigest()] for key in keys}

    @cached_property
    def mine(self) -> dict[str, dict[str, Any]]:
        """Those of `bookings` that this run placed: the sandbox may have others, which are not in this history."""
        placed = {booking for found in self.placed.values() for booking in found}
        placed |= {op.booking for op in self.of("book") if op.answered}
        return {booking: row for booking, row in self.bookings.items() if booking in placed}

    @cached_property
    def reads(self) -> dict[tuple[str, str], list[Op]]:
        """(where it was read, booking) -> the reads that were answered, in the order in which they began."""
        found = defaultdict(list)
        for op in self.of("read"):
            if op.answered and op.said.get("state"):
                found[op.asked["source"], op.booking].append(op)
        return dict(found)

    @cached_property
    def wishes(self) -> dict[str, float]:
        """Booking -> when somebody first asked to cancel it, answered or not (a wish that was refused is none)."""
        found: dict[str, float] = {}
        for op in self.of("cancel"):
            if op.end != "failed":
                found[op.booking] = min(op.since, found.get(op.booking, FOREVER))
        return found

    def rows(self, kind: str, booking: str) -> list[dict[str, Any]]:
        return self._by_booking[kind].get(booking, [])

    @cached_property
    def _by_booking(self) -> dict[str, dict[str, list[dict[str, Any]]]]:
        found: dict[str, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
        for kind, rows in self.finals.items():
            for row in rows:
                found[kind][str(row.get("booking_id"))].append(row)
        return found


def _op(number: int, begun: Entry, ended: Entry | None) -> Op:
    common = {"number": number, "what": begun["what"], "asked": begun, "since": begun["at"]}
    if ended is None:
        return Op(**common)
    return Op(**common, end=ended["kind"], until=ended["at"] if ended["kind"] != "unknown" else FOREVER, said=ended)

"""What the entries of recorded bookings say, derived without the code that draws."""

import gzip
import json
from datetime import datetime
from typing import Any

from tests.drawing.recording import HERE, MATRIX, SCENES, recorded

Entry = dict[str, Any]
STORIES = sorted(SCENES.keys() & {path.name.removesuffix(".json.gz") for path in HERE.iterdir()})
UNDOING = ("VoidTickets", "RefundPayment", "ReleaseSeats")


def matrix() -> dict[str, tuple[str, list[Entry]]]:
    """Bookings of the failpoint matrix, by cell."""
    told = json.loads(gzip.decompress(MATRIX.read_bytes())) if MATRIX.exists() else {}
    return {cell: (one["booking"], one["entries"]) for cell, one in told.items()}


CELLS = matrix()


class Evidence:
    """What the entries of a booking say, by position and by message."""

    def __init__(self, booking: str, entries: list[Entry]) -> None:
        self.booking = booking
        self.entries = {entry["pos"]: entry for entry in entries}
        self.transactions = [entry for entry in entries if entry["kind"] == "transaction"]
        self.observed = [entry for entry in entries if entry["kind"] == "observation"]
        self.sagas = {row["saga_id"] for entry in entries for row in self.rows(entry, "_outbox") if row.get("saga_id")}

    def rows(self, entry: Entry, table: str, op: str = "insert") -> list[dict[str, Any]]:
        """The rows of this booking that the entry inserted into tables so called."""
        found = [c["new"] for c in entry["changes"] if c["table"].endswith(table) and c["op"] == op and c["new"]]
        return [row for row in found if self.booking in row.values()]

    def replies(self, entry: Entry) -> list[dict[str, Any]]:
        return [row for row in self.rows(entry, "_outbox") if row["kind"] == "reply"]

    def refusals(self, entry: Entry) -> list[str]:
        """The reasons of the refusals in it: of replies, and of what the saga's log notes."""
        found = [row["data"].get("reason", "") for row in self.replies(entry) if row["data"]["status"] == "refused"]
        return found + [line["error"] for line in self.log(entry) if line["what"] == "refused"]

    def log(self, entry: Entry) -> list[dict[str, Any]]:
        lines = [c["new"] for c in entry["changes"] if c["table"].endswith("_sagalog") and c["new"]]
        return [line for line in lines if line["saga_id"] in self.sagas]

    def answered_before(self, reply: dict[str, Any], pos: int) -> bool:
        """Whether the barrier's row (its id is the reply's) was there before."""
        here = [
            c["new"]["id"]
            for c in self.entries[pos]["changes"]
            if c["table"].endswith("_barrier") and c["op"] == "insert"
        ]
        return reply["id"] not in here

    def given_before(self, pos: int) -> set[str]:
        """The ids of the replies that were given before this entry."""
        return {row["id"] for one in self.transactions if one["pos"] < pos for row in self.replies(one)}

    def handled(self, message: str, after: int) -> list[Entry]:
        """Entries that name the message as what they are about."""
        return [
            entry
            for entry in self.entries.values()
            if entry["pos"] > after
            and (message in entry["causes"] or message in [line["message_id"] for line in self.log(entry)])
        ]


def at(entry: Entry) -> datetime:
    return datetime.fromisoformat(entry["committed_at"])


def told_of(name: str) -> tuple[str, list[Entry]]:
    return CELLS[name] if name in CELLS else recorded(name)

"""What the entries of recorded bookings say, derived without the code that draws."""

import gzip
import json
from datetime import datetime
from typing import Any

from tests.drawing.recording import HERE, MATRIX, SCENES, recorded

Entry = dict[str, Any]
STORIES = sorted(SCENES.keys() & {path.name.removesuffix(".json.gz") for path in HERE.iterdir()})
UNDOING = ("VoidTickets", "RefundPayment", "ReleaseSeats")


ACTIONS = {
    "lost": ("drop",),
    "twice": ("duplicate",),
    "late": ("delay", "reorder"),
    "held": ("hold", "hang", "pause"),
    "crashed": ("crash",),
}
"""What a narration calls it -> the actions of faults."""


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


class Until(Evidence):
    """What the entries show until a moment. `drawn`: those of services that are no views."""

    def __init__(self, booking: str, entries: list[Entry], pos: int) -> None:
        super().__init__(booking, [entry for entry in entries if entry["pos"] <= pos])
        self.drawn = [entry for entry in self.transactions if entry["service"] != "projections"]

    def messages(self, name: str) -> list[dict[str, Any]]:
        return [row for entry in self.drawn for row in self.rows(entry, "_outbox") if row["type"] == name]

    def newest(self, table: str) -> dict[str, Any]:
        found = [c["new"] for e in self.drawn for c in e["changes"] if c["table"] == table and c["new"]]
        mine = [row for row in found if self.booking in row.values() or row.get("id") in self.sagas]
        return mine[-1] if mine else {}

    def changed(self, table: str, status: str) -> list[tuple[Entry, dict[str, Any]]]:
        return [
            (entry, change["new"])
            for entry in self.drawn
            for change in entry["changes"]
            if change["table"] == table and change["new"] and change["new"].get("status") == status
            if (change["old"] or {}).get("status") != status
            if self.booking in [*change["new"].values(), *(change["old"] or {}).values()]
        ]

    def struck(self, word: str) -> list[tuple[str, Entry]]:
        """(type of the message, observation) of what faults did, each strike once."""
        sent = [(row["id"], row["type"]) for entry in self.drawn for row in self.rows(entry, "_outbox")]
        found, seen = [], set()
        for entry in self.observed:
            data = entry["data"].get("data") or {}
            key = (data.get("fault"), data.get("fired"), entry["data"].get("messageid"))
            if data.get("action") in ACTIONS[word] and key not in seen:
                named = [name for one, name in sent if one == entry["data"].get("messageid")]
                found.append((next((name for name in named if name in entry["title"]), ""), entry))
                seen.add(key)
        return found


def at(entry: Entry) -> datetime:
    return datetime.fromisoformat(entry["committed_at"])


def told_of(name: str) -> tuple[str, list[Entry]]:
    return CELLS[name] if name in CELLS else recorded(name)

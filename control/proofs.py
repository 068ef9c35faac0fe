"""Finds the journal entries that prove that a fault struck: the observations of the struck code, as the recorder stored
them."""

from collections.abc import Iterator
from typing import Any

import orjson
from redis import Redis

from control.mirror import JOURNAL
from control.state import Record
from faults import Fault

PAGE = 500
KEPT = 20  # the newest proofs of one fault
LOOK_BACK = 5000  # entries searched when the starting position is unknown


class Proofs:
    """Finds the entries of strikes that have none yet; reads nothing while there is no such strike."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._wanted: dict[str, int] = {}  # fault id -> position after which its next proof must be

    def expect(self, fault: Fault, after: int) -> None:
        """The fault struck; its entry comes after position `after`."""
        self._wanted.setdefault(fault.id, after)

    def collect(self, records: dict[str, Record], end: int) -> bool:
        """Record the proofs on the journal's stream up to `end`; True if there was one. Raises RedisError."""
        for gone in self._wanted.keys() - records.keys():
            del self._wanted[gone]
        start = min(self._wanted.values(), default=end)
        if start >= end:
            return False
        found = False
        for entry in self._entries(max(start, end - LOOK_BACK)):
            name, number = _strike_of(entry)
            record = records.get(name)
            if record is not None and number not in [proof["number"] for proof in record.proofs]:
                record.proofs = [*record.proofs, _proof(entry, number)][-KEPT:]
                found = True
        for name in list(self._wanted):
            self._wanted[name] = end
            if _is_proven(records[name]):
                del self._wanted[name]
        return found

    def _entries(self, after: int) -> Iterator[dict[str, Any]]:
        while True:
            page: Any = self._redis.xrange(JOURNAL, min=f"({after}-0", count=PAGE)
            for _, fields in page:
                if b'"kind":"observation"' in fields[b"e"]:  # nearly all entries are no proofs, and are long
                    yield orjson.loads(fields[b"e"])
            if len(page) < PAGE:
                return
            after = int(page[-1][0].split(b"-")[0])


def _strike_of(entry: dict[str, Any]) -> tuple[str, int]:
    """The fault and the number of the strike that the entry proves. The end of a hold has an entry too; its first entry
    is the strike's."""
    data = entry.get("data") or {}
    strike = data.get("data") or {}
    try:
        return (str(strike.get("fault", "")), int(strike.get("fired", 1))) if data.get("kind") == "fault" else ("", 0)
    except (TypeError, ValueError, AttributeError):  # not a proof: the keeper continues, whatever wrote it
        return "", 0


def _proof(entry: dict[str, Any], number: int) -> dict[str, Any]:
    booking = next(iter(entry.get("correlations") or []), "")
    return {
        "number": number,
        "pos": entry["pos"],
        "booking": booking,
        "at": entry["committed_at"],
        "title": entry["title"],
    }


def _is_proven(record: Record) -> bool:
    return len(record.proofs) >= min(record.fault.fired, KEPT)

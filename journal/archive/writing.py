"""Writes a run's lines, and the checksum over them. Pure: returns bytes, keeps only the hash and a count."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Self

import orjson

from journal.archive.lines import FIELDS, Entry, Flight, Hashes, Row, Run, schema_of, source_of


class Digits(Decimal):
    """A number that keeps its notation: 1e30 does not become 1E+30 in another export of the same run."""

    text: str

    def __new__(cls, text: str) -> Self:
        number = super().__new__(cls, text)
        number.text = text
        return number


class Writer:
    """Call `run`, then `row`, `flight` and `entry` as often as needed, `state` and `end`, and join what they return.

    `changes` and `data` of an entry, and a row, may be an `orjson.Fragment`: JSON that is already text.
    """

    def __init__(self, epoch: str, at: str) -> None:
        """`at` is the time of lines that are not entries: when the run began."""
        self._source, self._at = source_of(epoch), at
        self._sha, self._entries = hashlib.sha256(), 0

    def run(self, run: Run) -> bytes:
        return self._add("run", run["id"], self._at, run)

    def row(self, row: Row) -> bytes:
        return self._add("row", f"{row['service']}/{row['table']}/{row['key']}", self._at, row)

    def flight(self, flight: Flight) -> bytes:
        return self._add("flight", flight["id"], self._at, flight)

    def entry(self, entry: Entry) -> bytes:
        self._entries += 1
        return self._add("entry", str(entry["pos"]), entry["committed_at"], entry)

    def state(self, pos: int, hashes: Hashes) -> bytes:
        return self._add("state", "state", self._at, {"pos": pos, "hashes": hashes})

    def end(self) -> bytes:
        return line("end", "end", self._source, self._at, self.trailer())

    def trailer(self) -> dict[str, Any]:
        """The content of the trailer for the lines so far."""
        return {"entries": self._entries, "sha256": self._sha.hexdigest()}

    def _add(self, kind: str, id: str, at: str, data: Mapping[str, Any]) -> bytes:
        text = line(kind, id, self._source, at, data)
        self._sha.update(text)
        return text


def line(kind: str, id: str, source: str, at: str, data: Mapping[str, Any]) -> bytes:
    """One event, with its newline. Raises TypeError for what JSON cannot express."""
    event = {
        "specversion": "1.0",
        "id": id,
        "source": source,
        "type": f"sagabox.{kind}",
        "time": at,
        "datacontenttype": "application/json",
        "dataschema": schema_of(kind),
        "data": {name: data[name] for name in FIELDS[kind]},
    }
    return dumps(event) + b"\n"


def dumps(value: Any) -> bytes:
    """JSON; Digits as they were read."""
    return orjson.dumps(value, default=_exact)


def _exact(value: Any) -> orjson.Fragment:
    if isinstance(value, Digits):
        return orjson.Fragment(value.text)
    raise TypeError(f"{type(value).__name__} has no JSON")

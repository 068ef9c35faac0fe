"""Reads a run's lines as they arrive, in constant memory, and refuses everything that is not exactly as it was written.

    for kind, data in read(chunks):      # "run", then "row", "flight", "entry" ..., "state", "end"

What is yielded before an error must be discarded: only "end" shows that the file is complete.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from math import isfinite
from typing import Any

from pydantic import TypeAdapter, ValidationError

from journal.archive import lines
from journal.archive.lines import SCHEMA, TYPES
from journal.archive.writing import Digits, dumps
from journal.archive.writing import line as written
from messaging.field_errors import words
from messaging.storable import DEPTH, deeper

DEEPEST = DEPTH + 10  # levels of a line, whose content may be nested DEPTH levels deep
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_ORDER = "a run, then rows, flights and entries, then the state and the end"


class ArchiveError(ValueError):
    """The file is refused. The text names the line (0: no single one), what is wrong with it and what is allowed."""

    def __init__(self, line: int, wrong: str, allowed: str) -> None:
        super().__init__(f"{f'line {line}: ' if line else ''}{wrong}; {allowed}")
        self.line = line


def read(chunks: Iterable[bytes], longest: int = lines.LONGEST) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (kind, data) for each line; numbers with a fraction come as Digits. Raises ArchiveError."""
    reader = _Reader()
    for number, text in enumerate(split(chunks, longest), 1):
        yield reader.take(number, text)
    reader.finish()


def split(chunks: Iterable[bytes], longest: int) -> Iterator[bytes]:
    """Lines with their newlines, the last one perhaps without."""
    rest, number = bytearray(), 1
    for chunk in chunks:
        searched = len(rest)
        rest += chunk
        start = 0
        while (end := rest.find(b"\n", max(start, searched))) >= 0:
            _bound(number, end - start, longest)
            yield bytes(rest[start : end + 1])
            start, number = end + 1, number + 1
        del rest[:start]
        _bound(number, len(rest), longest)
    if rest:
        yield bytes(rest)


def _bound(number: int, length: int, longest: int) -> None:
    if length > longest:
        raise ArchiveError(number, f"it is longer than {longest:,} bytes", "no line of an export is")


class _Reader:
    def __init__(self) -> None:
        self._sha, self._entries, self._number = hashlib.sha256(), 0, 0
        self._kind = ""
        self._run: dict[str, Any] = {}
        self._pos = 0

    def take(self, number: int, text: bytes) -> tuple[str, dict[str, Any]]:
        self._number = number
        if self._kind == "end":
            raise self._error("there is something after the end", "the trailer is the last line")
        if not text.endswith(b"\n"):
            raise self._error("it is cut off in the middle", "an export ends with a trailer and a newline")
        event = self._event(text)
        kind = event["type"].removeprefix("sagabox.")
        self._in_order(kind, event["type"])
        data = event["data"]
        if kind == "run":
            self._schema(data)
        data = self._checked(lines.SHAPES[kind], data, "data.")
        getattr(self, f"_take_{kind}", _nothing)(data)
        if kind == "end":
            self._whole(text, event, data)
        else:
            self._envelope(event, kind, data)
            self._sha.update(text)
        self._kind = kind
        return kind, data

    def finish(self) -> None:
        if self._kind != "end":
            wrong = "the export ends here, without its trailer: it was cut off" if self._kind else "the file is empty"
            raise self._error(wrong, "the last line of an export is its trailer, of type sagabox.end")

    def _event(self, text: bytes) -> dict[str, Any]:
        if b"\\u0000" in text and _NUL.search(text):
            raise self._error("it holds the character NUL", "PostgreSQL, where it came from, has no such text")
        try:
            event = parsed(text)
        except UnicodeDecodeError as error:
            raise self._error(f"it is not UTF-8 at byte {error.start}", "an export is UTF-8") from error
        except (ValueError, ArithmeticError, RecursionError) as error:
            raise self._error(
                f"it is not JSON ({error})", "each line is one JSON object, a CloudEvents event"
            ) from error
        # A text with no more brackets than that is no deeper; only the rest has to be checked.
        if text.count(b"[") + text.count(b"{") > DEEPEST and deeper(event, DEEPEST):
            raise self._error(f"it is nested more than {DEEPEST} levels deep", "nothing that an export holds is")
        if b"\\ud" in text.lower():
            self._whole_characters(event)
        if self._number == 1 and not (isinstance(event, dict) and event.get("type") == "sagabox.run"):
            raise self._error("the header is missing", "the first line of an export is of type sagabox.run")
        return self._checked(lines.ENVELOPE, event, "")

    def _whole_characters(self, event: Any) -> None:
        try:
            dumps(event)
        except TypeError as error:
            raise self._error("it holds half of a character (a lone surrogate)", "an export is Unicode text") from error

    def _in_order(self, kind: str, type: str) -> None:
        if type != f"sagabox.{kind}" or kind not in TYPES:
            known = ", ".join(f"sagabox.{name}" for name in TYPES)
            raise self._error(f"the type '{type[:80]}' is unknown", f"an export has {known}")
        before = TYPES.index(self._kind) if self._kind else -1
        repeated = kind == self._kind and kind not in ("row", "flight", "entry")
        early = kind in ("state", "end") and TYPES.index(kind) > max(before, 3) + 1
        if TYPES.index(kind) < before or repeated or early:
            raise self._error(f"sagabox.{kind} comes after sagabox.{self._kind}", f"the order is {_ORDER}")

    def _schema(self, data: dict[str, Any]) -> None:
        if data.get("schema") != SCHEMA:
            wrong = f"it has schema version {str(data.get('schema'))[:40]}"
            raise self._error(wrong, f"this Sagabox reads version {SCHEMA}")

    def _checked(self, shape: TypeAdapter[Any], value: Any, prefix: str) -> Any:
        try:
            return shape.validate_python(value)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = prefix + ".".join(str(part) for part in first["loc"])
            raise self._error(f"{place[:200] or 'the line'} is not as it should be", words(first)) from error

    def _envelope(self, event: dict[str, Any], kind: str, data: dict[str, Any]) -> None:
        """Fields that occur twice must be equal, or an import would lose one of the two."""
        at = data["committed_at"] if kind == "entry" else self._run["started_at"]
        for name, expected in (
            ("source", lines.source_of(self._run["epoch"])),
            ("dataschema", lines.schema_of(kind)),
            ("time", at),
        ):
            if event[name] != expected:
                raise self._error(f"its {name} is '{event[name][:80]}'", f"'{expected}' is expected here")
        if kind == "entry" and event["id"] != str(data["pos"]):
            raise self._error(f"its id is '{event['id'][:80]}'", f"the entry's position, {data['pos']}, is expected")

    def _take_run(self, data: dict[str, Any]) -> None:
        if data["last_pos"] < data["started_pos"] - 1:
            raise self._error("the run ends before it begins", "last_pos is at least started_pos - 1")
        self._run, self._pos = data, data["started_pos"] - 1

    def _take_row(self, data: dict[str, Any]) -> None:
        if data["from_pos"] >= self._run["started_pos"]:
            wrong = f"what is from position {data['from_pos']} was not there when the run began"
            raise self._error(wrong, f"the run began at {self._run['started_pos']}")

    _take_flight = _take_row

    def _take_entry(self, data: dict[str, Any]) -> None:
        if not all(0 < cause < data["pos"] for cause in data["cause_pos"]):
            wrong = f"its causes are at {str(data['cause_pos'])[:100]}"
            raise self._error(wrong, f"what caused the entry at {data['pos']} was journaled before it")
        if data["pos"] != self._pos + 1:
            wrong = f"position {data['pos']} comes after {self._pos}"
            raise self._error(wrong, f"positions follow each other, so {self._pos + 1} is expected")
        self._pos, self._entries = data["pos"], self._entries + 1

    def _take_state(self, data: dict[str, Any]) -> None:
        if not data["pos"] == self._pos == self._run["last_pos"]:
            wrong = f"the last entry is {self._pos}, the state is of {data['pos']}"
            raise self._error(wrong, f"the header names {self._run['last_pos']} as the last position")

    def _whole(self, text: bytes, event: dict[str, Any], data: dict[str, Any]) -> None:
        if data["sha256"] != self._sha.hexdigest():
            wrong = f"the checksum is {data['sha256'][:16]}…, the lines before it give {self._sha.hexdigest()[:16]}…"
            raise self._error(wrong, "the export has been changed or damaged on its way")
        expected = written(
            "end", "end", lines.source_of(self._run["epoch"]), self._run["started_at"],
            {"entries": self._entries, "sha256": self._sha.hexdigest()},
        )  # fmt: skip
        if text != expected:
            wrong = f"the trailer does not fit the {self._entries:,} entries before it"
            raise self._error(wrong, "the export has been changed or damaged on its way")

    def _error(self, wrong: str, allowed: str) -> ArchiveError:
        return ArchiveError(max(self._number, 1), wrong, allowed)


def _nothing(data: dict[str, Any]) -> None:
    """A kind of line without a check against the others."""


def parsed(text: bytes) -> Any:
    """A line's JSON; a number that Python would write otherwise comes as Digits. Raises ValueError."""
    return json.loads(text.decode(), parse_float=_fraction, parse_int=_integer, parse_constant=_refuse)


def _integer(text: str) -> int | Digits:
    """A number that does not fit into 64 bits stays text: orjson would not write it."""
    if len(text) < 19:
        return int(text)
    exact = _fraction(text)
    return int(exact) if -(2**63) <= exact < 2**63 else exact


def _fraction(text: str) -> Digits:
    if not isfinite(float(text)):
        raise ValueError(f"{text[:20]}… is beyond all numbers of 64 bits")
    return Digits(text)


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")

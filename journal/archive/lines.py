"""The format of an exported run: JSON Lines, each line a CloudEvents 1.0 event. What may stand in `data`, by the event's type.

    sagabox.run         the header: schema version, the run, the tables' definitions, the hashes at its start
    sagabox.row         a row that was there when the run began     (none if the run begins with the journal)
    sagabox.flight      a message that was under way then
    sagabox.entry       an entry of the journal, all its columns; positions follow each other without a gap
    sagabox.state       the tables' hashes after the last entry: what a replay must give
    sagabox.end         the trailer: entries, and SHA-256 of all bytes before this line

`SCHEMA` is raised when the meaning of a line changes.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter
from typing_extensions import TypedDict

SCHEMA = 1
MEDIA_TYPE = "application/x-ndjson"
SUFFIX = ".sagabox.jsonl"
LONGEST = 64 * 1024 * 1024  # bytes of a line; an entry is one transaction of one database
TYPES = ("run", "row", "flight", "entry", "state", "end")

STRICT = ConfigDict(extra="forbid", strict=True)


def _moment(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("a time without its offset from UTC")
    return text


def _uuid(text: str) -> str:
    if str(UUID(text)) != text:
        raise ValueError("a UUID in lower case with hyphens is expected")
    return text


Moment = Annotated[str, AfterValidator(_moment)]
Id = Annotated[str, AfterValidator(_uuid)]
Pos = Annotated[int, Field(ge=0, lt=2**63)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Number = Annotated[str, Field(pattern=r"^-?\d{1,20}$")]  # an integer that JavaScript's numbers could not hold


class TableHash(TypedDict):
    """As in `journal.models.TableHash`."""

    __pydantic_config__ = STRICT  # type: ignore[misc]

    rows: Annotated[int, Field(ge=0, lt=2**63)]
    hash: Number


Hashes = dict[str, dict[str, TableHash]]
"""service -> table -> its rows and their additive hash"""


class Run(TypedDict):
    """`id` and `epoch` are those of the journal it was recorded in. `hashes` are as of just before `started_pos`.

    `started_pos` is the first entry's position and `last_pos` the last one's; a run without entries has `last_pos` one less.
    """

    __pydantic_config__ = STRICT  # type: ignore[misc]

    schema: int
    id: Id
    epoch: Id
    name: Name
    seed: Annotated[str, Field(max_length=200)]
    faults: list[Any]
    tables: dict[str, Any]
    started_pos: Annotated[int, Field(ge=1, lt=2**63)]
    last_pos: Pos
    started_at: Moment
    ended_at: Moment | None
    hashes: Hashes


class Row(TypedDict):
    __pydantic_config__ = STRICT  # type: ignore[misc]

    service: Name
    table: Name
    key: str
    from_pos: Pos
    correlation: str | None
    row: dict[str, Any]


class Flight(TypedDict):
    """A message that was emitted at `from_pos` and not handled when the run began."""

    __pydantic_config__ = STRICT  # type: ignore[misc]

    id: Id
    kind: str
    type: str
    source: str
    target: str
    correlation: str
    from_pos: Pos


class Change(TypedDict):
    __pydantic_config__ = STRICT  # type: ignore[misc]

    table: str
    op: Literal["insert", "update", "delete", "truncate"]
    key: str | None
    old: dict[str, Any] | None
    new: dict[str, Any] | None


class Entry(TypedDict):
    """As `journal.queries.as_dict` gives it."""

    __pydantic_config__ = STRICT  # type: ignore[misc]

    pos: Pos
    kind: Literal["transaction", "observation"]
    service: Name
    xid: Annotated[int, Field(ge=0, lt=2**63)] | None
    lsn: str
    committed_at: Moment
    recorded_at: Moment
    title: str
    causes: list[Id]
    cause_pos: list[Pos]
    cause_known: bool
    emits: list[Id]
    correlations: list[str]
    data: dict[str, Any] | None
    changes: list[Change]


class State(TypedDict):
    __pydantic_config__ = STRICT  # type: ignore[misc]

    pos: Pos
    hashes: Hashes


class End(TypedDict):
    __pydantic_config__ = STRICT  # type: ignore[misc]

    entries: Pos
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Event(TypedDict):
    """What CloudEvents ask for around `data`."""

    __pydantic_config__ = STRICT  # type: ignore[misc]

    specversion: Literal["1.0"]
    id: str
    source: str
    type: str
    time: Moment
    datacontenttype: Literal["application/json"]
    dataschema: str
    data: dict[str, Any]


SHAPES: dict[str, TypeAdapter[Any]] = {
    "run": TypeAdapter(Run),
    "row": TypeAdapter(Row),
    "flight": TypeAdapter(Flight),
    "entry": TypeAdapter(Entry),
    "state": TypeAdapter(State),
    "end": TypeAdapter(End),
}
ENVELOPE: TypeAdapter[Any] = TypeAdapter(Event)
FIELDS = {
    kind: tuple(shape.__annotations__)
    for kind, shape in {"run": Run, "row": Row, "flight": Flight, "entry": Entry, "state": State, "end": End}.items()
}
"""What stands in `data`, in this order."""


def schema_of(kind: str) -> str:
    return f"sagabox/{kind}/{SCHEMA}"


def source_of(epoch: str) -> str:
    """Positions are unique within a journal, and a journal is named by its epoch."""
    return f"/sagabox/journal/{epoch}"

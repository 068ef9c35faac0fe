"""The format of an exported run: JSON Lines, each line a CloudEvents 1.0 event. The content of `data`, by the event's
type.

    sagabox.run         the header: schema version, the run, the tables' definitions, the hashes at its start
    sagabox.row         a row that was there when the run began     (none if the run begins with the journal)
    sagabox.flight      a message that was under way then
    sagabox.entry       an entry of the journal, all its columns; positions follow each other without a gap
    sagabox.state       the tables' hashes after the last entry: what a replay must give
    sagabox.end         the trailer: entries, and SHA-256 of all bytes before this line

`SCHEMA` is increased when the meaning of a line changes.
"""

from __future__ import annotations

import unicodedata
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, with_config
from typing_extensions import TypedDict

from messaging.storable import check_moment
from messaging.typed_text import typed_text

SCHEMA = 1
MEDIA_TYPE = "application/x-ndjson"
SUFFIX = ".sagabox.jsonl"
LONGEST = 64 * 1024 * 1024  # bytes of a line; an entry is one transaction of one database
TYPES = ("run", "row", "flight", "entry", "state", "end")

STRICT = ConfigDict(extra="forbid", strict=True)


def _moment(text: str) -> str:
    check_moment(datetime.fromisoformat(text))
    return text


def _name(text: str) -> str:
    """A run's name as the API accepts it. It is not changed: exporting an import gives the same file again."""
    typed_text(text, what="name")
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise ValueError("a name has no control characters")
    return text


def _uuid(text: str) -> str:
    if str(UUID(text)) != text:
        raise ValueError("a UUID in lower case with hyphens is expected")
    return text


def _bigint(text: str) -> str:
    if not -(2**63) <= int(text) < 2**63:
        raise ValueError("a number of 64 bits is expected")
    return text


Moment = Annotated[str, Field(max_length=60), AfterValidator(_moment)]
Id = Annotated[str, AfterValidator(_uuid)]
Pos = Annotated[int, Field(ge=0, lt=2**63)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Number = Annotated[str, Field(pattern=r"^-?\d{1,19}$"), AfterValidator(_bigint)]
"""An integer that JavaScript's numbers could not hold."""
Key = Annotated[str, Field(max_length=500)]  # the longest that an index of PostgreSQL can hold, in any script


@with_config(STRICT)
class TableHash(TypedDict):
    """As in `journal.models.TableHash`."""

    rows: Annotated[int, Field(ge=0, lt=2**63)]
    hash: Number


@with_config(ConfigDict(extra="allow", strict=True))
class Fault(TypedDict, total=False):
    """What was armed, as the control process lists it; no page uses the other fields."""

    id: str
    action: str
    point: str
    service: str


@with_config(STRICT)
class Definition(TypedDict):
    """Of a table: [[name, type]] and the names of its primary key."""

    columns: list[Annotated[list[Name], Field(min_length=2, max_length=2)]]
    key: list[Name]


@with_config(ConfigDict(extra="allow", strict=True))
class Observed(TypedDict, total=False):
    """The fields of an observation besides its title."""

    kind: Annotated[str, Field(max_length=100)]  # it is in an index
    messageid: str
    data: dict[str, Any]


Hashes = dict[str, dict[str, TableHash]]
"""service -> table -> its rows and their additive hash"""


@with_config(STRICT)
class Run(TypedDict):
    """`id` and `epoch` are those of the journal it was recorded in. `hashes` are as of just before `started_pos`.

    `started_pos` is the first entry's position and `last_pos` the last one's; a run without entries has `last_pos` one less.
    """

    schema: int
    id: Id
    epoch: Id
    name: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_name)]
    seed: Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
    faults: list[Fault]
    tables: dict[str, dict[str, Definition]]
    started_pos: Annotated[int, Field(ge=1, lt=2**63)]
    last_pos: Pos
    started_at: Moment
    ended_at: Moment | None
    hashes: Hashes


@with_config(STRICT)
class Row(TypedDict):
    service: Name
    table: Name
    key: Key
    from_pos: Pos
    correlation: Key | None
    row: dict[str, Any]


@with_config(STRICT)
class Flight(TypedDict):
    """A message that was emitted at `from_pos` and not handled when the run began."""

    id: Id
    kind: str
    type: str
    source: str
    target: str
    correlation: Key
    from_pos: Pos


@with_config(STRICT)
class Change(TypedDict):
    table: Name
    op: Literal["insert", "update", "delete", "truncate"]
    key: Key | None
    old: dict[str, Any] | None
    new: dict[str, Any] | None


@with_config(STRICT)
class Entry(TypedDict):
    """As `journal.reading.queries.as_dict` gives it."""

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
    correlations: list[Key]
    data: Observed | None
    changes: list[Change]


@with_config(STRICT)
class State(TypedDict):
    pos: Pos
    hashes: Hashes


@with_config(STRICT)
class End(TypedDict):
    entries: Pos
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


@with_config(STRICT)
class Event(TypedDict):
    """The fields that CloudEvents require around `data`."""

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
"""The kinds of `data`, in this order."""


def schema_of(kind: str) -> str:
    return f"sagabox/{kind}/{SCHEMA}"


def source_of(epoch: str) -> str:
    """Positions are unique within a journal, and its epoch identifies a journal."""
    return f"/sagabox/journal/{epoch}"

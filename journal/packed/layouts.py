"""Layouts: a table's columns and key as its log announced them, which its rows of that time are decoded with.

A log announces a table before its first row, and again when it has changed. A packed entry names the layouts of its rows,
so it can be decoded after any number of changes. A layout's id is a hash of its content, so it never changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import orjson

from journal.database import JOURNAL
from messaging.wal import Relation
from messaging.wal.messages import Column
from messaging.wal.values import converters_of

_FIND = "select id, definition::text from journal_layout where id = any(%s)"
_known: dict[int, Relation] = {}


@dataclass(frozen=True, slots=True)
class Layout:
    """`definition`: JSON of the relation; `id`: the first 64 bits of its hash, signed, as a bigint."""

    id: int
    definition: str
    relation: Relation


class UnknownLayoutError(LookupError):
    """An entry names a layout that the journal does not have."""


def layout_of(relation: Relation) -> Layout:
    columns = [(column.name, column.type_oid, column.in_identity) for column in relation.columns]
    text = orjson.dumps(
        {
            "oid": relation.oid,
            "schema": relation.schema,
            "table": relation.table,
            "columns": columns,
            "key": relation.key,
        }
    )
    id = int.from_bytes(blake2b(text, digest_size=8).digest(), "big", signed=True)
    return Layout(id, text.decode(), relation)


def relation_of(definition: Mapping[str, Any]) -> Relation:
    """The inverse of `layout_of`."""
    columns = tuple(Column(*one) for one in definition["columns"])
    names = tuple(column.name for column in columns)
    key = tuple(definition["key"])
    return Relation(
        definition["oid"], definition["schema"], definition["table"], columns, key, names, converters_of(columns)
    )


def missing(ids: Iterable[int]) -> set[int]:
    """Those that this process has not loaded yet."""
    return set(ids) - _known.keys()


def load(ids: Iterable[int]) -> None:
    """Make `relations` of these ids possible without the database. Raises UnknownLayoutError, django.db.DatabaseError."""
    wanted = missing(ids)
    if wanted:
        for id, definition in JOURNAL.rows(_FIND, [list(wanted)]):
            _known[id] = relation_of(orjson.loads(definition))
        if lost := missing(wanted):
            raise UnknownLayoutError(f"no layout {', '.join(map(str, sorted(lost)))}")


def relations(ids: Iterable[int]) -> list[Relation]:
    """Of loaded layouts. Raises KeyError for others."""
    return [_known[id] for id in ids]

"""Converts PostgreSQL's text form of a value to a JSON-friendly Python value, by the column's type OID."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from psycopg.adapt import Transformer
from psycopg.pq import Format

from messaging.storable import LONGEST_KEY, readable

from .messages import Column, Relation, Row


def _array(type_oid: int) -> Callable[[str], list[Any]]:
    """psycopg's own reading of an array type; elements that are not text become what psycopg makes of them."""
    load = Transformer().get_loader(type_oid, Format.TEXT).load
    return lambda text: load(text.encode())


# OIDs of built-in types are fixed (catalogue pg_type). All else stays text: uuid, timestamptz, xid8, numeric ...
_CONVERTERS: dict[int, Callable[[str], Any]] = {
    16: "t".__eq__,  # boolean
    20: int,  # bigint
    21: int,  # smallint
    23: int,  # integer
    700: float,  # real
    701: float,  # double precision
    114: readable,  # json
    3802: readable,  # jsonb
    1009: _array(1009),  # text[]
    1016: _array(1016),  # bigint[]
    2951: _array(1009),  # uuid[], whose elements stay text
}


def converters_of(columns: Iterable[Column]) -> tuple[tuple[str, Callable[[str], Any]], ...]:
    """(column name, function of its text) for the columns that have a JSON-friendly type other than text."""
    return tuple((column.name, _CONVERTERS[column.type_oid]) for column in columns if column.type_oid in _CONVERTERS)


def row_key(names: Sequence[str], row: Mapping[str, Any]) -> str:
    """The values of the key's columns, joined by commas; missing columns of a partial row are left out. A key that no
    index could hold (for example of a table without a primary key) is cut, and distinguished from others by its hash.
    """
    single = len(names) == 1 and names[0] in row  # nearly always
    key = str(row[names[0]]) if single else ",".join(str(row[name]) for name in names if name in row)
    if len(key) > LONGEST_KEY:
        key = f"{key[: LONGEST_KEY - 40]}…{blake2b(key.encode(), digest_size=16).hexdigest()}"
    return key


def python_row(relation: Relation, row: Row) -> dict[str, Any]:
    """A new row whose booleans, integers, floats and JSON are Python values; every other type keeps its text."""
    return converted(relation, dict(row))


def converted(relation: Relation, row: dict[str, Any]) -> dict[str, Any]:
    """The row itself, with its values made those of `python_row`."""
    for name, convert in relation.converters:
        text = row.get(name)
        if text is not None:
            row[name] = convert(text)
    return row

"""The additive hash of a table: the sum of its rows' hashes, modulo 2^64. Pure.

A change subtracts one number and adds another, so a fold over changes has the hash of the whole table after each change
without reading the table. A reader of the table itself, in any order, must get the same number.
"""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import orjson

_MODULUS, _HALF = 1 << 64, 1 << 63


def row_hash(key: str, row: Mapping[str, Any]) -> int:
    """64 bits of a row as `messaging.wal.python_row` gives it, and as it comes back from the journal: signed, as a bigint."""
    return text_hash(key, row_text(row))


def row_text(row: Mapping[str, Any]) -> bytes:
    """The row as JSON, always in the same order."""
    return orjson.dumps(row, option=orjson.OPT_SORT_KEYS)


def text_hash(key: str, text: bytes) -> int:
    """`row_hash` of the row with this `row_text`."""
    whole = b"[%b,%b]" % (orjson.dumps(key), text)
    return int.from_bytes(blake2b(whole, digest_size=8).digest(), "big", signed=True)


def added(total: int, *hashes: int) -> int:
    """`total` with more rows; pass a negated hash to subtract its row. Everything is a bigint, sums wrap around."""
    return (total + sum(hashes) + _HALF) % _MODULUS - _HALF

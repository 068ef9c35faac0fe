"""The additive hash of a table: the sum of its rows' hashes, modulo 2^64. Pure.

A change takes one number off and puts one on, so a fold over changes knows the hash of a whole table after each of them
without looking at the table; and whoever reads the table itself, in any order, must come to the same number.
"""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import orjson

_MODULUS, _HALF = 1 << 64, 1 << 63


def row_hash(key: str, row: Mapping[str, Any]) -> int:
    """64 bits of a row as `messaging.wal.python_row` gives it, and as it comes back from the journal: signed, as a bigint."""
    text = orjson.dumps((key, row), option=orjson.OPT_SORT_KEYS)
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big", signed=True)


def added(total: int, *hashes: int) -> int:
    """`total` with more rows; give a hash negated to take its row off. Everything is a bigint, sums wrap around."""
    return (total + sum(hashes) + _HALF) % _MODULUS - _HALF

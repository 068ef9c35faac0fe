"""The bytes of a packed entry: its rows' messages in their order, each with the number of its layout, compressed.

The first byte is the format. Pure.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from struct import Struct

FORMAT = b"\x01"
LEVEL = 1  # of zlib: a higher one takes twice the time for a tenth of the size
_HEAD = Struct(">HI")  # number of the layout in the entry, bytes of the message

Piece = tuple[int, bytes]
"""(number of the layout in the entry, message of kind I, U, D; or T alone for an emptied table)"""


class PackedError(ValueError):
    """Not a packed entry of a known format."""


def pack(pieces: Iterable[Piece]) -> bytes:
    parts: list[bytes] = []
    for number, message in pieces:
        parts += _HEAD.pack(number, len(message)), message
    return FORMAT + zlib.compress(b"".join(parts), LEVEL)


def unpack(packed: bytes) -> list[Piece]:
    """The inverse of `pack`. Raises PackedError."""
    if packed[:1] != FORMAT:
        raise PackedError(f"a packed entry of the unknown format {bytes(packed[:1])!r}")
    try:
        data = zlib.decompress(packed[1:])
    except zlib.error as error:
        raise PackedError(f"a packed entry that is damaged: {error}") from error
    pieces = []
    at, unpack_head = 0, _HEAD.unpack_from
    while at < len(data):
        number, length = unpack_head(data, at)
        at += _HEAD.size + length
        pieces.append((number, data[at - length : at]))
    return pieces

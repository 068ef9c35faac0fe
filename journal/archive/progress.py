"""The progress of this process's imports, under ids that the clients chose. Losing it with the process does no harm:
the import dies too, and nothing of it is kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO

from topology.tuning import Bytes

REMEMBERED = 100
CHUNK: Bytes = 256 * 1024  # of a file, read at a time


@dataclass(slots=True)
class Import:
    """`state`: reading, indexing, done, refused. `of` is the file's length in bytes, 0 if it is not known."""

    id: str
    state: str = "reading"
    received: int = 0
    of: int = 0
    entries: int = 0
    indexed: int = 0
    run: str = ""
    title: str = ""
    detail: str = ""

    def as_dict(self) -> dict[str, Any]:
        """With `share`, 0 to 1: reading counts as the first half."""
        read = min(self.received / self.of, 1) if self.of else float(self.state != "reading")
        indexed = self.indexed / self.entries if self.entries and self.state != "reading" else 0.0
        share = 1.0 if self.state == "done" else (read + indexed) / 2
        return {**asdict(self), "share": round(share, 3)}

    def chunks(self, stream: BinaryIO) -> Iterator[bytes]:
        while chunk := stream.read(CHUNK):
            self.received += len(chunk)
            yield chunk

    def moved(self, state: str, entries: int) -> None:
        self.state = state
        if state == "reading":
            self.entries = entries
        else:
            self.indexed = entries


class Imports:
    """The newest ones by id."""

    def __init__(self) -> None:
        self._by_id: OrderedDict[str, Import] = OrderedDict()

    def begin(self, id: str, of: int) -> Import:
        self._by_id[id] = Import(id, of=of)
        while len(self._by_id) > REMEMBERED:
            self._by_id.popitem(last=False)
        return self._by_id[id]

    def get(self, id: str) -> Import | None:
        return self._by_id.get(id)

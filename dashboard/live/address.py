"""The parameters that a page sends when it connects: `/ws/journal?after=&epoch=&performance=&log=&who=`."""

from dataclasses import dataclass
from urllib.parse import parse_qs
from uuid import UUID, uuid4


@dataclass(frozen=True, slots=True)
class Address:
    """`after`: the last entry it shows, None if it shows none yet, -1 for an invalid position."""

    after: int | None
    epoch: str
    performance: str
    log: bool
    who: str
    full: bool = False  # an operator's: nothing in it is masked

    @classmethod
    def read(cls, query_string: bytes, *, full: bool = False) -> "Address":
        """Never raises: an invalid position leads to a reload, and a page without a name gets one."""
        query = parse_qs(query_string.decode("ascii", "replace"))
        said = {name: query.get(name, [""])[0] for name in ("after", "epoch", "performance", "log", "who")}
        return cls(
            after=_position(said["after"]) if said["after"] else None,
            epoch=said["epoch"],
            performance=said["performance"][:100],
            log=said["log"] == "1",
            who=_uuid(said["who"]),
            full=full,
        )


def _position(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else -1


def _uuid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        return str(uuid4())

"""The envelope on the wire: CloudEvents 1.0 JSON, with the extensions a saga needs.

Extensions: `correlationid` (the booking), `causationid` (the message that was being handled), `sagaid`, `sagastep`,
`sagaaction`, `version` (of the aggregate, one writer, no gaps), `xid` and `horizon` (transaction ids of the source, as
strings), and on events `prev`: the id of the event the source published just before. Extensions without a value are left out.
"""

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from messaging import storable

FIRST = "1"
FORWARD, COMPENSATION, FENCE = "forward", "compensation", "fence"
"""What a `sagaaction` may be."""
_VERSION = re.compile(r"(?:^|/)(\d{1,6})(?:\.(\d{1,6}))?$", re.ASCII)
REQUIRED = ("id", "source", "type", "kind", "data")


class EnvelopeError(ValueError):
    """Not an envelope; the text names what is missing or wrong."""


class NewerContractError(ValueError):
    """A message of a contract version that only a newer version of this program can read: it waits for one."""


def dataschema(service: str, type: str, version: str = "") -> str:
    """The version of a message's data, by source and type: `1`, or `1.2` where fields have been added since."""
    return f"{service}/{type}/{version or FIRST}"


def contract_version(dataschema: object) -> tuple[int, int]:
    """(major, minor) of a `dataschema`; a missing one is the first. Raises ValueError."""
    if dataschema is None:
        return 1, 0
    found = _VERSION.search(dataschema) if isinstance(dataschema, str) else None
    if found is None:
        raise ValueError(f"the version of its contract cannot be read: dataschema {dataschema!r}")
    return int(found[1]), int(found[2] or 0)


def check_major(dataschema: object, known: int, type: str) -> int:
    """The minor version, if the major one is known. Raises ValueError, NewerContractError."""
    major, minor = contract_version(dataschema)
    if major > known:
        raise NewerContractError(f"waits for a newer version: {type} {major}.{minor}, this one knows {type} {known}")
    if major < known:
        raise ValueError(f"{type} {major}.{minor} is not known any more, only {type} {known}")
    return minor


def from_row(service: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """Build the envelope of an outbox row (column name -> value; text or typed values, `data` already parsed)."""
    envelope = {
        "specversion": "1.0",
        "id": str(row["id"]),
        "source": f"/{service}",
        "type": row["type"],
        "subject": row["subject"],
        "time": row["time"] if isinstance(row["time"], str) else row["time"].isoformat(),
        "datacontenttype": "application/json",
        "dataschema": dataschema(service, row["type"], row.get("schema") or ""),
        "data": row["data"],
        "kind": row["kind"],
        "xid": str(row["xid"]),
        "horizon": str(row["horizon"]),
    }
    for name, column in _EXTENSIONS:
        value = row[column]
        if value not in (None, ""):
            envelope[name] = int(value) if name == "version" else str(value)
    return envelope


_EXTENSIONS = (
    ("destination", "destination"),
    ("correlationid", "correlation_id"),
    ("sagaid", "saga_id"),
    ("sagastep", "step"),
    ("sagaaction", "action"),
    ("causationid", "causation_id"),
    ("version", "version"),
)


def check(envelope: Any, *, parsed: bool = False) -> dict[str, Any]:
    """Return the envelope if it is valid; `parsed` as for storable.check. Raises EnvelopeError."""
    if not isinstance(envelope, dict):
        raise EnvelopeError(f"an envelope is a JSON object, not {type(envelope).__name__}")
    missing = [name for name in REQUIRED if name not in envelope]
    if missing:
        raise EnvelopeError(f"envelope without {', '.join(missing)}")
    if not isinstance(envelope["data"], dict):
        raise EnvelopeError("the envelope's data is not a JSON object")
    try:
        storable.check(envelope, parsed=parsed)
    except storable.NotStorableError as error:
        raise EnvelopeError(f"the envelope {error}") from None
    try:
        UUID(envelope["id"])
    except (TypeError, ValueError, AttributeError):
        raise EnvelopeError(f"the envelope's id is not a UUID: {envelope['id']!r}") from None
    return envelope

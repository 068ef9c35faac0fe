"""Notes: records in a log for the journal alone, written by `pg_logical_emit_message`, and the proof that they are
ours.

A note that invalidates everything before it (RESETS) empties the journal's memory of a database. So it carries a proof
that the setup of the databases wrote it: an HMAC under the recorder's password, which no service has.
"""

import hmac
import json
from typing import Any

from messaging.storable import readable, storable_text

PREFIX = "journal"
RESETS = ("snapshot", "gap")
"""Notes that invalidate everything recorded before: the existing rows are recorded again."""
KINDS = (*RESETS, "introduced")
UNREADABLE = "unreadable"
"""Kind of the entry for what the recorder could not read."""
SHOWN = 200  # characters of a note that cannot be read


class NoteError(ValueError):
    """Not a note of ours: it has another shape, another kind, or no proof. The text says which, and how the note begins."""


def written(kind: str, text: str, key: str = "") -> str:
    """The content of a note, as JSON. `key`: the recorder's password on that instance."""
    note = {"kind": kind, "text": text}
    return json.dumps(note | {"proof": _proof(kind, text, key)} if kind in RESETS else note)


def read(content: bytes, key: str = "") -> dict[str, str]:
    """{"kind", "text"} of a note. Raises NoteError."""
    shown = repr(storable_text(content.decode(errors="replace"), SHOWN))
    note: Any = readable(content.decode(errors="replace"))
    if not isinstance(note, dict):
        raise NoteError(f"no JSON object: {shown}")
    kind, text, proof = note.get("kind"), note.get("text"), note.get("proof")
    if kind not in KINDS or not isinstance(text, str):
        raise NoteError(f"of no known kind, or without a text: {shown}")
    if kind in RESETS and not (
        isinstance(proof, str) and hmac.compare_digest(proof.encode(), _proof(kind, text, key).encode())
    ):
        raise NoteError(f"not written by who sets the databases up, so nothing is forgotten: {shown}")
    return {"kind": kind, "text": storable_text(text, 1000)}


def _proof(kind: str, text: str, key: str) -> str:
    return hmac.digest(key.encode(), f"{kind}\n{text}".encode(), "sha256").hex()

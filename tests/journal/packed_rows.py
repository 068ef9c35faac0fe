"""The rows of entries as a test reads them with SQL of its own, from a journal that is not this process's."""

import json
from collections.abc import Callable, Iterable
from typing import Any

from journal.packed.layouts import relation_of
from journal.packed.packing import unpack
from journal.packed.rows import changes_of

Changes = list[dict[str, Any]]
LAYOUTS = "select id, definition::text from journal_layout"
COLUMNS = "changes::text, packed, layouts"


def opener(layouts: Iterable[tuple[int, str]]) -> Callable[[str | None, bytes | None, list[int] | None], Changes]:
    """A function of an entry's COLUMNS, given the rows of LAYOUTS."""
    known = {id: relation_of(json.loads(definition)) for id, definition in layouts}

    def changes(text: str | None, packed: bytes | None, named: list[int] | None) -> Changes:
        if packed is None:
            return list(json.loads(text or "[]"))
        return changes_of(unpack(bytes(packed)), [known[id] for id in named or ()]) if packed else []

    return changes

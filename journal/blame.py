"""Which entry made a row what it is: the link from a verdict to the journal."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from django.db import connections

_LAST_CHANGE = """
    select mention.pos, mention.correlation
    from journal_mention mention join journal_entry entry using (tape, pos)
    where mention.tape = 0 and mention.correlation = any(%s) and entry.changes @> any(%s::jsonb[])
    order by mention.pos desc limit 1
"""


class Blamed(NamedTuple):
    pos: int
    booking: str


def last_change(bookings: Sequence[str], tables: Sequence[str]) -> Blamed | None:
    """The newest entry that mentions one of these bookings and changed one of `tables`; None if there is none (yet)."""
    with connections["journal"].cursor() as cursor:
        cursor.execute(_LAST_CHANGE, [list(bookings), [json.dumps([{"table": table}]) for table in tables]])
        found = cursor.fetchone()
    return Blamed(*found) if found else None

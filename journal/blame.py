"""Which entry made a row what it is: the link from a verdict to the journal."""

from collections.abc import Sequence
from typing import NamedTuple

import orjson
from django.db import connections

_LAST_CHANGE = """
    select mention.pos, mention.correlation
    from journal_mention mention join journal_entry entry on entry.pos = mention.pos
    where mention.correlation = any(%s) and entry.changes @> %s::jsonb
    order by mention.pos desc limit 1
"""


class Blamed(NamedTuple):
    pos: int
    booking: str


def last_change(bookings: Sequence[str], table: str) -> Blamed | None:
    """The newest entry that mentions one of these bookings and changed `table`; None if there is none (yet)."""
    with connections["journal"].cursor() as cursor:
        cursor.execute(_LAST_CHANGE, [list(bookings), orjson.dumps([{"table": table}]).decode()])
        found = cursor.fetchone()
    return Blamed(*found) if found else None

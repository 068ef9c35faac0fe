"""A range of a tape for a drawing: entries with their causes, without the rows that were changed.

The cost depends on the size of the result: positions are found by the primary key, a booking's by its mentions.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from journal.database import JOURNAL
from journal.entry import Step
from journal.models import LIVE

MENTIONS = 20
"""At most so many bookings of an entry are returned; a batch has hundreds."""

_KIND = (
    "case when e.kind = 'transaction' then 'transaction' when e.observed = 'fault' then 'fault' else 'observation' end"
)
_STEPS = (
    """
    select e.pos, """
    + _KIND
    + """, e.service, e.xid, e.lsn, e.committed_at, e.title, coalesce(e.observed, ''),
        e.causes::text[], e.cause_pos, e.cause_known,
        array(select m.correlation from journal_mention m where m.tape = e.tape and m.pos = e.pos limit %(mentions)s)
    """
)
_CAUSES = "select e.pos, e.cause_pos "
_OF_BOOKING = """
    from journal_mention of join journal_entry e on e.tape = of.tape and e.pos = of.pos
    where of.tape = %(tape)s and of.correlation = %(booking)s and of.pos between %(first)s and %(last)s
"""
_OF_ALL = " from journal_entry e where e.tape = %(tape)s and e.pos between %(first)s and %(last)s"
_KINDS = {
    "transaction": " and e.kind = 'transaction'",
    "observation": " and e.kind = 'observation' and e.observed is distinct from 'fault'",
    "fault": " and e.observed = 'fault'",
}
_MESSAGES = """
    select from_pos, id::text, kind, type from journal_flight
    where tape = %(tape)s and from_pos = any(%(positions)s) and id = any(%(ids)s::uuid[])
"""
_BRIEFLY = "select pos, service, title from journal_entry where tape = %(tape)s and pos = any(%(positions)s)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which entries of a tape: positions `first` to `last`; "" does not filter."""

    first: int
    last: int
    tape: int = LIVE
    service: str = ""
    booking: str = ""
    kind: str = ""


def steps(wanted: Filter, limit: int, *, newest: bool = False) -> list[Step]:
    """The oldest `limit` entries that pass the filter, or the newest; in the journal's order."""
    values = {**_values(wanted), "limit": limit, "mentions": MENTIONS}
    order = f" order by e.pos {'desc' if newest else 'asc'} limit %(limit)s"
    found = [Step(*row) for row in JOURNAL.rows(_STEPS + _where(wanted) + order, values)]
    return found[::-1] if newest else found


def causes(wanted: Filter, limit: int) -> dict[int, list[int]]:
    """Position -> its causes' positions, of the oldest `limit` entries of the range, whatever their service and kind."""
    sql = _CAUSES + (_OF_BOOKING if wanted.booking else _OF_ALL) + " order by e.pos limit %(limit)s"
    return dict(JOURNAL.rows(sql, {**_values(wanted), "limit": limit}))


def messages(tape: int, emitters: Iterable[int], ids: Iterable[str]) -> dict[tuple[int, str], tuple[str, str]]:
    """(emitting position, message id) -> (command | reply | event, type); for the entries indexed so far."""
    found = JOURNAL.rows(_MESSAGES, {"tape": tape, "positions": list(emitters), "ids": list(ids)})
    return {(pos, id): (kind, type) for pos, id, kind, type in found}


def briefly(tape: int, positions: Collection[int]) -> dict[int, tuple[str, str]]:
    """Position -> (service, title), of those that are kept."""
    if not positions:
        return {}
    return {
        pos: (service, title)
        for pos, service, title in JOURNAL.rows(_BRIEFLY, {"tape": tape, "positions": [*positions]})
    }


def _where(wanted: Filter) -> str:
    service = " and e.service = %(service)s" if wanted.service else ""
    return (_OF_BOOKING if wanted.booking else _OF_ALL) + service + _KINDS.get(wanted.kind, "")


def _values(wanted: Filter) -> dict[str, Any]:
    return {
        "tape": wanted.tape, "first": wanted.first, "last": wanted.last,
        "service": wanted.service, "booking": wanted.booking,
    }  # fmt: skip

"""What is read of a packed row when it is recorded: the columns that tell its causes, its bookings and its title. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from journal.noteworthy import BOOKKEEPING
from journal.packed.layouts import Layout, layout_of
from journal.packed.rows import rows_of
from journal.recording.titles import STATES
from messaging.wal import Relation
from topology.chosen import HOUSE

LOG = "_sagalog"
"""The ending of the names of tables that keep the decision about each message: `message_id` names it."""
OUTBOX = "_outbox"
"""The ending of the names of message tables."""
BOOKING_COLUMN = HOUSE.booking_columns
"""Tables that name a booking by another column than `booking_id`."""
_OF_ANY = {"caused_by", "booking_id"}
_OF_A_MESSAGE = {"id", "kind", "type", "causation_id", "correlation_id"}
_OPS = {b"I"[0]: "insert", b"U"[0]: "update", b"D"[0]: "delete", b"T"[0]: "truncate"}


@dataclass(frozen=True, slots=True)
class Summary:
    """Of one table. `part`: the table with the names of the other columns left out; None if no column is of interest."""

    layout: Layout
    part: Relation | None

    def of(self, message: bytes) -> Iterable[dict[str, Any]]:
        """The message's rows, as `rows_of` gives them, with these columns only. Raises if they cannot be decoded."""
        if self.part is None:
            table = self.layout.relation.table
            return [{"table": table, "op": _OPS[message[0]], "key": None, "old": None, "new": None}]
        return rows_of(self.part, message)


class Summaries:
    """The tables of all logs, each worked out when it is announced."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], Summary] = {}

    def of(self, alias: str, relation: Relation) -> Summary:
        known = self._known.get((alias, relation.oid))
        if known is None or known.layout.relation is not relation:
            known = self._known[alias, relation.oid] = summary_of(relation)
        return known


def summary_of(relation: Relation) -> Summary:
    table, wanted = relation.table, set(_OF_ANY)
    if table.endswith(OUTBOX):
        wanted |= _OF_A_MESSAGE
    if table.endswith(LOG):
        wanted.add("message_id")
    if column := BOOKING_COLUMN.get(table):
        wanted.add(column)
    if table not in BOOKKEEPING:
        wanted |= {*STATES, *relation.key}
    wanted &= set(relation.names)
    if wanted:  # an update of the key is two rows
        wanted |= set(relation.key)
    names = tuple(name if name in wanted else "" for name in relation.names)
    converters = tuple(one for one in relation.converters if one[0] in wanted)
    return Summary(layout_of(relation), replace(relation, names=names, converters=converters) if wanted else None)

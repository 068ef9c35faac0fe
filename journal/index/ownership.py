"""Which booking a row belongs to: by its own columns, through its saga, or because it did before the change. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any

from journal.recording.summaries import BOOKING_COLUMN
from topology.tuning import Count

REMEMBERED: Count = 50_000  # sagas


class Ownership:
    """`of` is called for every row; `learn` and `unknown_sagas` make sure that a saga's booking is known by then."""

    def __init__(self) -> None:
        self._booking_of_saga: OrderedDict[str, str] = OrderedDict()

    def learn(self, table: str, row: Mapping[str, Any]) -> None:
        """Record the booking of a saga, if the row has it."""
        booking = _named(table, row)
        saga = row["id"] if table.endswith("_saga") else row.get("saga_id")
        if booking and saga:
            self.know(str(saga), booking)

    def know(self, saga: str, booking: str) -> None:
        self._booking_of_saga[saga] = booking
        while len(self._booking_of_saga) > REMEMBERED:
            self._booking_of_saga.popitem(last=False)

    def unknown_sagas(self, rows: Iterable[tuple[str, Mapping[str, Any]]]) -> set[str]:
        """Sagas whose booking is unknown, from rows (table, row) that name a saga but no booking."""
        return {
            str(row["saga_id"])
            for table, row in rows
            if row.get("saga_id") and row["saga_id"] not in self._booking_of_saga and not _named(table, row)
        }

    def of(self, table: str, row: Mapping[str, Any], before: str | None) -> str | None:
        """`before`: its previous booking. A released seat still belongs to the story of the booking that released it."""
        return _named(table, row) or self._booking_of_saga.get(str(row.get("saga_id"))) or before


def _named(table: str, row: Mapping[str, Any]) -> str | None:
    named = row.get("booking_id") or row.get(BOOKING_COLUMN.get(table, "")) or row.get("correlation_id")
    return str(named) if named else None

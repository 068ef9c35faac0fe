"""All services' tables at a moment of a run, each with the rows that changed last."""

from typing import Any

from drawing import present
from drawing.present import LETTERS, SERVICE_NAMES, VIEWS
from drawing.tables import COLUMNS, HIDDEN_TABLES, heading, text_of
from gateway.people import masked_reading
from journal.models import LIVE
from journal.reading import moments
from journal.reading.moments import RowThen

ROWS = 6  # of each table of a run


def everything(pos: int, tape: int = LIVE) -> list[dict[str, Any]]:
    """All services' tables after entry `pos`, each with the rows that changed last: {service, name, letter, view, tables}."""
    at = min(pos, moments.indexed(tape))
    totals = moments.totals_at(at, tape)
    wanted = {
        service: [name for name, total in tables.items() if total["rows"] and not name.endswith(HIDDEN_TABLES)]
        for service, tables in totals.items()
    }
    found: dict[tuple[str, str], list[RowThen]] = {}
    for one in masked_reading.rows_at(
        at, tape, tables=[name for names in wanted.values() for name in names], limit=ROWS
    ):
        found.setdefault((one.service, one.table), []).append(one)
    return [
        {
            "service": service,
            "name": name,
            "letter": LETTERS[service],
            "view": service in VIEWS,
            "tables": [
                _table(name, found[service, name], totals[service][name]["rows"], pos)
                for name in sorted(wanted.get(service, ()))
                if (service, name) in found
            ],
        }
        for service, name in SERVICE_NAMES.items()
    ]


def _table(name: str, rows: list[RowThen], total: int, pos: int) -> dict[str, Any]:
    first = rows[0].row
    columns = ["id", *COLUMNS[name]] if name in COLUMNS and "id" in first else COLUMNS.get(name)
    columns = [
        column
        for column in columns or first
        if column in first and column not in present.PLUMBING and not isinstance(first[column], list | dict)
    ][:4]
    return {
        "name": name,
        "columns": [heading(column) for column in columns],
        "rows": [
            {
                "cells": [text_of(one.row, column) for column in columns],
                "pos": one.from_pos,
                "now": one.from_pos == pos,
            }
            for one in rows
        ],
        "more": total - len(rows),
    }

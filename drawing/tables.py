"""The rows of a booking in each service's database, and the views with their lag. Pure."""

import re
from collections.abc import Mapping
from typing import Any

from drawing import present
from drawing.money import money
from journal.entry import Story, Tables
from topology.chosen import HOUSE
from topology.parts import Service
from topology.shown import Copied, shown_of

HIDDEN_TABLES = (*present.MACHINERY, "_deadletter")
COLUMNS = {table: columns for service in HOUSE.every_service for table, columns in shown_of(service).columns.items()}
"""The columns to show on a small screen; the swimlanes show every changed cell."""
AMOUNTS = ("amount", "price", "taken", "refunded")
ENDINGS = re.compile("_(status|at|id)$")
_TRUTH = {kind: (service, table) for service in HOUSE.every_service for kind, table in service.truth.items()}


def heading(column: str) -> str:
    """A column's name in a table's head, where there is little room."""
    return ENDINGS.sub("", column)


def text_of(row: dict[str, Any], column: str, currency: object = None) -> str:
    """A cell's text. An amount is money in the row's currency; of a row without one, in `currency`."""
    value, currency = row.get(column), row.get("currency") or currency
    if column in AMOUNTS and isinstance(value, int) and isinstance(currency, str):
        return money(value, currency)
    return present.cell(value)


def groups(story: Story) -> list[dict[str, Any]]:
    """One for each service, in the order that a booking visits them: {service, name, letter, tables, view, behind,
    whose}, see `_table`. `behind` and `whose`: of the table that is furthest behind; None without views."""
    return [_group(story, service) for service in present.SERVICE_NAMES]


def behind(tables: Tables) -> dict[str, dict[str, int]]:
    """How many versions each view's rows are behind the services' committed rows: view -> whose -> versions.

    Counted from the rows' own versions, so it is exact for the moment of the tables; an empty mapping means that the
    view is in step.
    """
    found: dict[str, dict[str, int]] = {}
    for view in HOUSE.views:
        for one in shown_of(view).copies:
            found.setdefault(one.table, {}).update(_behind(tables, view.name, one))
    return found


def truths(view: Service, table: str) -> list[str]:
    """The tables whose rows this table of a view copies."""
    return [_TRUTH[one.kind][1] for one in shown_of(view).copies if one.table == table]


def _behind(tables: Tables, view: str, copy: Copied) -> dict[str, int]:
    """Whose versions are missing, and how many. A row is found by a column of its own, or is the booking's only one."""
    service, table = _TRUTH[copy.kind]
    copies = list(tables.get(view, {}).get(copy.table, {}).values())
    truth = list(tables.get(service.name, {}).get(table, {}).values())
    if not copy.by:
        known = (copies[0].get(copy.column) if copies else 0) or 0
        missing = {service.title: max((row["version"] for row in truth), default=0) - known}
    else:
        seen = {row[copy.by]: row[copy.column] or 0 for row in copies}
        # before its first change, a seat is not a row of this booking
        missing = {row[copy.by]: row["version"] - seen[row[copy.by]] for row in truth if row[copy.by] in seen}
    return {whose: count for whose, count in missing.items() if count > 0}


def _group(story: Story, service: str) -> dict[str, Any]:
    name = present.SERVICE_NAMES[service]
    lags = behind(story.tables) if service in present.VIEWS else {}
    tables = [
        _table(story, service, table, rows, lags.get(table))
        for table, rows in sorted(story.tables.get(service, {}).items())
        if not table.endswith(HIDDEN_TABLES)
    ]
    versions = [table["behind"] for table in tables if table["behind"] is not None]
    return {
        "service": service,
        "name": name,
        "letter": present.LETTERS[service],
        "tables": tables,
        "view": service in present.VIEWS,
        "behind": max(versions, default=None),
        "whose": ", ".join(table["whose"] for table in tables if table["behind"]),
    }


def _table(
    story: Story, service: str, name: str, rows: dict[str, dict[str, Any]], lag: dict[str, int] | None
) -> dict[str, Any]:
    """{name, columns, rows: [{cells: [{column, head, text, changed}], reason, last}]}; `last` is the entry that wrote the
    row last.

    `reason` is a cell on a separate line, if the row has one: next to the others it would break the layout.

    A view's table also has the number of versions that it is `behind` (0: in step), and `whose`.
    """
    columns = COLUMNS.get(name) or [column for column in next(iter(rows.values())) if column not in present.PLUMBING]
    changed = {
        (cells.key, column)
        for cells in story.changed
        if (cells.service, cells.table) == (service, name)
        for column in cells.columns
    }
    currency = _currency(story.tables.get(service, {}))
    return {
        "name": name,
        "columns": [heading(column) for column in columns],
        "rows": [
            {
                "cells": [
                    {
                        "column": column,
                        "head": heading(column),
                        "text": text_of(row, column, currency),
                        "changed": (key, column) in changed,
                    }
                    for column in columns
                ],
                "reason": {"text": present.cell(row["reason"]), "changed": (key, "reason") in changed}
                if row.get("reason")
                else None,
                "last": last_of(story, service, name, key),
            }
            for key, row in rows.items()
        ],
        "behind": None if lag is None else sum(lag.values()),
        "whose": ", ".join(f"{whose} by {count}" for whose, count in (lag or {}).items()),
    }


def _currency(tables: Mapping[str, dict[str, dict[str, Any]]]) -> object:
    """The currency of the service's rows of this booking; a refund's is that of its payment."""
    return next((row["currency"] for rows in tables.values() for row in rows.values() if row.get("currency")), None)


def last_of(story: Story, service: str, table: str, key: str) -> dict[str, Any]:
    """The last writer of a row: {pos, xid, lsn, time (HH:MM:SS.mmm), now (it is the entry being looked at)}.

    {} for a row that existed before the first given entry, and has not been written since.
    """
    entry = story.last.get((service, table, key))
    if entry is None:
        return {}
    return {
        "pos": entry["pos"],
        "xid": entry["xid"],
        "lsn": entry["lsn"],
        "time": present.clock(entry["committed_at"]),
        "now": entry["pos"] == story.pos,
    }

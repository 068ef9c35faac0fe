"""The rows of a booking in each service's database, and the views with their lag. Pure."""

from typing import Any

from drawing import present
from journal.entry import Story, Tables

HIDDEN_TABLES = ("_outbox", "_barrier", "_sagalog", "_checkpoint", "_saga", "_deadletter")
COLUMNS = {
    "booking_booking": ["state", "amount", "version"],
    "seats_seat": ["label", "status", "version"],
    "seats_hold": ["status", "expires_at", "version"],
    "payments_payment": ["status", "amount", "version"],
    "payments_refund": ["amount"],
    "tickets_issuance": ["status", "version"],
    "tickets_ticket": ["seat", "code"],
    "projections_bookingview": ["state", "hold_status", "payment_status", "tickets_status", "version"],
    "projections_seatmap": ["label", "status", "version"],
    "projections_historybooking": ["state", "taken", "refunded", "tickets"],
    "projections_salesbooking": ["performance_id", "taken", "refunded"],
}
"""The columns to show on a small screen; the swimlanes show every changed cell."""
HEADINGS = {
    "hold_status": "hold",
    "payment_status": "payment",
    "tickets_status": "tickets",
    "expires_at": "expires",
    "performance_id": "performance",
    "version": "v",
}
FEEDS = (
    ("booking_version", "booking", "booking_booking"),
    ("hold_version", "seats", "seats_hold"),
    ("payment_version", "payments", "payments_payment"),
    ("tickets_version", "tickets", "tickets_issuance"),
)
"""The version columns of a booking's view, and the aggregates they follow: (the view's column, service, table)."""


def groups(told: Story) -> list[dict[str, Any]]:
    """One for each service, in the order that a booking visits them: {service, name, letter, tables}, see `_table`."""
    return [_group(told, service) for service in present.SERVICE_NAMES]


def behind(tables: Tables) -> dict[str, dict[str, int]]:
    """How many versions each view's rows are behind the services' committed rows: view -> whose -> versions.

    Counted from the rows' own versions, so it is exact for the moment of the tables; an empty mapping means that the
    view is in step.
    """
    booking: dict[str, int] = {}
    view: dict[str, Any] = next(iter(tables.get("projections", {}).get("projections_bookingview", {}).values()), {})
    for column, service, table in FEEDS:
        truth = max((row["version"] for row in tables.get(service, {}).get(table, {}).values()), default=0)
        booking[present.SERVICE_NAMES[service]] = max(truth - (view.get(column) or 0), 0)
    shown = {row["label"]: row["version"] or 0 for row in _rows(tables, "projections", "projections_seatmap")}
    seats = {
        row["label"]: max(row["version"] - shown[row["label"]], 0)
        for row in _rows(tables, "seats", "seats_seat")
        if row["label"] in shown  # before its first change, a seat is not a row of this booking
    }
    return {
        "projections_bookingview": {whose: count for whose, count in booking.items() if count},
        "projections_seatmap": {label: count for label, count in seats.items() if count},
    }


def _rows(tables: Tables, service: str, table: str) -> list[dict[str, Any]]:
    return list(tables.get(service, {}).get(table, {}).values())


def _group(told: Story, service: str) -> dict[str, Any]:
    name = present.SERVICE_NAMES[service]
    lags = behind(told.tables) if service in present.VIEWS else {}
    tables = [
        _table(told, service, table, rows, lags.get(table))
        for table, rows in sorted(told.tables.get(service, {}).items())
        if not table.endswith(HIDDEN_TABLES)
    ]
    return {"service": service, "name": name, "letter": name[0], "tables": tables, "view": service in present.VIEWS}


def _table(
    told: Story, service: str, name: str, rows: dict[str, dict[str, Any]], lag: dict[str, int] | None
) -> dict[str, Any]:
    """{name, columns, rows: [{cells: [{text, changed}], reason, last}]}; `last` is the entry that wrote the row last.

    `reason` is a cell on a separate line, if the row has one: next to the others it would break the layout.

    A view's table also has the number of versions that it is `behind` (0: in step), and `whose`.
    """
    columns = COLUMNS.get(name) or [column for column in next(iter(rows.values())) if column not in present.PLUMBING]
    changed = {
        (cells.key, column)
        for cells in told.changed
        if (cells.service, cells.table) == (service, name)
        for column in cells.columns
    }
    return {
        "name": name,
        "columns": [HEADINGS.get(column, column) for column in columns],
        "rows": [
            {
                "cells": [
                    {"text": present.cell(row.get(column)), "changed": (key, column) in changed} for column in columns
                ],
                "reason": {"text": present.cell(row["reason"]), "changed": (key, "reason") in changed}
                if row.get("reason")
                else None,
                "last": last_of(told, service, name, key),
            }
            for key, row in rows.items()
        ],
        "behind": None if lag is None else sum(lag.values()),
        "whose": ", ".join(f"{whose} by {count}" for whose, count in (lag or {}).items()),
    }


def last_of(told: Story, service: str, table: str, key: str) -> dict[str, Any]:
    """The last writer of a row: {pos, xid, lsn, time (HH:MM:SS.mmm), now (it is the entry being looked at)}.

    {} for a row that existed before the first given entry, and has not been written since.
    """
    entry = told.last.get((service, table, key))
    if entry is None:
        return {}
    return {
        "pos": entry["pos"],
        "xid": entry["xid"],
        "lsn": entry["lsn"],
        "time": present.clock(entry["committed_at"]),
        "now": entry["pos"] == told.pos,
    }

"""A booking's panel: its saga, one journal entry, and every service's rows as they stood then. From the journal alone."""

from typing import Any
from uuid import uuid4

from dashboard.stage import present
from journal.queries import entries_of
from journal.stories import Story, Tables, fold

# Each saga's steps as the page draws them: forward command, the class of the step. The states come from the saga's row.
STEPS = {
    "BookTickets": [
        ("Reserve", "Seats", "compensatable"),
        ("Take", "Payment", "compensatable"),
        ("Issue", "Tickets", "pivot"),
        ("Confirm", "Seats", "retriable"),
    ],
    "CancelBooking": [
        ("Void", "Tickets", "pivot"),
        ("Refund", "Payment", "retriable"),
        ("Release", "Seats", "retriable"),
    ],
}
SETTLED = ("CANCELLING", "CANCELLED", "COMPENSATING")  # on its way out, or gone: there is nothing left to cancel
HIDDEN_TABLES = ("_outbox", "_barrier", "_sagalog", "_checkpoint", "_saga", "_deadletter")
COLUMNS = {
    "booking_booking": ["state", "reason", "amount", "version"],
    "seats_seat": ["label", "status", "version"],
    "seats_hold": ["status", "expires_at", "version"],
    "payments_payment": ["status", "amount", "currency", "reason"],
    "payments_refund": ["amount"],
    "tickets_issuance": ["status", "reason"],
    "tickets_ticket": ["seat", "code"],
    "projections_bookingview": ["state", "hold_status", "payment_status", "tickets_status", "version"],
    "projections_seatmap": ["label", "status", "version"],
    "projections_historybooking": ["state", "taken", "refunded", "tickets"],
    "projections_salesbooking": ["performance_id", "taken", "refunded"],
}
"""What is worth a column on a small screen; the entry above the tables shows every changed cell."""


def story(booking: str, pos: int | None = None) -> dict[str, Any]:
    """Context for the panel: the state as of the booking's last entry at or before `pos`, or as of now."""
    entries = entries_of(booking)
    told = fold(booking, entries, pos)
    positions = [entry["pos"] for entry in entries]
    row = _row(told.tables, "booking", "booking_booking", booking)
    return {
        "booking_id": booking,
        "live": pos is None,
        "booking": row,
        "can_cancel": row is not None and row["state"] not in SETTLED,
        "cancel_key": uuid4(),
        "sagas": _sagas(told.tables),
        "entry": present.entry(told.entry, booking) if told.entry else None,
        "tables": [_group(told, service) for service in present.SERVICE_NAMES],
        "number": positions.index(told.pos) + 1 if told.pos in positions else 0,
        "total": len(positions),
        "first": positions[0] if positions else "",
        "previous": told.previous,
        "next": told.next,
    }


def _row(tables: Tables, service: str, table: str, booking: str) -> dict[str, Any] | None:
    for row in tables.get(service, {}).get(table, {}).values():
        if row.get("id") == booking:
            return row
    return None


def _sagas(tables: Tables) -> list[dict[str, Any]]:
    """The booking's sagas, one after the other; before the first has started, its steps are all to do."""
    rows = sorted(tables.get("booking", {}).get("booking_saga", {}).values(), key=lambda row: row["id"])
    started = [(row["definition"], row["steps"]) for row in rows] or [("BookTickets", {})]
    return [{"name": name, "steps": _steps(name, tracks)} for name, tracks in started]


def _steps(definition: str, tracks: dict[str, Any]) -> list[dict[str, str]]:
    """Each step's state, from the saga's row as of that moment: pending, sent, succeeded, refused or compensated."""
    return [
        {"verb": verb, "noun": noun, "kind": kind, **_step(tracks.get(verb + noun, {}))}
        for verb, noun, kind in STEPS[definition]
    ]


def _step(track: dict[str, Any]) -> dict[str, str]:
    forward, undo = track.get("forward", {}), track.get("compensation", {})
    attempts = len(forward.get("attempts", ()))
    again = f", attempt {attempts}" if attempts > 1 else ""
    if undo.get("known") == "succeeded":
        return {"state": "compensated", "text": "undone"}
    if undo:
        return {"state": "sent", "text": "being undone"}
    known = forward.get("known", "pending")
    text = {
        "pending": "to do",
        "sent": "no answer yet",
        "succeeded": "done",
        "refused": "refused",
        "skipped": "skipped",
    }
    return {"state": known, "text": text[known] + again}


def _group(told: Story, service: str) -> dict[str, Any]:
    tables = [
        _table(told, service, name, rows)
        for name, rows in sorted(told.tables.get(service, {}).items())
        if not name.endswith(HIDDEN_TABLES)
    ]
    return {"service": service, "name": present.SERVICE_NAMES[service], "tables": tables}


def _table(told: Story, service: str, name: str, rows: dict[str, dict[str, Any]]) -> dict[str, Any]:
    columns = COLUMNS.get(name) or [column for column in next(iter(rows.values())) if column not in present.PLUMBING]
    changed = {
        (cells.key, column)
        for cells in told.changed
        if (cells.service, cells.table) == (service, name)
        for column in cells.columns
    }
    return {
        "name": name,
        "columns": columns,
        "rows": [
            {
                "cells": [
                    {"text": present.cell(row.get(column)), "changed": (key, column) in changed} for column in columns
                ]
            }
            for key, row in rows.items()
        ],
    }

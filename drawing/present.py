"""From a journal entry to what a person reads: pure functions, shared by the page and the socket."""

import re
from datetime import datetime
from typing import Any

from journal.noteworthy import SHOWN, before, noteworthy
from topology.chosen import HOUSE

# Columns that say how rows are kept, not what they say: checkpoints and clocks move with every transaction.
PLUMBING = {"updated_at", "caused_by", "xid", "horizon", "seq", "time", "at", "created_at", "data", "reply", "context"}
PLUMBING |= {"booking_at", "hold_at", "payment_at", "tickets_at", "due_at", "steps", "attempt", "position", "awaiting"}
LABEL_COLUMNS = ("label", "code", "type", "step", "view", "definition", "id")
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d")
SERVICE_NAMES = HOUSE.titles
LETTERS = {service.name: service.letter for service in HOUSE.every_service if service.title}
"""What stands for a service where there is no room for its name."""
MACHINERY = ("_outbox", "_barrier", "_sagalog", "checkpoint", "_saga")
"""The endings of the names of tables that keep messages and sagas, and of nothing a customer has."""
BOOKINGS, SAGAS = (HOUSE.orchestrator.truth[kind] for kind in ("booking", "saga"))
"""The orchestrator's tables."""
VIEWS = frozenset(service.name for service in HOUSE.views)
"""The services whose rows are views: they follow what the others have committed."""


def entry(raw: dict[str, Any], booking: str = "") -> dict[str, Any]:
    """Shape an entry for the templates; with `booking`, only the changes that concern it (a batch holds many bookings)."""
    changes = raw.get("changes") or []
    if booking:
        changes = [change for change in changes if concerns(change, booking)] or changes
    story = noteworthy(changes)
    shown = [present(change) for change in story[:SHOWN]]  # a batch may have thousands
    return {
        **raw,
        "service_name": SERVICE_NAMES.get(raw["service"], raw["service"]),
        "shown": shown,
        "more": len(story) - len(shown) + raw.get("left_out", 0),
        "observation": raw["kind"] == "observation",
        "bookkeeping": raw["kind"] != "observation" and not shown,
    }


def concerns(change: dict[str, Any], booking: str) -> bool:
    """Whether a row change mentions this booking, in its key or in a column."""
    for row in (change["old"], change["new"]):
        if row and booking in (row.get("booking_id"), row.get("correlation_id"), row.get("id")):
            return True
    return False


def present(change: dict[str, Any]) -> dict[str, Any]:
    """One row change: table, a label for the row, and its cells [(column, old, new)], only those that changed."""
    old, new = before(change), change["new"] or {}
    row = new or old
    if change["table"].endswith("_outbox"):
        return {"op": "message", "table": "outbox", "label": row.get("type", ""), "cells": [], "message": row}
    columns = [name for name in row if name not in PLUMBING]
    if change["op"] == "update":
        columns = [name for name in columns if old.get(name) != new.get(name)]
    cells = [
        {"column": name, "old": cell(old.get(name)), "new": cell(new.get(name))}
        for name in columns
        if not name.endswith("version")
        and (change["op"] == "update" or name in ("status", "state", "amount", "reason", "code"))
        if new.get(name) not in (None, "") or change["op"] == "update"
    ]
    return {
        "op": change["op"],
        "table": short_table(change["table"]),
        "label": label(row, change.get("key")),
        "cells": cells,
        "message": None,
    }


def short_table(table: str) -> str:
    """`seats_seat` -> `seat`: the service's name is next to it anyway."""
    return table.rsplit(".", 1)[-1].split("_", 1)[-1]


def label(row: dict[str, Any], key: Any = None) -> str:
    for column in LABEL_COLUMNS:
        if row.get(column):
            text = str(row[column])
            return text if len(text) <= 20 else text[-8:]
    return str(key or "")


def cell(value: Any) -> str:
    if value is None:
        return "∅"
    if isinstance(value, list):  # seats, or tickets, each known by its seat
        value = ", ".join(str(one.get("seat") or label(one)) if isinstance(one, dict) else str(one) for one in value)
    text = str(value)
    if TIMESTAMP.match(text):
        return text[11:19]
    if len(text) == 36 and text.count("-") == 4:  # a UUID: its random end tells it apart
        return "…" + text[-8:]
    return text if len(text) <= 60 else text[:57] + "…"


def clock(moment: str) -> str:
    """The time of day of an ISO 8601 moment, to the millisecond: HH:MM:SS.mmm."""
    return datetime.fromisoformat(moment).time().isoformat("milliseconds")

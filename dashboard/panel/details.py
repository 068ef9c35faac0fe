"""One journal entry in full: what it wrote and sent, the SQL it ran, the function that ran it, and the test that covers
the function."""

from __future__ import annotations

import json
from textwrap import dedent
from typing import Any

from django.conf import settings

from dashboard.panel import meaning
from dashboard.panel.functions import source, work_of
from drawing import present
from drawing.lanes.history import mine
from gateway.people import masked_reading
from gateway.people.privacy import viewer
from journal.entry import EntryDict
from journal.noteworthy import BOOKKEEPING, before
from messaging.inbox.statements import kept
from messaging.process.redis import redis_of_requests
from messaging.saga_row import tracks

LONGEST = 20_000  # characters of one payload
ROWS = 30


def details(booking: str, pos: int) -> dict[str, Any] | None:
    """Context for the details of the entry at `pos`; None if the booking has no such entry."""
    found = masked_reading.entries_after(pos - 1, 1)
    if not found or found[0]["pos"] != pos or booking not in found[0]["correlations"]:
        return None
    return {
        "booking_id": booking,
        "details": describe(found[0], booking),
        "panel_url": f"/bookings/{booking}/panel?pos=",
        "link": f"/?booking={booking}&pos=",
    }


def describe(entry: EntryDict, booking: str, *, sql: bool = True) -> dict[str, Any]:
    """Only the rows and messages of this booking; a batch holds those of others too.

    `sql=False` for an entry of a run: Redis keeps only this sandbox's last hour, which is not part of a recording.
    """
    changes = mine(entry, booking)
    messages = [change["new"] for change in changes if change["table"].endswith("_outbox") and change["new"]]
    work = work_of(entry, messages)
    rows = [_row(change) for change in changes if not change["table"].endswith("_outbox")]
    rows.sort(key=lambda row: bool(row["faint"]))
    observed = entry["data"] or {}
    return {
        "pos": entry["pos"],
        "title": entry["title"],
        "means": meaning.meaning(changes),
        "service": entry["service"],
        "service_name": present.SERVICE_NAMES.get(entry["service"], entry["service"]),
        "observation": entry["kind"] == "observation",
        "kind": observed.get("kind", ""),
        "observed": observed.get("data") or {},
        "xid": entry["xid"],
        "lsn": entry["lsn"],
        "at": f"{entry['committed_at'][:10]} {entry['committed_at'][11:26]}",
        "moment": entry["committed_at"],
        "cause_pos": entry["cause_pos"],
        "cause_known": entry["cause_known"],
        "attempts": _attempts(changes),
        "messages": [_message(message) for message in messages],
        "rows": rows[:ROWS],
        "more": max(len(rows) - ROWS, 0),
        "sql": sql,
        "statements": _statements(entry) if sql and viewer().operator else [],  # of a batch, with others' values
        "work": work,
        "source": source(work.function) if work else None,
    }


def _statements(entry: EntryDict) -> list[dict[str, Any]]:
    databases = {service.name: service.database for service in settings.HOUSE.every_service}
    found = kept(redis_of_requests(), databases.get(entry["service"] or "", ""), entry["xid"])
    return [{**one, "sql": dedent(one["sql"]).strip()} for one in found]


def _message(message: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(message.get("data"), indent=2, ensure_ascii=False)
    return {**message, "payload": text[:LONGEST] + ("\n…" if len(text) > LONGEST else "")}


def _row(change: dict[str, Any]) -> dict[str, Any]:
    """Every column before and after, the changed ones first; `faint` for a table of bookkeeping, such as the barrier."""
    return {
        "op": change["op"],
        "table": present.short_table(change["table"]),
        "key": change["key"],
        "faint": change["table"] in BOOKKEEPING,
        "cells": [_cell(cell) for cell in meaning.columns(before(change), change["new"] or {})],
    }


def _cell(cell: dict[str, Any]) -> dict[str, Any]:
    """A JSON object that changed is shown as what differs."""
    differs = meaning.difference(cell["old"], cell["new"]) if cell["changed"] else []
    return {
        **cell,
        "old": _value(cell["old"]),
        "new": _value(cell["new"]),
        "differs": [{**one, "old": _value(one["old"]), "new": _value(one["new"])} for one in differs],
    }


def _attempts(changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The attempts of the saga's step, from its row: [{step, direction, number, sent_at, error}], only steps tried more
    than once."""
    found = []
    for change in changes:
        steps = tracks((change["new"] or {}).get("steps")) if change["table"] == present.SAGAS else {}
        for step, ways in steps.items():
            for direction, track in ways.items():
                tries = track["attempts"]
                if len(tries) > 1:
                    found += [
                        {"step": step, "direction": direction, "number": n, **one} for n, one in enumerate(tries, 1)
                    ]
    return found


def _value(value: object) -> str:
    if value is None:
        return meaning.NOTHING
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 300 else text[:299] + "…"

"""A booking's sagas for inspection: from Booking, or without it from the journal and the views."""

import json
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError

from dashboard.operate.context import awaited, seen
from dashboard.operate.letters import SERVICES, of_booking
from dashboard.panel.cancelling import may_cancel
from drawing.present import SAGAS, SERVICE_NAMES, VIEWS
from drawing.steps import going_back
from gateway.clients import ServiceDown, get_json
from gateway.people import masked_reading
from gateway.people.privacy import masked
from journal.reading.stories import fold
from messaging.envelope import COMPENSATION
from messaging.saga_report import of_row
from topology.sagas import ENDED, sagas
from topology.tuning import Seconds

ORCHESTRATOR = settings.HOUSE.orchestrator.name
PATIENCE_S: Seconds = 1.5  # the page can show the journal, and does not wait long for more
Entries = list[dict[str, Any]]


def inspect(booking: str, *, operator: bool) -> dict[str, Any] | None:
    """Everything about a booking; None if no service, view or journal has it. `down`: the parts that did not answer, in
    words."""
    down: list[str] = []
    try:
        entries = masked_reading.entries_of(booking)
    except (DatabaseError, InterfaceError):
        entries = []
        down.append("The journal does not answer: transactions and messages are missing here.")
    current = _from_booking(booking, down)
    row = masked_reading.booking(booking)
    if current is None and row is None and not entries:
        return None
    letters: list[dict[str, Any]] = []
    if operator:
        letters, silent = of_booking(booking, [one for one in SERVICES if one != ORCHESTRATOR] if down else SERVICES)
        down += [f"{one}: whether it has dead letters of this booking is not known." for one in silent]
    sagas = sagas_of(booking, entries, current)
    state = (current or {}).get("booking_state") or (row or {}).get("state") or "unknown"
    return {
        "booking_id": booking,
        "row": row,
        "state": state,
        "sagas": sagas,
        "moving": any(saga["state"] not in (*ENDED, "STUCK") and not saga["unknown"] for saga in sagas) and not down,
        "can_cancel": may_cancel(state, booking),
        "acts": current is not None and (state != "CANCELLED" or bool(letters)),
        "down": down,
        "letters": letters,
        "transactions": [_transaction(entry) for entry in entries],
        "messages": [message for entry in entries for message in _messages(entry, booking)],
        "operator": operator,
    }


def _from_booking(booking: str, down: list[str]) -> dict[str, Any] | None:
    try:
        return masked(get_json(ORCHESTRATOR, f"/api/bookings/{booking}/saga", timeout=PATIENCE_S), booking)
    except ServiceDown as error:
        down.append(
            f"Booking does not answer ({error}). The saga is shown in its last journaled state; no action is possible."
        )
        return None


def sagas_of(booking: str, entries: Entries, current: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The booking's sagas in order, from their rows in the journal; the current one from Booking, if it answers."""
    rows = fold(booking, entries).tables.get(ORCHESTRATOR, {}).get(SAGAS, {}).values()
    known = sagas(settings.HOUSE.orchestrator)
    found = {one["id"]: {**one, "source": "the journal"} for one in (of_row(row, known) for row in rows)}
    if current is not None:
        found[current["id"]] = {**current, "source": "Booking's API"}
    return [_shaped(saga) for _, saga in sorted(found.items())]


def _shaped(saga: dict[str, Any]) -> dict[str, Any]:
    current = awaited(saga)
    ended, stuck = saga["state"] in ENDED, saga["state"] == "STUCK"
    for action in (action for step in saga["steps"] for action in step["actions"]):
        action["awaited"] = action is current and not ended
    steps = [
        {
            **step,
            "service_name": SERVICE_NAMES.get(step["service"], step["service"]),
            "known": _known(saga, step),
            "undo": _undo(saga, step),
        }
        for step in saga["steps"]
    ]
    return {**saga, "steps": steps, "current": current, "stuck": stuck, "ended": ended, **seen(saga)}


def _known(saga: dict[str, Any], step: dict[str, Any]) -> str:
    """The state of a step, in a word or two. A pending step that will not run any more is "not reached"."""
    will_not_come = saga["state"] in ENDED or going_back(saga)
    return "not reached" if step["state"] == "pending" and will_not_come else str(step["state"])


def _undo(saga: dict[str, Any], step: dict[str, Any]) -> str:
    """The state of its compensation; "" if there is nothing to undo, or it can no longer be undone."""
    by, actions = step["compensation"], {action["action"]: action for action in step["actions"]}
    if not by or saga.get("unknown"):
        return ""
    if COMPENSATION in actions:
        undone = {"succeeded": f"undone by {by}", "skipped": f"{by} skipped by a person: not undone"}
        going = f"{by} is stuck: not undone yet" if saga["state"] == "STUCK" else f"being undone by {by}"
        return undone.get(actions[COMPENSATION]["state"], going)
    if step["state"] == "refused" or saga["state"] in ENDED:
        return ""
    if going_back(saga):
        return f"to be undone by {by}" if step["state"] in ("sent", "succeeded") else ""
    passed = any(one["kind"] == "pivot" and one["state"] in ("succeeded", "skipped") for one in saga["steps"])
    return "" if passed else f"would be undone by {by}"


def _transaction(entry: dict[str, Any]) -> dict[str, Any]:
    name = SERVICE_NAMES.get(entry["service"], entry["service"])
    return {
        **entry,
        "service_name": name,
        "observation": entry["kind"] == "observation",
        "view": entry["service"] in VIEWS,
    }


def _messages(entry: dict[str, Any], booking: str) -> list[dict[str, Any]]:
    """The messages about this booking that the transaction wrote to its outbox (a batch has others too)."""
    rows = [change["new"] for change in entry["changes"] or () if change["table"].endswith("_outbox") and change["new"]]
    return [
        {
            **row,
            "pos": entry["pos"],
            "from": SERVICE_NAMES.get(entry["service"], entry["service"]),
            "to": SERVICE_NAMES.get(row.get("destination", ""), "everybody"),
            "service": entry["service"],
            "payload": json.dumps(row.get("data"), indent=1, ensure_ascii=False),
        }
        for row in rows
        if row.get("correlation_id") == booking or row.get("subject") == booking
    ]

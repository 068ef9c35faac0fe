"""The page /bookings/<id>: the saga inspector. What Booking says, and what journal and views know without it."""

import json
from typing import Any
from uuid import UUID, uuid4

from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET

from booking.saga import report
from dashboard.clients import ServiceDown, get_json
from dashboard.operate import SERVICES, letters_of, seen
from dashboard.operator import is_operator, who
from dashboard.records.away import missing, says_when_away
from dashboard.stage.present import SERVICE_NAMES
from journal.queries import entries_of
from journal.stories import fold
from projections import queries as views

PARTICIPANTS = SERVICES[1:]  # whom there is still something to ask when Booking does not answer
ENDED = ("COMPLETED", "COMPENSATED")
SETTLED = ("CANCELLED", "CANCELLING", "COMPENSATING")  # on its way out, or gone: there is nothing left to cancel
PATIENCE_S = 1.5  # the page has the journal to show, and does not wait long for more
Entries = list[dict[str, Any]]


@require_GET
@ensure_csrf_cookie
@says_when_away
def page(request: HttpRequest, booking: UUID) -> HttpResponse:
    """The whole page, or for htmx the part that moves."""
    context = inspect(str(booking), operator=is_operator(request))
    if context is None:
        return missing(request, "No such booking", f"Neither a service, a view nor the journal knows {booking}.")
    context |= {"who": who(request), "cancel_key": uuid4()}
    template = "dashboard/inspector.html"
    return render(request, f"{template}#saga" if request.htmx else template, context)  # type: ignore[attr-defined]


def inspect(booking: str, *, operator: bool) -> dict[str, Any] | None:
    """All there is to know of a booking; None if nobody has heard of it. `down`: who did not answer, in words."""
    down: list[str] = []
    try:
        entries = entries_of(booking)
    except (DatabaseError, InterfaceError):
        entries = []
        down.append("The journal does not answer: transactions and messages are missing here.")
    told = _told(booking, down)
    row = views.booking(booking)
    if told is None and row is None and not entries:
        return None
    letters: list[dict[str, Any]] = []
    if operator:
        letters, silent = letters_of(booking, PARTICIPANTS if down else SERVICES)
        down += [f"{one}: whether it has dead letters of this booking is not known." for one in silent]
    sagas = _sagas(booking, entries, told)
    state = (told or {}).get("booking_state") or (row or {}).get("state") or "unknown"
    return {
        "booking_id": booking,
        "row": row,
        "state": state,
        "sagas": sagas,
        "moving": any(saga["state"] not in (*ENDED, "STUCK") and not saga["unknown"] for saga in sagas) and not down,
        "can_cancel": state not in SETTLED,
        "acts": told is not None and (state != "CANCELLED" or bool(letters)),
        "down": down,
        "letters": letters,
        "transactions": [_transaction(entry) for entry in entries],
        "messages": [message for entry in entries for message in _messages(entry, booking)],
        "operator": operator,
    }


def _told(booking: str, down: list[str]) -> dict[str, Any] | None:
    try:
        return get_json("booking", f"/api/bookings/{booking}/saga", timeout=PATIENCE_S)
    except ServiceDown as error:
        down.append(
            f"Booking does not answer ({error}). The saga is shown as the journal saw it last; nothing can be done."
        )
        return None


def _sagas(booking: str, entries: Entries, told: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The booking's sagas in order: as the journal has their rows; the present one as Booking tells it, if it does."""
    rows = fold(booking, entries).tables.get("booking", {}).get("booking_saga", {}).values()
    found = {row["id"]: {**report.saga(row), "source": "the journal"} for row in rows}
    if told is not None:
        found[told["id"]] = {**told, "source": "Booking's API"}
    return [_shaped(saga) for _, saga in sorted(found.items())]


def _shaped(saga: dict[str, Any]) -> dict[str, Any]:
    actions = [action for step in saga["steps"] for action in step["actions"]]
    current = next((action for action in reversed(actions) if action["state"] == "sent"), None)
    steps = [{**step, "service_name": SERVICE_NAMES.get(step["service"], step["service"])} for step in saga["steps"]]
    ended = saga["state"] in ENDED
    stuck = saga["state"] == "STUCK"
    return {**saga, "steps": steps, "current": current, "stuck": stuck, "ended": ended, **seen(saga)}


def _transaction(entry: dict[str, Any]) -> dict[str, Any]:
    name = SERVICE_NAMES.get(entry["service"], entry["service"])
    return {**entry, "service_name": name, "observation": entry["kind"] == "observation"}


def _messages(entry: dict[str, Any], booking: str) -> list[dict[str, Any]]:
    """What the transaction put into its outbox about this booking (a batch speaks of others too)."""
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

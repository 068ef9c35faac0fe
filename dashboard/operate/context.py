"""What waits for a person: stuck and overdue sagas, and dead letters, from every service's API."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode

import httpx
import orjson
from django.http import HttpRequest

from dashboard.operate import letters
from dashboard.operate.letters import SERVICES
from drawing.present import SERVICE_NAMES
from gateway.clients import BOOKING, ServiceDown
from gateway.operate_api import ask
from serving.health import side_by_side

WATCHED = timedelta(seconds=2)
"""The watchdog checks several times a second: a saga that is due for longer is delayed."""
STUCK = "sagas"
SEEN = ("saga_id", "step", "action", "attempt")
"""What a button about a saga sends: the attempt that the page showed when it was pressed."""


def work(request: HttpRequest) -> dict[str, Any]:
    """Sagas and letters, each with its attempts; `down` names the services that did not answer. `?service=` and
    `?after=`: only the page of that service's letters after that position.
    """
    place = {name: request.GET[name] for name in ("service", "after") if request.GET.get(name)}
    sagas, total, down = [], 0, []
    pages: list[dict[str, Any]] = []
    looks: dict[str, Callable[[], Any]] = {
        service: partial(letters.page, service, place.get("after", ""))
        for service in SERVICES
        if place.get("service", service) == service
    }
    answers = side_by_side({name: partial(_or_down, look) for name, look in {**looks, STUCK: _stuck}.items()})
    for name, answer in answers.items():
        if isinstance(answer, ServiceDown | httpx.HTTPStatusError):
            says = (
                f"answers {answer.response.status_code}"
                if isinstance(answer, httpx.HTTPStatusError)
                else "does not answer"
            )
            service_name = SERVICE_NAMES[BOOKING if name == STUCK else name]
            said = f"{service_name}: its API {says}, so it is unknown what needs a person there."
            down += [] if said in down else [said]
        elif name == STUCK:
            sagas, total = [_saga(one) for one in answer["sagas"]], answer.get("total", len(answer["sagas"]))
        else:
            pages.append(answer)
    todo: dict[str, Any] = {
        "sagas": sagas, "more_sagas": total - len(sagas), "down": down,
        "pages": [page for page in pages if page["letters"]], "total": sum(page["total"] for page in pages),
    }  # fmt: skip
    digest = hashlib.blake2s(orjson.dumps(todo), digest_size=8).hexdigest()
    return {**todo, "place": urlencode(place), "digest": digest}


def _stuck() -> Any:
    return ask("GET", BOOKING, "/api/operator/stuck").raise_for_status().json()


def _or_down(look: Callable[[], Any]) -> Any:
    """A service's answer, or that there is none."""
    try:
        return look()
    except (ServiceDown, httpx.HTTPStatusError) as error:
        return error


def _saga(saga: dict[str, Any]) -> dict[str, Any]:
    overdue = bool(saga["due_at"]) and datetime.fromisoformat(saga["due_at"]) < datetime.now(UTC) - WATCHED
    shown = {"stuck": saga["state"] == "STUCK", "overdue": overdue, "current": awaited(saga)}
    return {**saga, **shown, **seen(saga)}


def awaited(saga: dict[str, Any]) -> dict[str, Any] | None:
    """The action that the saga waits for, while it has no answer. Others may be sent and unanswered too: a step that
    was undone without an answer."""
    actions = [(step["name"], action) for step in saga["steps"] for action in step["actions"]]
    here = [one for name, one in actions if (name, one["action"]) == (saga.get("step"), saga.get("action"))]
    return next((one for one in here if one["state"] == "sent"), None)


def seen(saga: dict[str, Any]) -> dict[str, str]:
    """What the buttons about this saga send, as JSON: the attempt that the page shows, and how to end it."""
    shown = {**{name: saga[name] for name in SEEN[1:]}, "saga_id": saga["id"]}
    ends = {
        f"seen_{state.lower()}": json.dumps({**shown, "booking_state": state}) for state in ("CANCELLED", "CONFIRMED")
    }
    return {"seen": json.dumps(shown), **ends}

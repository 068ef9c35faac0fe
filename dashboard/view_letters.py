"""The dead letters of the views: events that a projector left out. Answered here, for the views have no API of their own.

The web's role may read them and call the one function that settles a letter (projections' migration 0004); the projector does
the rest. The answers are those of messaging.dead_letter_api.
"""

import json
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import httpx
from django.db import connections
from django.db.models import Q
from pydantic import Field, ValidationError

from messaging.connections import redis_of_requests
from messaging.dead_letter_api import Many, Which, beyond, place
from messaging.dead_letters import OPEN
from messaging.observe import observe
from messaging.operator_token import Hand
from messaging.problems import Problem, phrase
from messaging.typed_text import isolated
from projections.models import DeadLetter

VIEWS = "projections"
AT_ONCE = 200
VERBS = {"retry": "retried", "edit-and-retry": "retried", "discard": "discarded"}
_SETTLE = "select id from projections_settle_letter(%s, %s, %s, %s::jsonb)"


class Decision(Hand):
    data: dict[str, Any] | None = Field(default=None)


def answer(method: str, path: str, *, content: bytes = b"", json: Any = None, **more: Any) -> httpx.Response:
    """What a service's API would answer to the same request about its dead letters."""
    response = _answer(method, path, content, json, **more)
    response.request = httpx.Request(method, f"http://{VIEWS}{path}")
    return response


def _answer(method: str, path: str, content: bytes, body: Any, **more: Any) -> httpx.Response:
    parts = path.strip("/").split("/")[3:]  # api, projections, dead-letters
    try:
        if method == "GET":
            return _listing(path, dict(more.get("params") or {}))
        kind = Decision if len(parts) == 2 else Many
        decision: Any = kind.model_validate(body) if body is not None else kind.model_validate_json(content)
        return _settle(UUID(parts[0]), parts[1], decision) if len(parts) == 2 else _settle_many(parts[0], decision)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        return _problem(422, "Invalid request", wrong)
    except Problem as problem:
        return _problem(problem.status, problem.title, problem.detail)


def _listing(path: str, params: dict[str, Any]) -> httpx.Response:
    after, limit = str(params.pop("after", "")), min(int(params.pop("limit", AT_ONCE)), AT_ONCE)
    settled = str(params.pop("settled", "")).lower() == "true"
    which = Which.model_validate(params).condition()
    found = DeadLetter.objects.filter(which if settled else which & Q(state__in=OPEN))
    rows = list(found.filter(beyond(after)).order_by("-updated_at", "-id")[: limit + 1])
    headers = {"X-Total-Count": str(found.count())}
    if len(rows) > limit:
        rows = rows[:limit]
        more = {**params, "limit": limit, "after": place(rows[-1])}
        headers["Link"] = f'<{path}?{urlencode(more)}>; rel="next"'
    return httpx.Response(200, json=[_told(letter) for letter in rows], headers=headers)


def _settle_many(verb: str, decision: Many) -> httpx.Response:
    found = DeadLetter.objects.filter(state__in=OPEN)
    if decision.which is not None:
        found = found.filter(decision.which.condition() & beyond(decision.after))
        found = found.exclude(state="retried") if verb == "retry" and not decision.which.state else found
        if decision.until is not None:  # as the list says it: cut to milliseconds
            found = found.filter(updated_at__lt=decision.until + timedelta(milliseconds=1))
    else:
        found = found.filter(pk__in=decision.ids or [])
    total, chosen = found.count(), list(found.order_by("-updated_at", "-id")[:AT_ONCE])
    for letter in chosen:
        _settle(letter.pk, verb, Decision(who=decision.who, why=decision.why))
    left = max(total - len(chosen), 0)
    told = {"done": len(chosen), "refused": [], "left": left, "next": place(chosen[-1]) if left and chosen else ""}
    return httpx.Response(200, json=told)


def _settle(letter: UUID, verb: str, decision: Decision) -> httpx.Response:
    hand = f"{isolated(decision.who)}: {isolated(decision.why)}"
    edited = None if decision.data is None or verb != "edit-and-retry" else json.dumps(decision.data)
    with connections[VIEWS].cursor() as cursor:
        cursor.execute(_SETTLE, [letter, VERBS[verb], hand, edited])
        settled = cursor.rowcount
    found = DeadLetter.objects.filter(pk=letter).first()
    if found is None:
        return _problem(404, "Unknown dead letter", f"the views have no dead letter {letter}")
    if not settled:
        return _problem(409, "Already settled", f"the letter is {found.state}: {found.reason}".rstrip(": "))
    told = {"who": decision.who, "why": decision.why, "what": verb, "letter": str(letter)}
    text = f"{isolated(decision.who)} {VERBS[verb]} {found.type}: {isolated(decision.why)}"
    observe(redis_of_requests(), VIEWS, "operator", text, booking=found.booking_id, message_id=str(letter), data=told)
    return httpx.Response(200, json=_told(found))


def _told(letter: DeadLetter) -> dict[str, Any]:
    columns = ("type", "booking_id", "state", "reason", "attempts", "envelope")
    updated_at: datetime = letter.updated_at
    return {"id": str(letter.pk), "updated_at": updated_at.isoformat()} | {
        name: getattr(letter, name) for name in columns
    }


def _problem(status: int, title: str, detail: str) -> httpx.Response:
    body = {"type": "about:blank", "title": title or phrase(status), "status": status, "detail": detail}
    return httpx.Response(status, json=body, headers={"Content-Type": "application/problem+json"})

"""The dead letters of the views: events that a projector skipped. They are answered here, since the views have no API.

The web's role may read them and call the one function that settles a letter (projections' migration 0004); the projector does
the rest. The answers are those of serving.dead_letter_api.
"""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
from ninja.errors import ValidationError as InvalidRequest
from pydantic import ValidationError

from messaging.database import Database
from messaging.observe import observe
from messaging.process.redis import redis_of_requests
from messaging.storable import storable
from messaging.typed_text import isolated
from projections.models import DeadLetter
from serving.dead_letter_api import Edit, Many, Page, Which, edited, listed, meant, place
from serving.operator_token import OperatorAction
from serving.problems import Problem, problem_of
from topology.chosen import HOUSE

VIEWS = HOUSE.service_of_app[DeadLetter._meta.app_label].name
AT_ONCE = 200
VERBS = {"retry": "retried", "edit-and-retry": "retried", "discard": "discarded"}
_SETTLE = "select id from projections_settle_letter(%s, %s, %s, %s::jsonb)"


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
        if len(parts) == 1:
            return httpx.Response(200, json=_settle_many(parts[0], _read(Many, content, body)))
        decision = _read(Edit if parts[1] == "edit-and-retry" else OperatorAction, content, body)
        return httpx.Response(200, json=_as_dict(_settle(UUID(parts[0]), parts[1], decision)))
    except ValidationError as error:
        place = ("query",) if method == "GET" else ("body", "payload")
        wrong = InvalidRequest([{**one, "loc": (*place, *one["loc"])} for one in error.errors()])
        return _refused(problem_of(wrong))
    except Problem as problem:
        return _refused(problem)


def _read(kind: type[OperatorAction], content: bytes, body: Any) -> Any:
    return kind.model_validate(body) if body is not None else kind.model_validate_json(content)


def _listing(path: str, params: dict[str, Any]) -> httpx.Response:
    page = Page.model_validate({name: params.pop(name) for name in Page.model_fields if name in params})
    rows, headers = listed(DeadLetter.objects.all(), Which.model_validate(params), page, path)
    return httpx.Response(200, json=[_as_dict(letter) for letter in rows], headers=headers)


def _settle_many(verb: str, decision: Many) -> dict[str, Any]:
    found = meant(DeadLetter.objects.all(), verb, decision)
    total, chosen = found.count(), list(found.order_by("-updated_at", "-id")[:AT_ONCE])
    action, refused = OperatorAction(who=decision.who, why=decision.why), []
    for letter in chosen:
        try:
            _settle(letter.pk, verb, action)
        except Problem as problem:  # somebody else has settled it meanwhile
            refused.append({"id": str(letter.pk), "detail": problem.detail})
    left = max(total - len(chosen), 0)
    more = place(chosen[-1]) if left and chosen else ""
    return {"done": len(chosen) - len(refused), "refused": refused, "left": left, "next": more}


def _settle(letter: UUID, verb: str, decision: OperatorAction) -> DeadLetter:
    """Raises Problem."""
    reason = f"{isolated(decision.who)}: {isolated(decision.why)}"
    data = json.dumps(edited(decision)) if isinstance(decision, Edit) else None
    settled = Database.of(DeadLetter).rows(_SETTLE, [letter, VERBS[verb], reason, data])
    found = DeadLetter.objects.filter(pk=letter).first()
    if found is None:
        raise Problem(404, "Unknown dead letter", f"the views have no dead letter {letter}")
    if not settled:
        raise Problem(409, "Already settled", f"the letter is {found.state}: {found.reason}".rstrip(": "))
    details = {"who": decision.who, "why": decision.why, "what": verb, "letter": str(letter)}
    text = f"{isolated(decision.who)} {VERBS[verb]} {found.type}: {isolated(decision.why)}"
    observe(
        redis_of_requests(), VIEWS, "operator", text, booking=found.booking_id, message_id=str(letter), data=details
    )
    return found


def _as_dict(letter: DeadLetter) -> dict[str, Any]:
    details = {name: getattr(letter, name) for name in ("type", "booking_id", "state", "reason", "attempts")}
    updated_at: datetime = letter.updated_at
    return {
        "id": str(letter.pk),
        "updated_at": updated_at.isoformat(),
        "envelope": storable(letter.envelope),
        **details,
    }


def _refused(problem: Problem) -> httpx.Response:
    found = problem.response()
    return httpx.Response(found.status_code, content=found.content, headers={"Content-Type": found["Content-Type"]})

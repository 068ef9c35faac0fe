"""Operator actions at the front door: the caller is checked here, the request is forwarded to the service it concerns."""

from typing import Any, Literal
from uuid import UUID

import httpx
from django.conf import settings
from django.db import Error as DatabaseError  # InterfaceError too
from django.http import HttpRequest, HttpResponse
from ninja import Router

from gateway import view_letters
from gateway.bodies import request_of, takes
from gateway.clients import BOOKING, ServiceDown, as_it_is, call
from gateway.people.operator import operators_only
from serving.dead_letter_api import Edit, Many

router = Router(tags=["operator"], auth=operators_only)
Service: Any = Literal[tuple(settings.HOUSE.titles)]
SagaVerb = Literal["retry-now", "skip", "resend", "cancel", "end"]
LetterVerb = Literal["retry", "edit-and-retry", "discard"]


@router.get("/operator/stuck", summary="Sagas that are stuck, and those that retry")
def stuck(request: HttpRequest, skip: int = 0) -> HttpResponse:
    return _hand_over(request, BOOKING, "/api/operator/stuck", params={"skip": skip})


@router.post(
    "/operator/sagas/{booking_id}/{verb}",
    summary="Retry a stuck step now, skip it, send the current command again, cancel the booking, or end an unknown saga",
    openapi_extra=takes(request_of(BOOKING, "Ended")),
)
def act_on_saga(request: HttpRequest, booking_id: UUID, verb: SagaVerb) -> HttpResponse:
    return _hand_over(request, BOOKING, f"/api/operator/sagas/{booking_id}/{verb}")


@router.get("/{service}/dead-letters", summary="A service's dead letters, with every attempt's error")
def dead_letters(
    request: HttpRequest,
    service: Service,
    settled: bool = False,
    type: str = "",
    state: str = "",
    booking_id: str = "",
    after: str = "",
    limit: int = 200,
) -> HttpResponse:
    """The newest first. `X-Total-Count` is the total number; `Link` (rel="next") is the next page."""
    which = {"type": type, "state": state, "booking_id": booking_id, "after": after}
    params = {"settled": settled, "limit": limit, **{name: value for name, value in which.items() if value}}
    return _hand_over(request, service, f"/api/{service}/dead-letters", params=params)


@router.post(
    "/{service}/dead-letters/{what}",
    summary="Retry or discard many dead letters together: these ids, or those that `which` describes",
    openapi_extra=takes(Many),
)
def settle_letters(request: HttpRequest, service: Service, what: Literal["retry", "discard"]) -> HttpResponse:
    return _hand_over(request, service, f"/api/{service}/dead-letters/{what}")


@router.post(
    "/{service}/dead-letters/{letter_id}/{verb}",
    summary="Send a dead letter again, unchanged or edited, or discard it",
    openapi_extra=takes(Edit),
)
def act_on_letter(request: HttpRequest, service: Service, letter_id: UUID, verb: LetterVerb) -> HttpResponse:
    return _hand_over(request, service, f"/api/{service}/dead-letters/{letter_id}/{verb}")


def ask(method: str, service: str, path: str, **more: Any) -> httpx.Response:
    """Call a service as its operator. Raises ServiceDown. The views' letters are answered here."""
    if service == view_letters.VIEWS:
        return answer_for_views(method, path, **more)
    headers = {"Authorization": f"Bearer {settings.OPERATOR_TOKEN}", "Content-Type": "application/json"}
    return call(service, method, path, headers=headers, **more)


def answer_for_views(method: str, path: str, **more: Any) -> httpx.Response:
    """Raises ServiceDown when their database is away."""
    try:
        return view_letters.answer(method, path, **more)
    except DatabaseError as error:
        raise ServiceDown(view_letters.VIEWS, error) from error


def _hand_over(request: HttpRequest, service: str, path: str, **more: Any) -> HttpResponse:
    """Return the service's answer unchanged."""
    if request.method == "POST":
        more["content"] = request.body
    return as_it_is(ask(request.method or "GET", service, path, **more))

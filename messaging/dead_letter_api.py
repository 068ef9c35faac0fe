"""/api/<service>/dead-letters: what failed, with every attempt's error, and a person's decision on it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import models, transaction
from django.db.models.functions import Now
from django.http import HttpRequest
from ninja import Router, Schema

from messaging import outbox as outbox_table
from messaging.connections import redis_client
from messaging.dead_letters import OPEN
from messaging.envelope import check
from messaging.models import DeadLetter
from messaging.observe import observe
from messaging.operator_token import Hand, OperatorToken
from messaging.outbox import Message
from messaging.problems import Problem, ProblemDetails
from messaging.storable import NotStorableError, storable
from messaging.storable import check as check_storable
from messaging.typed_text import isolated

Validate = Callable[[dict[str, Any]], object]
"""Raises ValueError (pydantic's included) or LookupError if the service's contract does not know such a message."""
AT_ONCE = 200
ERRORS = {401: ProblemDetails, 404: ProblemDetails, 409: ProblemDetails, 422: ProblemDetails}


class Edit(Hand):
    data: dict[str, Any]


class AttemptOut(Schema):
    at: datetime
    error: str


class LetterOut(Schema):
    """`state`: retrying, dead, retried (a person sent it again), cleared (it succeeded), discarded. `reason`: who and why."""

    id: UUID
    type: str
    booking_id: str
    state: str
    reason: str
    attempts: list[AttemptOut]
    envelope: dict[str, Any]
    updated_at: datetime

    @staticmethod
    def resolve_envelope(letter: Any) -> dict[str, Any]:
        """Cut where it is nested too deep to be answered: a letter of an older version must not take the list away."""
        found = storable(letter.envelope)
        return found if isinstance(found, dict) else {"data": found}


def router(service: str, *, dead_letter: type[DeadLetter], outbox: type[models.Model], validate: Validate) -> Router:
    """Return the routes /dead-letters of a service. A message goes back to its queue by the service's own outbox."""
    routes = Router(tags=["operator"], auth=OperatorToken())
    letters = dead_letter._default_manager

    @routes.get("/dead-letters", response=list[LetterOut], summary="Messages that failed, the latest first")
    def listing(request: HttpRequest, settled: bool = False) -> Any:
        found = letters.all() if settled else letters.filter(state__in=OPEN)
        return list(found.order_by("-updated_at")[:AT_ONCE])

    @routes.post("/dead-letters/{letter_id}/retry", response={200: LetterOut, **ERRORS}, summary="Send it again")
    def retry(request: HttpRequest, letter_id: UUID, payload: Hand) -> Any:
        with transaction.atomic(using=service):
            return _send(_open(letter_id), payload, "retried")

    @routes.post(
        "/dead-letters/{letter_id}/edit-and-retry",
        response={200: LetterOut, **ERRORS},
        summary="Send it again with other data, which must be what the message's contract says",
    )
    def edit_and_retry(request: HttpRequest, letter_id: UUID, payload: Edit) -> Any:
        try:
            check_storable(payload.data)
        except NotStorableError as error:
            raise Problem(422, "Invalid message", f"the data {error}") from error
        with transaction.atomic(using=service):
            letter = _open(letter_id)
            letter.envelope = {**letter.envelope, "data": payload.data}
            return _send(letter, payload, "edited and retried")

    @routes.post("/dead-letters/{letter_id}/discard", response={200: LetterOut, **ERRORS}, summary="Give it up")
    def discard(request: HttpRequest, letter_id: UUID, payload: Hand) -> Any:
        with transaction.atomic(using=service):
            return _settle(_open(letter_id), "discarded", payload, "discarded")

    def _open(letter_id: UUID) -> DeadLetter:
        letter = letters.select_for_update().filter(pk=letter_id).first()
        if letter is None:
            raise Problem(404, "Unknown dead letter", f"{service} has no dead letter {letter_id}")
        if letter.state not in OPEN:
            raise Problem(409, "Already settled", f"the letter is {letter.state}: {letter.reason}".rstrip(": "))
        return letter

    def _send(letter: DeadLetter, hand: Hand, what: str) -> DeadLetter:
        message = _message(service, letter, validate)
        outbox_table.append(outbox, [message])
        return _settle(letter, "retried", hand, what)

    def _settle(letter: DeadLetter, state: str, hand: Hand, what: str) -> DeadLetter:
        letter.state, letter.reason, letter.updated_at = state, f"{isolated(hand.who)}: {isolated(hand.why)}", Now()
        letter.save()
        letter.refresh_from_db()
        told = {"who": hand.who, "why": hand.why, "what": what, "letter": str(letter.pk)}
        text = f"{isolated(hand.who)} {what} {letter.type}: {isolated(hand.why)}"
        client, booking, pk = redis_client(), letter.booking_id, str(letter.pk)
        transaction.on_commit(
            lambda: observe(client, service, "operator", text, booking=booking, message_id=pk, data=told), using=service
        )
        return letter

    return routes


def _message(service: str, letter: DeadLetter, validate: Validate) -> Message:
    """The letter's message, to be sent again under its own id. Raises Problem if it would only fail again."""
    try:
        envelope = check(letter.envelope)
        if envelope["kind"] not in ("command", "reply"):
            raise ValueError(f"a message of kind '{envelope['kind']}' has no queue to go to")
        validate(envelope)
    except (ValueError, LookupError) as error:
        raise Problem(422, "Invalid message", f"{letter.type or 'it'} would fail again: {error}") from error
    return Message(
        kind=envelope["kind"],
        type=envelope["type"],
        data=envelope["data"],
        destination=service,
        subject=str(envelope.get("subject", "")),
        correlation_id=str(envelope.get("correlationid", "")),
        saga_id=envelope.get("sagaid"),
        step=str(envelope.get("sagastep", "")),
        action=str(envelope.get("sagaaction", "")),
        causation_id=envelope.get("causationid"),
        id=str(letter.pk),
    )

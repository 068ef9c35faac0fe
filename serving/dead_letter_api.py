"""/api/<service>/dead-letters: failed messages, with every attempt's error, and a person's decision on one or on many."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import AwareDatetime, ConfigDict, Field

from messaging.database import Database
from messaging.events.skipped import SKIPPED_BY
from messaging.inbox.dead_letters import OPEN, message_of
from messaging.models import DeadLetter
from messaging.observe import observe
from messaging.outbox.append import Message
from messaging.process.redis import redis_of_requests
from messaging.storable import NotStorableError, storable
from messaging.storable import check as check_storable
from messaging.typed_text import isolated
from serving.operator_token import OperatorAction, OperatorToken
from serving.problems import Problem, ProblemDetails
from topology.chosen import HOUSE

Validate = Callable[[dict[str, Any]], object]
"""Raises ValueError (pydantic's included) or LookupError if the service's contract has no such message."""
Letter = TypeVar("Letter", bound=DeadLetter)
AT_ONCE, MANY = 200, 1000
State = Literal["retrying", "dead", "retried", "cleared", "discarded"]
ERRORS = {401: ProblemDetails, 404: ProblemDetails, 409: ProblemDetails, 422: ProblemDetails}


class Edit(OperatorAction):
    data: dict[str, Any]


class Which(Schema):
    """Filters open letters: by type, state, booking."""

    model_config = ConfigDict(extra="forbid")

    type: Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")] | None = None
    state: State | None = None
    booking_id: Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")] | None = None

    def condition(self) -> Q:
        return Q(**self.dict(exclude_none=True))


class Page(Schema):
    """Which part of the list: whether settled letters too, from where the previous page ended, and how many at most."""

    settled: bool = False
    after: Annotated[str, Field(max_length=100, description="where the previous page ended: from its Link header")] = ""
    limit: Annotated[int, Field(ge=1, le=AT_ONCE)] = AT_ONCE


class Many(OperatorAction):
    """A decision on these letters, or on those that `which` describes and that existed at `until` (default: now).
    `after`: the `next` of the previous answer.
    """

    ids: Annotated[list[UUID], Field(min_length=1, max_length=MANY)] | None = None
    which: Which | None = None
    until: AwareDatetime | None = None
    after: Annotated[str, Field(max_length=100)] = ""


class Settled(Schema):
    """`refused`: why a letter was left unchanged. `left`: how many older ones remain; the same request reaches them
    with `after` set to `next` ("" if there are none).
    """

    done: int
    refused: list[dict[str, str]]
    left: int
    next: str


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
        """Cut where it is nested too deep for an answer: a letter of an older version must not break the list."""
        found = storable(letter.envelope)
        return found if isinstance(found, dict) else {"data": found}


def router(service: str, *, dead_letter: type[DeadLetter], outbox: type[models.Model], validate: Validate) -> Router:
    """Return the routes /dead-letters of a service. A message returns to its queue through the service's own outbox."""
    routes = Router(tags=["operator"], auth=OperatorToken())
    db = Database(HOUSE.database_of(service).alias)
    letters = dead_letter._default_manager

    @routes.get(
        "/dead-letters",
        response={200: list[LetterOut], 401: ProblemDetails, 422: ProblemDetails},
        summary="Messages that failed, the newest first, in pages",
    )
    def listing(
        request: HttpRequest,
        response: HttpResponse,
        which: Query[Which],
        page: Query[Page],
    ) -> Any:
        """Open letters, or with `settled` all. `X-Total-Count` is the total number; `Link` (rel="next") is the next
        page."""
        rows, headers = listed(letters.all(), which, page, request.path)
        for name, value in headers.items():
            response[name] = value
        return rows

    @routes.post("/dead-letters/{what}", response={200: Settled, **ERRORS}, summary="Retry or discard many letters")
    def settle_many(request: HttpRequest, what: Literal["retry", "discard"], payload: Many) -> Any:
        """At most 1,000 at a time, the newest first; repeat with `after` while there is a `next`."""
        with db.atomic():
            found = meant(letters.all(), what, payload)
            total = found.count()
            rows = list(found.select_for_update().order_by("-updated_at", "-id")[:MANY])
            beyond_these = place(rows[-1]) if total > len(rows) else ""
            refused = _settle_each(rows, payload, what)
            _observe_many(payload, what, len(rows) - len(refused))
        done = len(rows) - len(refused)
        return {"done": done, "refused": refused, "left": total - len(rows), "next": beyond_these}

    def _settle_each(rows: list[DeadLetter], decision: OperatorAction, what: str) -> list[dict[str, str]]:
        """Send or discard each; return those that would only fail again."""
        refused, messages, settled = [], [], []
        for letter in rows:
            try:
                if what == "retry" and SKIPPED_BY not in letter.envelope:
                    messages.append(_message(service, letter, validate))
                settled.append(letter.pk)
            except Problem as problem:
                refused.append({"id": str(letter.pk), "detail": problem.detail})
        db.append(outbox, messages)
        state, reason = (
            "retried" if what == "retry" else "discarded",
            f"{isolated(decision.who)}: {isolated(decision.why)}",
        )
        letters.filter(pk__in=settled).update(state=state, reason=reason, updated_at=Now())
        return refused

    def _observe_many(decision: OperatorAction, what: str, number: int) -> None:
        done = "retried" if what == "retry" else "discarded"
        details = {"who": decision.who, "why": decision.why, "what": done, "letters": number}
        text = f"{isolated(decision.who)} {done} {number} letters: {isolated(decision.why)}"
        client = redis_of_requests()
        transaction.on_commit(lambda: observe(client, service, "operator", text, data=details), using=db.alias)

    @routes.post("/dead-letters/{letter_id}/retry", response={200: LetterOut, **ERRORS}, summary="Send it again")
    def retry(request: HttpRequest, letter_id: UUID, payload: OperatorAction) -> Any:
        with db.atomic():
            return _send(_open(letter_id), payload, "retried")

    @routes.post(
        "/dead-letters/{letter_id}/edit-and-retry",
        response={200: LetterOut, **ERRORS},
        summary="Send it again with other data, which must match the message's contract",
    )
    def edit_and_retry(request: HttpRequest, letter_id: UUID, payload: Edit) -> Any:
        data = edited(payload)
        with db.atomic():
            letter = _open(letter_id)
            letter.envelope = {**letter.envelope, "data": data}
            return _send(letter, payload, "edited and retried")

    @routes.post("/dead-letters/{letter_id}/discard", response={200: LetterOut, **ERRORS}, summary="Give it up")
    def discard(request: HttpRequest, letter_id: UUID, payload: OperatorAction) -> Any:
        with db.atomic():
            return _settle(_open(letter_id), "discarded", payload, "discarded")

    def _open(letter_id: UUID) -> DeadLetter:
        letter = letters.select_for_update().filter(pk=letter_id).first()
        if letter is None:
            raise Problem(404, "Unknown dead letter", f"{service} has no dead letter {letter_id}")
        if letter.state not in OPEN:
            raise Problem(409, "Already settled", f"the letter is {letter.state}: {letter.reason}".rstrip(": "))
        return letter

    def _send(letter: DeadLetter, decision: OperatorAction, what: str) -> DeadLetter:
        if SKIPPED_BY not in letter.envelope:  # the reader of an event finds such letters by itself
            db.append(outbox, [_message(service, letter, validate)])
        return _settle(letter, "retried", decision, what)

    def _settle(letter: DeadLetter, state: str, decision: OperatorAction, what: str) -> DeadLetter:
        letter.state, letter.reason, letter.updated_at = (
            state,
            f"{isolated(decision.who)}: {isolated(decision.why)}",
            Now(),
        )
        letter.save()
        letter.refresh_from_db()
        details = {"who": decision.who, "why": decision.why, "what": what, "letter": str(letter.pk)}
        text = f"{isolated(decision.who)} {what} {letter.type}: {isolated(decision.why)}"
        client, booking, pk = redis_of_requests(), letter.booking_id, str(letter.pk)
        transaction.on_commit(
            lambda: observe(client, service, "operator", text, booking=booking, message_id=pk, data=details),
            using=db.alias,
        )
        return letter

    return routes


def listed(
    letters: models.QuerySet[Letter], which: Which, page: Page, path: str
) -> tuple[list[Letter], dict[str, str]]:
    """A page of the list, and the headers with the number of letters and the next page. Raises Problem."""
    found = letters.filter(which.condition() if page.settled else which.condition() & Q(state__in=OPEN))
    headers = {"X-Total-Count": str(found.count())}
    rows = list(found.filter(beyond(page.after)).order_by("-updated_at", "-id")[: page.limit + 1])
    if len(rows) > page.limit:
        rows = rows[: page.limit]
        asked = {**which.dict(exclude_none=True), **({"settled": "true"} if page.settled else {}), "limit": page.limit}
        headers["Link"] = f'<{path}?{urlencode({**asked, "after": place(rows[-1])})}>; rel="next"'
    return rows, headers


def meant(letters: models.QuerySet[Letter], what: str, decision: Many) -> models.QuerySet[Letter]:
    """The open letters that a decision on many concerns. Raises Problem."""
    if (decision.ids is None) == (decision.which is None):
        raise Problem(422, "Which letters?", "give `ids` or `which` (an empty `which` means every open letter)")
    found = letters.filter(state__in=OPEN)
    if decision.which is None:
        return found.filter(pk__in=decision.ids or [])
    found = found.filter(decision.which.condition() & beyond(decision.after))
    if decision.until is not None:  # as in the list: JSON's times are cut to milliseconds
        found = found.filter(updated_at__lt=decision.until + timedelta(milliseconds=1))
    sent = what == "retry" and not decision.which.state  # a letter that was sent again waits for its outcome
    return found.exclude(state="retried") if sent else found


def edited(decision: Edit) -> dict[str, Any]:
    """The data with which a person replaces a letter's. Raises Problem."""
    try:
        check_storable(decision.data)
    except NotStorableError as error:
        raise Problem(422, "Invalid message", f"the data {error}") from error
    return decision.data


def place(letter: DeadLetter) -> str:
    """The position of the end of a page whose last letter is this one."""
    return f"{letter.updated_at.isoformat()},{letter.pk}"


def beyond(after: str) -> Q:
    """The letters after the position where a page ended. Raises Problem."""
    if not after:
        return Q()
    try:
        at, _, letter = after.rpartition(",")
        moment, pk = datetime.fromisoformat(at.replace(" ", "+")), UUID(letter)
        if moment.tzinfo is None:
            raise ValueError
    except ValueError:
        raise Problem(422, "Invalid cursor", f"`after` is not where a page of letters ended: {after!r}") from None
    return Q(updated_at__lt=moment) | Q(updated_at=moment, pk__lt=pk)


def _message(service: str, letter: DeadLetter, validate: Validate) -> Message:
    """The letter's message, to be sent again under its own id. Raises Problem if it would only fail again."""
    try:
        message = message_of(service, str(letter.pk), letter.envelope)
        validate(letter.envelope)
    except (ValueError, LookupError) as error:
        raise Problem(422, "Invalid message", f"{letter.type or 'it'} would fail again: {error}") from error
    return message

"""Errors over HTTP as RFC 9457 problem details, whether a view, django-ninja or Django itself finds them.

    raise Problem(404, "Unknown performance", "there is no performance 'concert-1999'")

`install(api)` covers what happens inside a NinjaAPI, `ProblemMiddleware` what never reaches one (no such URL, wrong method).
"""

import json
import logging
import sys
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, RawPostDataException, UnreadablePostError
from ninja import NinjaAPI, Schema
from ninja.errors import HttpError, ValidationError
from ninja.parser import Parser
from redis import RedisError

from messaging.field_errors import words
from messaging.process.outage import CommitUnknownError, is_locked, is_passing, sqlstate
from messaging.storable import DEPTH, NotStorableError, deeper

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
UNKNOWN_TITLE = "Outcome unknown"
# The names of RFC 9110; Python has them since 3.13, and a title must be the same under each version.
RENAMED = {413: "Content Too Large", 414: "URI Too Long", 416: "Range Not Satisfiable", 422: "Unprocessable Content"}


def phrase(status: int) -> str:
    """The name of an HTTP status."""
    return RENAMED.get(status) or HTTPStatus(status).phrase


class ProblemDetails(Schema):
    """The body of every error. `errors` is present if several fields are wrong: {"pointer": "#/seats/0", "in",
    "detail"}. `type` names a problem that a program may act on; such a problem has further members.
    """

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""
    errors: list[dict[str, Any]] = []


class Problem(Exception):
    """An error to answer with: HTTP status, a title that is the same for all of its kind, and the details of this case.
    `type` and `more`, its further members, are for a problem that a program may act on.
    """

    def __init__(
        self,
        status: int,
        title: str = "",
        detail: str = "",
        *,
        errors: Sequence[dict[str, Any]] = (),
        headers: dict[str, str] | None = None,
        type: str = "about:blank",
        more: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(detail or title)
        self.status, self.title, self.detail = status, title or phrase(status), detail
        self.errors, self.headers = list(errors), headers or {}
        self.type, self.more = type, more or {}

    def response(self) -> HttpResponse:
        body: dict[str, Any] = {"type": self.type, "title": self.title, "status": self.status}
        if self.detail:
            body["detail"] = self.detail
        if self.errors:
            body["errors"] = self.errors
        body |= self.more
        return HttpResponse(json.dumps(body), status=self.status, content_type=MEDIA_TYPE, headers=self.headers)


class BoundedParser(Parser):
    """Limits the size of a body that arrives in chunks, without the length that Django checks, and the nesting to what
    every later reader can handle.
    """

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        if len(request.body) > (settings.DATA_UPLOAD_MAX_MEMORY_SIZE or sys.maxsize):
            raise RequestDataTooBig
        body = super().parse_body(request)
        if deeper(body, DEPTH):
            raise NotStorableError(f"is nested more than {DEPTH} levels deep")
        return body


def install(api: NinjaAPI) -> None:
    """Make every error of this API a problem document; an unexpected error is logged and reported without its details."""
    api.parser = BoundedParser()
    for error in (
        Problem, ValidationError, HttpError, Http404, RequestDataTooBig, SuspiciousOperation, UnreadablePostError,
        RawPostDataException, Exception,
    ):  # fmt: skip
        api.add_exception_handler(error, _answer)


def _answer(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    return problem_of(error, request.path, request.headers.get("Idempotency-Key", "")).response()


def problem_of(error: object, path: str = "", key: str = "") -> Problem:
    """Return the problem that describes an exception. `key`: the request's idempotency key."""
    match error:
        case Problem():
            return error
        case ValidationError():
            found = [_field_error(item) for item in error.errors]
            return Problem(422, "Invalid request", "; ".join(_sentence(item) for item in found[:5]), errors=found[:20])
        case HttpError(__cause__=NotStorableError() as cause):
            return Problem(422, "Invalid request", f"the body {cause}")
        case HttpError(__cause__=RequestDataTooBig() as cause):  # how django-ninja passes on what its parser raised
            return problem_of(cause, path)
        case HttpError():
            return Problem(error.status_code, "", str(error))
        case Http404():
            return Problem(404, "", str(error) or f"nothing is here: {path}")
        case RequestDataTooBig():
            return Problem(413, "", "the body is larger than any request to this API")
        case SuspiciousOperation() | UnreadablePostError() | RawPostDataException():
            return Problem(400, "", "the request cannot be read")
        case CommitUnknownError():
            log.warning("%s: %s", path, f"{error}".strip())
            return unknown_outcome("the database was lost while it was committing this request", key)
        case Exception() if is_passing(error):
            log.warning("%s: %s", path, f"{error}".strip())
            return Problem(503, "", unavailable(error), headers={"Retry-After": "1"})
        case _:
            log.error("%s failed", path, exc_info=error if isinstance(error, BaseException) else None)
            return Problem(500, "", "this is our fault; it has been logged")


def unknown_outcome(why: str, key: str = "") -> Problem:
    """504: the request may have been carried out, or not; sending its key again shows which."""
    if not key:
        return Problem(504, UNKNOWN_TITLE, f"{why}; whether it was carried out is not known")
    detail = f"{why}; whether it was carried out is not known. Send it again with the same Idempotency-Key: {key}"
    return Problem(504, UNKNOWN_TITLE, detail, headers={"Retry-After": "1"}, more={"idempotency_key": key})


def unavailable(error: Exception) -> str:
    """What is down, or cannot work at the moment, in words for the caller; `error` is a passing one."""
    if isinstance(error, RedisError):
        return "Redis does not answer"
    if is_locked(error):
        return "another transaction has locked a row that this request needs; nothing was changed"
    if sqlstate(error) == "25006":
        return "the service's database is read-only at the moment; nothing was changed"
    return "the service's database is not reachable"


def _field_error(item: dict[str, Any]) -> dict[str, Any]:
    """pydantic's location ("body", "payload", "seats", 0) as RFC 6901 JSON pointer; for other locations, the field's
    name."""
    place, *names = item["loc"]
    if place == "body":  # the first name is the view's parameter, which means nothing to a caller
        return {
            "in": "body",
            "pointer": "#" + "".join(f"/{_escape(name)}" for name in names[1:]),
            "detail": words(item),
        }
    return {"in": str(place), "name": ".".join(str(name) for name in names), "detail": words(item)}


def _escape(name: object) -> str:
    return str(name).replace("~", "~0").replace("/", "~1")


def _sentence(item: dict[str, Any]) -> str:
    return f"{item['in']} {item.get('pointer') or item.get('name', '')}: {item['detail']}"


class ProblemMiddleware:
    """Turn an error page of Django's own under /api/ (no such URL, wrong method, bad host) into a problem document."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self._awaited = iscoroutinefunction(get_response)
        if self._awaited:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
        if self._awaited:
            return self._later(request)
        return _translated(request, self.get_response(request))

    async def _later(self, request: HttpRequest) -> HttpResponse:
        return _translated(request, await self.get_response(request))


def _translated(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Only HTML and plain text are replaced: an answer in JSON was intended."""
    written_for_people = response.get("Content-Type", "").startswith("text/")
    if response.status_code < 400 or not request.path.startswith("/api/") or not written_for_people:
        return response
    details = {404: f"nothing is here: {request.path}", 405: f"{request.method} is not for {request.path}"}
    problem = Problem(response.status_code, "", details.get(response.status_code, "")).response()
    if response.has_header("Allow"):
        problem["Allow"] = response["Allow"]
    return problem

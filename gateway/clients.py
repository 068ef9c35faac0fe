"""How the web process reaches the services: their HTTP APIs, and nothing else."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import httpx
from django.conf import settings
from django.http import HttpResponse

from booking.topology import SERVICE as BOOKING_SERVICE
from journal.topology import SERVICE as JOURNAL_SERVICE
from seats.topology import SERVICE as SEATS_SERVICE
from serving.doors.headers import check_sendable
from serving.problems import Problem, unknown_outcome

BOOKING, SEATS, JOURNAL = BOOKING_SERVICE.name, SEATS_SERVICE.name, JOURNAL_SERVICE.name
"""The services to whose APIs the front door forwards requests."""
TIMEOUT = httpx.Timeout(5.0, connect=1.0)


NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL)
READS = ("GET", "HEAD")
INJECTED = "X-Injected-Fault"
"""The header of an answer that a fault gives in place of the service's API: the fault's id."""
DOWN_ON_PURPOSE = "The service's API is down on purpose, and nothing was done. Try again once the fault is over."


class ServiceDown(Exception):
    """The API of `service` did not answer. `unknown`: it may have carried out the request anyway. `key`: the request's
    idempotency key, with which the outcome can be found out.
    """

    def __init__(self, service: str, error: Exception, *, unknown: bool = False, key: str = "") -> None:
        said = f"{error.response.status_code}" if isinstance(error, httpx.HTTPStatusError) else type(error).__name__
        super().__init__(f"service '{service}' does not answer: {said}")
        self.service, self.unknown, self.key = service, unknown, key

    def problem(self) -> Problem:
        if self.unknown:
            return unknown_outcome(f"service '{self.service}' has not answered", self.key)
        return Problem(503, "Service unavailable", str(self), headers={"Retry-After": "1"})


@cache
def client() -> httpx.Client:
    """Made once: it reads the certificates that there are, which takes longer than to ask."""
    return httpx.Client(timeout=TIMEOUT, limits=httpx.Limits(max_connections=40, max_keepalive_connections=20))


def call(service: str, method: str, path: str, **request: Any) -> httpx.Response:
    """Call a service's API, e.g. `call("seats", "GET", "/api/performances")`.

    Raises ServiceDown; Problem 400 for a header of the caller's that cannot be forwarded.

    A GET is tried twice: a kept-alive connection may have died with a restarted process. A GET that timed out is not
    tried again, nor is a POST: it carries an idempotency key, and the caller decides whether to send it again.
    """
    check_sendable(request.get("headers", {}))
    attempts = 2 if method == "GET" else 1
    for attempt in range(attempts):
        try:
            return client().request(method, settings.API_URLS[service] + path, **request)
        except httpx.HTTPError as error:
            if attempt == attempts - 1 or isinstance(error, httpx.TimeoutException):
                unknown = method not in READS and not isinstance(error, NEVER_SENT)
                key = (request.get("headers") or {}).get("Idempotency-Key", "")
                raise ServiceDown(service, error, unknown=unknown, key=key) from error
    raise AssertionError("unreachable")


def as_it_is(answer: httpx.Response) -> HttpResponse:
    """Return a service's answer as the front door's own."""
    return passed_on(answer.status_code, answer.headers, answer.content)


def passed_on(status: int, headers: Mapping[str, str], content: bytes) -> HttpResponse:
    """The same for an answer of any client. `headers`: looked up whatever their case."""
    response = HttpResponse(content, status=status, content_type=headers.get("content-type", "application/json"))
    for name in ("Location", "Link", "X-Total-Count", "Retry-After"):
        if name in headers:
            response[name] = headers[name]
    return response


def in_words(answer: httpx.Response, otherwise: str) -> dict[str, str]:
    """{"title", "detail"} of a service's refusal, for a person: a field by its name, not by a pointer into the request's body.

    `otherwise`: the title of an answer that is no problem document. The id of a fault that was injected at the
    service's API is left out, since it means nothing to a person.
    """
    if INJECTED in answer.headers:
        return {"title": "Injected fault", "detail": DOWN_ON_PURPOSE}
    try:
        problem = answer.json()
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        return {"title": otherwise, "detail": f"the service answered {answer.status_code}"}
    title, detail = str(problem.get("title") or otherwise), str(problem.get("detail") or "")
    if title == "Invalid request" and problem.get("errors"):
        title, detail = otherwise, " ".join(_field(error) for error in problem["errors"][:5])
    return {"title": title, "detail": detail}


def _field(error: dict[str, Any]) -> str:
    path = str(error.get("pointer") or error.get("name") or "").lstrip("#").split("/")
    name = next((part for part in reversed(path) if part and not part.isdigit()), "")
    return f"{name.capitalize()}: {error.get('detail', '')}.".lstrip(": ")


def get_json(service: str, path: str, **request: Any) -> Any:
    """GET and parse; None for a 404. Raises ServiceDown also for an answer of 5xx."""
    response = call(service, "GET", path, **request)
    if response.status_code == 404:
        return None
    try:
        response.raise_for_status()
    except httpx.HTTPStatusError as error:
        raise ServiceDown(service, error) from error
    return response.json()

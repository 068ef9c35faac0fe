"""/healthz: the process answers. /readyz: whether everything it needs answers too, and which part does not."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import TypeVar

from django.db import connections
from django.http import HttpRequest, JsonResponse
from ninja import Router

from messaging.database import Database
from messaging.process.redis import redis_of_requests

Check = Callable[[], object]
T = TypeVar("T")


def router(checks: Mapping[str, Check]) -> Router:
    """Return the two routes. `checks`: part -> a function that raises when the part is not ready.

    /readyz answers 200, or 503 if any part is not ready: {"ready": bool, "parts": {"database": "ready" or what is wrong}}.
    """
    routes = Router(tags=["health"])

    @routes.get("/healthz", summary="The process is alive")
    def healthz(request: HttpRequest) -> dict[str, str]:
        return {"status": "ok"}

    @routes.get("/readyz", summary="Which part is not ready")
    def readyz(request: HttpRequest) -> JsonResponse:
        parts = side_by_side({name: partial(_state, check) for name, check in checks.items()})
        ready = all(state == "ready" for state in parts.values())
        return JsonResponse({"ready": ready, "parts": parts}, status=200 if ready else 503)

    return routes


def side_by_side(asks: Mapping[str, Callable[[], T]]) -> dict[str, T]:
    """{name: result}, all called in parallel, each in its own thread: together they take as long as the slowest. Raises
    the first failure, once all have ended.
    """

    def ask(one: Callable[[], T]) -> T:
        try:
            return one()
        finally:
            connections.close_all()  # they belong to this thread, which ends here

    with ThreadPoolExecutor(max(len(asks), 1), thread_name_prefix="side by side") as threads:
        answers = {name: threads.submit(copy_context().run, ask, one) for name, one in asks.items()}
    return {name: answer.result() for name, answer in answers.items()}


def database(alias: str) -> Check:
    """A check that queries a database."""

    return partial(Database(alias).rows, "select 1")


def redis() -> None:
    redis_of_requests().ping()


def _state(check: Check) -> str:
    try:
        check()
    except Exception as error:  # a check may fail in any way, and must not prevent the answer
        return f"{type(error).__name__}: {error}".splitlines()[0][:200]
    return "ready"

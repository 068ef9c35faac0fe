"""The fault point of a service's HTTP API: down (503), or late. Middleware.

The plan is read at most four times a second, not with each request: placing a booking is a hot path. /healthz is
exempt: it shows that the process lives, and a container's health check would restart one that is only down on purpose.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from redis import RedisError

from faults import Action, Fault, Plan, Point
from messaging.process.redis import impatient_redis, redis_is_silent
from messaging.strikes import claim
from serving.problems import Problem
from topology.tuning import Seconds

log = logging.getLogger(__name__)

MAX_AGE_S: Seconds = 0.25  # how old the plan may be that judges a request in a rush
STALE_S: Seconds = 0.5
"""After a silence a request waits for the plan; under load it uses what the last one has read. HEARD_S relies on it.
"""
PATIENCE_S: Seconds = 0.2  # but never long: Redis may be down
SPARED = "/healthz"
HEARD_S = STALE_S + 0.1
"""A request that arrives this long after a fault was armed is always checked against a plan that includes it."""


class Watched:
    """The plan of this process's API, for an asynchronous server: Redis is asked in a thread, so that no request waits
    for another's check."""

    def __init__(self) -> None:
        self.plan = Plan(impatient_redis(), settings.SERVICE, f"api-{settings.SERVICE}")
        self._asking: asyncio.Future[None] | None = None
        self._asked_at = 0.0

    async def armed(self) -> bool:
        """Whether a fault may strike here. False if Redis does not answer: no request waits for it then."""
        now = time.monotonic()
        age = now - self._asked_at
        if age > MAX_AGE_S and (self._asking is None or self._asking.done()):
            self._asked_at = now
            self._asking = asyncio.ensure_future(asyncio.to_thread(self._refresh))
            if age > STALE_S:
                await asyncio.wait({self._asking}, timeout=PATIENCE_S)
        silent = (
            self._asking is not None and not self._asking.done() and time.monotonic() - self._asked_at >= PATIENCE_S
        )
        if silent:
            redis_is_silent()
        return bool(self.plan.armed) and not silent

    def _refresh(self) -> None:
        try:
            self.plan.refresh()
        except RedisError as error:
            log.debug("fault plan not read: %s", error)


class ApiFaults:
    """Answers, or waits, in place of the API if a fault is armed."""

    sync_capable, async_capable = False, True

    def __init__(self, get_response: Callable[[HttpRequest], Awaitable[HttpResponse]]) -> None:
        self.get_response = get_response
        self._watched = Watched()
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> HttpResponse:
        if await self._watched.armed() and request.path != SPARED:
            fault = await asyncio.to_thread(self._claim, request)
            if fault is not None and fault.action == Action.DOWN:
                return _down(fault).response()
            if fault is not None:
                await asyncio.sleep(fault.seconds)
        return await self.get_response(request)

    def _claim(self, request: HttpRequest) -> Fault | None:
        what: dict[str, Any] = {"type": request.method}
        try:
            return claim(self._watched.plan, Point.API, what)
        except RedisError:
            return None


def _down(fault: Fault) -> Problem:
    return Problem(
        503,
        "Injected fault",
        f"the API of '{fault.service}' is down on purpose (fault {fault.id})",
        headers={"Retry-After": "1", "X-Injected-Fault": fault.id},
    )

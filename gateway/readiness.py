"""/readyz: which parts of the sandbox are ready, and which are not."""

from collections.abc import Callable, Collection
from datetime import datetime
from functools import cache, partial
from typing import Any, cast

import httpx
from django.conf import settings
from django.db import DatabaseError
from redis import RedisError

from gateway.topology import WEB
from messaging.database import Database
from messaging.process.heartbeat import EXPIRES, SEEN, STARTED, WELL
from messaging.process.on_demand import OnDemand
from messaging.process.redis import redis_of_requests
from serving.health import side_by_side
from topology.parts import Kind

_LISTED = (
    Kind.WORKER,
    Kind.RELAY,
    Kind.TIMER,
    Kind.READER,
    Kind.PROJECTOR,
    Kind.RECORDER,
    Kind.CONTROL,
    Kind.AUDITOR,
)
BEATING = tuple(program.name for kind in _LISTED for program in settings.HOUSE.programs_of(kind))
"""Processes that are not asked over HTTP: each renews `alive:<name>` in Redis while it works."""


NO_SIGN, NO_ANSWER = f"no heartbeat for {EXPIRES} s", "not reachable (ConnectError)"
STARTING = "starting"
"""Shown for a process without a heartbeat since the sandbox was started."""


def parts(without: Collection[str] = ()) -> dict[str, str]:
    """Return {part: "ready" or what is wrong}, one for each process and database this process can ask about.

    All are asked in parallel: the caller waits for the slowest of them. The APIs and databases of services in `without`
    are not asked, nor Redis, since asking a part that is known to be down takes long. What is on demand and stopped is no part.
    """
    on_demand = _on_demand()
    services = [name for name in settings.APIS if name not in without and name not in on_demand.stopped_apis()]
    away = {*without, *on_demand.stopped_databases()}
    stores = [alias for alias in settings.HOUSE.visible(WEB.service) if alias not in away]
    asked: dict[str, Callable[[], dict[str, str]]] = {}
    asked |= {name: partial(_named, f"api-{name}", _api, settings.API_URLS[name]) for name in services}
    asked |= {f"database-{alias}": partial(_named, f"database-{alias}", _database, alias) for alias in stores}
    found: dict[str, str] = {}
    for answer in side_by_side(asked if "redis" in without else {**asked, "redis": _redis}).values():
        found |= answer
    try:
        return found | _starting(found) if found.get("redis") == "ready" else found
    except RedisError as error:
        return found | {"redis": f"not reachable ({type(error).__name__})"}


def _named(part: str, ask: Callable[[str], str], which: str) -> dict[str, str]:
    return {part: ask(which)}


def _redis() -> dict[str, str]:
    """What Redis shows: its own state, and the heartbeats of processes."""
    beating = [name for name in BEATING if name not in _on_demand().stopped()]
    try:
        alive: Any = redis_of_requests().mget([f"alive:{name}" for name in beating])
    except RedisError as error:
        return {"redis": f"not reachable ({type(error).__name__})"}
    return {"redis": "ready"} | {name: _state(beat) for name, beat in zip(beating, alive, strict=True)}


@cache
def _on_demand() -> OnDemand:
    return OnDemand(redis_of_requests())


_up: set[str] = set()  # what this process has seen ready: a Redis that lost its data does not know


def _starting(found: dict[str, str]) -> dict[str, str]:
    """Processes that do not answer, and never have since the start. Raises RedisError."""
    _up.update(name for name, state in found.items() if state == "ready")
    missing = [name for name, state in found.items() if state in (NO_SIGN, NO_ANSWER) and name not in _up]
    if not missing:
        return {}
    pipe = redis_of_requests().pipeline(transaction=False)
    pipe.get(STARTED)
    pipe.hmget(SEEN, missing)
    started, last = cast(tuple[bytes | None, list[bytes | None]], pipe.execute())
    return {
        name: STARTING
        for name, at in zip(missing, last, strict=True)
        if at is None or (started is not None and _moment(at) < _moment(started))
    }


def _moment(text: bytes) -> datetime:
    return datetime.fromisoformat(text.decode())


def _state(beat: bytes | None) -> str:
    """A process's own report; a process in trouble reports its problem."""
    if beat is None:
        return NO_SIGN
    return "ready" if beat == WELL.encode() else beat.decode(errors="replace")


def _api(url: str) -> str:
    try:
        response = _client().get(f"{url}/readyz")
    except httpx.ConnectError:
        return NO_ANSWER
    except httpx.HTTPError as error:
        return f"not reachable ({type(error).__name__})"
    return "ready" if response.status_code == 200 else f"not ready: {response.text[:200]}"


@cache
def _client() -> httpx.Client:
    """One client for all: creating one sets up TLS, which takes longer than a request. No connection is kept: its
    server may end."""
    return httpx.Client(timeout=2, limits=httpx.Limits(max_keepalive_connections=0))


def _database(alias: str) -> str:
    try:
        Database(alias).rows("select 1")
    except DatabaseError as error:
        return f"not reachable ({type(error).__name__})"
    return "ready"

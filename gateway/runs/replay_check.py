"""Compares the hashes of the tables in all five databases with those of the journal's replay."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connections
from redis import RedisError

from gateway.clients import ServiceDown, call
from journal.reading import convergence
from journal.reading.convergence import ServiceCheck, Standing
from journal.recording.broadcast import STATUS
from messaging.process.on_demand import OnDemand
from messaging.process.redis import redis_of_requests
from serving import table_hashes
from topology.chosen import HOUSE
from topology.tuning import Seconds

VIEWS = frozenset(service.name for service in HOUSE.views)
PATIENCE_S: Seconds = 5.0  # how long to compare again before a difference is reported
READING_S: Seconds = 35.0  # a service gives up reading its tables after 30
AGAIN_S: Seconds = 0.1  # between two comparisons


def check(patience: float = PATIENCE_S) -> dict[str, Any]:
    """Compare now. {"status", "took_ms", "services": [ServiceCheck, with "tables"]}.

    What cannot be compared yet (the recorder is behind, transactions are ending) is tried again for `patience` seconds.
    """
    began = time.monotonic()
    stopped = OnDemand(
        redis_of_requests()
    ).stopped_apis()  # on purpose: what they have can be compared when they are started
    databases = [name for name in (*settings.SERVICES, *sorted(VIEWS)) if name not in stopped]
    answers: dict[str, dict[str, Any]] = {}
    checks: dict[str, ServiceCheck] = {}
    while True:
        unread = [name for name in databases if name not in answers and name not in checks]
        with ThreadPoolExecutor(len(databases)) as pool:
            for name, answer in zip(unread, pool.map(_ask, unread), strict=True):
                if isinstance(answer, ServiceCheck):
                    checks[name] = answer
                else:
                    answers[name] = answer
        stored = _stored()
        for name, live in list(answers.items()):
            checks[name] = convergence.compare(live, stored.get(HOUSE.database_of(name).alias, ""))
            if checks[name].standing != Standing.BEHIND:
                del answers[name]
        moving = [name for name in databases if checks[name].standing == Standing.MOVING]
        if not (answers or moving) or time.monotonic() - began > patience:
            break
        for name in moving:
            del checks[name]
        time.sleep(AGAIN_S)
    return {
        "status": convergence.worst(one.standing for one in checks.values()),
        "took_ms": round((time.monotonic() - began) * 1000),
        "services": [checks[name].as_dict() for name in databases],
    }


def _ask(name: str) -> dict[str, Any] | ServiceCheck:
    try:
        if name in VIEWS:
            return _views(name)
        answer = call(name, "GET", f"/api/{name}/hashes", timeout=READING_S)
    except (ServiceDown, DatabaseError, InterfaceError) as error:
        return convergence.silent(name, str(error).strip())
    if answer.status_code != 200:
        return convergence.silent(name, f"service '{name}' answered {answer.status_code}")
    found: dict[str, Any] = answer.json()
    return found


def _views(name: str) -> dict[str, Any]:
    try:
        return table_hashes.live(name)
    finally:
        connections[HOUSE.database_of(name).alias].close()  # a thread of its own has a connection of its own


def _stored() -> dict[str, str]:
    """Database -> LSN up to which the recorder has journaled it; empty while that is unknown."""
    try:
        text: Any = redis_of_requests().hget(STATUS, "stored")
    except RedisError:
        return {}
    stored: dict[str, str] = orjson.loads(text) if text else {}
    return stored

"""Is there a customer of this id? Three ways to check a foreign id, which no foreign key can check across databases.

api       asks the owner: always right, costs a call, and refuses everything while the owner is down
replica   asks the copy: costs a local read, works without the owner, and does not know a customer of a moment ago
none      asks nobody: costs nothing, and a wrong id is found by the next reader of the row
"""

import time
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

import httpx
from django.conf import settings

from messaging.database import Database
from messaging.process.redis import redis_of_requests
from tickets.replicas import CUSTOMERS, CUSTOMERS_REPLICA, REPLICATION

TIMEOUT = httpx.Timeout(2.0, connect=1.0)
OWNER = CUSTOMERS_REPLICA.sources[0]
_KNOWN = f"select from {CUSTOMERS.name} where id = %s"


class Way(StrEnum):
    API = "api"
    REPLICA = "replica"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """`known`: None if nobody was asked. `calls`: to other services. `ms`: what the check took. `stale_ms`: how far behind the
    copy was that was asked; None for another way, or if that is not known.
    """

    way: Way
    known: bool | None
    calls: int
    ms: float
    stale_ms: float | None = None


class CannotCheck(RuntimeError):
    """Nobody can say now whether there is such a customer; the text says why."""


def check_customer(db: Database, customer: int, way: Way) -> Checked:
    """Raises CannotCheck, for the ways `api` and `replica`. `db`: the database with the replicas."""
    began = time.perf_counter()
    known: bool | None = None
    if way is Way.API:
        known = _owner_knows(customer)
    elif way is Way.REPLICA:
        known = bool(db.rows(_KNOWN, [customer]))
    ms = round((time.perf_counter() - began) * 1000, 2)
    stale = _staleness(known=bool(known)) if way is Way.REPLICA else None
    return Checked(way=way, known=known, calls=int(way is Way.API), ms=ms, stale_ms=stale)


def _staleness(*, known: bool) -> float | None:
    """How far the copy of the customers is behind, in ms. Raises CannotCheck if it does not know one and was never filled."""
    state = next(one for one in REPLICATION.state(redis_of_requests()) if one.name == CUSTOMERS_REPLICA.name)
    if not known and not state.filled:
        raise CannotCheck("the copy of the customers has not been filled yet: its replicator has never run")
    return state.ms


def _answer(address: str) -> httpx.Response:
    """Asked once more if a kept connection has ended: its server closes those that are idle, and may do so just now."""
    try:
        return _client().get(address)
    except (httpx.RemoteProtocolError, httpx.ReadError):
        return _client().get(address)


def _owner_knows(customer: int) -> bool:
    try:
        answer = _answer(f"{settings.API_URLS[OWNER]}/api/customers/{customer}")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise CannotCheck(
            f"service '{OWNER}', which owns the customers, does not answer: {type(error).__name__}"
        ) from error
    if answer.status_code not in (200, 404):
        raise CannotCheck(f"service '{OWNER}', which owns the customers, answered {answer.status_code}")
    return answer.status_code == 200


@cache
def _client() -> httpx.Client:
    """Made once: it reads the certificates that there are, which takes longer than to ask."""
    return httpx.Client(timeout=TIMEOUT)

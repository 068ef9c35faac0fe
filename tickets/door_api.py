"""The door over HTTP: its list, the copies it is made of, and a ticket's holder."""

import time
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Path, Query, Router, Schema, Status
from pydantic import ConfigDict
from redis import RedisError

from messaging.database import Database
from messaging.events.replication import UnknownReplica
from messaging.message import LARGEST_ID, SLUG, BigId
from messaging.process.heartbeat import is_alive
from messaging.process.redis import redis_of_requests
from serving.operator_token import OperatorToken
from serving.problems import Problem, ProblemDetails
from tickets.closed import try_to_write
from tickets.door import AT_ONCE, customer_of, door_list
from tickets.handing_over import NotValid, UnknownTicket, check_ticket, hand_over
from tickets.models import CustomerReplica
from tickets.references import CannotCheck, Checked, Way, check_customer
from tickets.replicas import CUSTOMERS_REPLICA, REPLICATION
from tickets.topology import REPLICATOR

router = Router()
Performance = Annotated[str, Query(pattern=SLUG, max_length=64, description="its id")]
CustomerId = Annotated[int, Path(ge=1, le=LARGEST_ID)]


class RebuildOut(Schema):
    """`done_at`: null while it is under way. `failure`: why the replica is unchanged."""

    asked_at: datetime
    done_at: datetime | None
    events: int
    skipped: int
    seconds: float
    failure: str


class ReplicaOut(Schema):
    """`filled`: whether it has read anything. `events`: how many of the source's it has not read, counted up to 20,000;
    `ms`: how long the oldest of them has been there; both null while Redis is down. `lag_ms`: from the last event that changed
    a row to that row. `applied`: events that concern it. `bytes`: its tables with their indexes.
    """

    name: str
    source: str
    filled: bool
    events: int | None
    ms: float | None
    lag_ms: int | None
    applied: int
    bytes: int
    rebuild: RebuildOut | None = None


class ReplicasOut(Schema):
    """`running`: whether the replicator has sent a heartbeat within 10 s; null while Redis is down."""

    running: bool | None
    replicas: list[ReplicaOut]


class AtTheDoor(Schema):
    """A valid ticket. `customer`, `section`, `row` and `number` are null where the copies do not know them."""

    ticket_id: UUID
    booking_id: UUID
    seat: str
    section: str | None
    row: str | None
    number: int | None
    customer_id: int
    customer: str | None
    bookings: int
    handed_over: bool


class DoorListOut(Schema):
    """`took_ms`: the query alone. `more`: there are more rows after these; ask again with a larger `offset`."""

    performance_id: str
    rows: list[AtTheDoor]
    more: bool
    took_ms: float
    replicas: list[ReplicaOut]


class CustomerOut(Schema):
    """As Ticket's copy has it. `bookings`: the confirmed ones, counted by their events."""

    id: int
    name: str
    email: str
    version: int
    bookings: int
    replica: ReplicaOut


class AttemptOut(Schema):
    """`sqlstate`: PostgreSQL's, "" if it let it happen. `said`: its message."""

    statement: str
    sqlstate: str
    said: str


class HolderIn(Schema):
    model_config = ConfigDict(extra="forbid")

    customer_id: BigId


class CheckOut(Schema):
    """How the customer's id was checked. `known`: null if nobody was asked. `calls`: to other services. `ms`: what it took.
    `stale_ms`: how far behind the copy was that was asked."""

    way: Way
    known: bool | None
    calls: int
    ms: float
    stale_ms: float | None


class HolderOut(Schema):
    ticket_id: UUID
    customer_id: int
    version: int
    check: CheckOut


def _db() -> Database:
    return Database.of(CustomerReplica)


def _running() -> bool | None:
    try:
        return is_alive(redis_of_requests(), REPLICATOR.name)
    except RedisError:
        return None


def _replicas() -> list[dict[str, Any]]:
    rebuilds = REPLICATION.rebuilds()
    return [{**asdict(one), "rebuild": rebuilds.get(one.name)} for one in REPLICATION.state(redis_of_requests())]


@router.get("/replicas", response=ReplicasOut, summary="Ticket's copies of other services' rows, and how stale each is")
def replicas(request: HttpRequest) -> Any:
    return {"running": _running(), "replicas": _replicas()}


@router.post(
    "/replicas/{name}/rebuild",
    response={202: ReplicaOut, 401: ProblemDetails, 404: ProblemDetails, 409: ProblemDetails, 503: ProblemDetails},
    auth=OperatorToken(),
    summary="Make a copy again from its owner's event log; GET /replicas says when it is done",
)
def rebuild(request: HttpRequest, name: Annotated[str, Path(max_length=64)]) -> Any:
    try:
        REPLICATION.named(name)
        running = _running()
        if running is None:
            raise Problem(503, "", "Redis does not answer, so whether the replicator runs is not known")
        if not running:
            raise Problem(
                503, "Replicator not running", f"{REPLICATOR.name} does not run, and it alone may write the copies"
            )
        if not REPLICATION.ask_to_rebuild(name):
            raise Problem(409, "Being rebuilt", f"a rebuild of '{name}' has been asked for and is not done")
    except UnknownReplica as error:
        raise Problem(404, "Unknown replica", str(error)) from error
    return Status(202, next(one for one in _replicas() if one["name"] == name))


@router.post(
    "/replicas/{name}/write-attempt",
    response={200: AttemptOut, 401: ProblemDetails, 404: ProblemDetails, 503: ProblemDetails},
    auth=OperatorToken(),
    summary="Try to change every row of a copy, as the owner of its table; its effect is always rolled back",
)
def attempt(request: HttpRequest, name: Annotated[str, Path(max_length=64)]) -> Any:
    try:
        return try_to_write(_db(), REPLICATION.named(name).tables[0].name)
    except UnknownReplica as error:
        raise Problem(404, "Unknown replica", str(error)) from error


@router.get(
    "/replicas/customers/{customer_id}",
    response={200: CustomerOut, 404: ProblemDetails},
    summary="A customer, from Ticket's copy",
)
def customer(request: HttpRequest, customer_id: CustomerId) -> Any:
    found = customer_of(_db(), customer_id)
    state = next(one for one in _replicas() if one["name"] == CUSTOMERS_REPLICA.name)
    if found is None:
        detail = f"no customer {customer_id} in the copy, which {_age(state)}"
        raise Problem(404, "Unknown customer", detail)
    return {**found, "replica": state}


@router.get(
    "/door-list",
    response={200: DoorListOut, 422: ProblemDetails},
    summary="Who holds which ticket of a performance: one local query, no other service needed",
)
def list_at_the_door(
    request: HttpRequest,
    performance: Performance,
    limit: Annotated[int, Query(ge=1, le=AT_ONCE)] = AT_ONCE,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> Any:
    began = time.perf_counter()
    found = door_list(_db(), performance, limit=limit, offset=offset)
    took = round((time.perf_counter() - began) * 1000, 2)
    return {
        "performance_id": performance,
        "rows": found.rows,
        "more": found.more,
        "took_ms": took,
        "replicas": _replicas(),
    }


@router.put(
    "/{ticket_id}/holder",
    response={200: HolderOut, 404: ProblemDetails, 409: ProblemDetails, 422: ProblemDetails, 503: ProblemDetails},
    summary="Hand a ticket over to another customer, whose id is checked by API, by replica, or not at all",
)
def holder(
    request: HttpRequest,
    ticket_id: UUID,
    payload: HolderIn,
    check: Annotated[Way, Query(description="how the customer's id is checked")] = Way.REPLICA,
) -> Any:
    db = _db()
    try:
        check_ticket(db, ticket_id)
        checked = check_customer(db, payload.customer_id, check)
        if checked.known is False:
            raise Problem(422, "Unknown customer", _unknown(payload.customer_id, checked))
        held = hand_over(db, ticket_id, payload.customer_id, check)
    except UnknownTicket as error:
        raise Problem(404, "Unknown ticket", str(error)) from error
    except NotValid as error:
        raise Problem(409, "Ticket not valid", str(error)) from error
    except CannotCheck as error:
        raise Problem(503, "Cannot check", f"{error}; nothing was changed", headers={"Retry-After": "1"}) from error
    return {"ticket_id": held.ticket, "customer_id": held.customer, "version": held.version, "check": asdict(checked)}


def _unknown(customer_id: int, checked: Checked) -> str:
    if checked.way is Way.API:
        return f"there is no customer {customer_id}"
    behind = f"{checked.stale_ms:.0f} ms behind" if checked.stale_ms is not None else "behind by an unknown time"
    return f"Ticket's copy, {behind}, has no customer {customer_id}"


def _age(state: dict[str, Any]) -> str:
    if not state["filled"]:
        return "has not been filled yet"
    return "is behind by an unknown time" if state["ms"] is None else f"is {state['ms']:.0f} ms behind"

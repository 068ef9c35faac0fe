"""The API of `api-composer`: it has no database, and answers only from what the other services' APIs answer."""

from functools import cache
from typing import Annotated, Any, Literal

import httpx
from django.conf import settings
from django.http import HttpRequest
from ninja import NinjaAPI, Query, Schema

from lab.reads.composition import HOW, MISSING, SAY, Caller, Incomplete, Question, compose
from lab.reads.viewers import VIEWERS
from lab.waterfall import as_dicts
from messaging.message import LARGEST_ID, SLUG
from serving import health
from serving.problems import Problem, ProblemDetails, install
from topology.tuning import Seconds

MOST = 50  # bookings in one question
SLOWEST_NETWORK_MS = 300
ANSWER_S: Seconds = 5.0  # how long one call may take
CONNECT_S: Seconds = 1.0  # to a service that may be down
AT_ONCE = 200  # calls in flight: those of 50 bookings, all at once

api = NinjaAPI(
    title="Sagabox: composer", urls_namespace="composer", docs_url="/api/docs", openapi_url="/api/openapi.json"
)
install(api)
api.add_router("", health.router({}))

How: Any = Literal[tuple(HOW)]
Missing: Any = Literal[MISSING]
Viewer: Any = Literal[tuple(VIEWERS)]


class Asked(Schema):
    """`missing`: say what is missing, or fail. `customer`: who a viewer in the role of a customer is."""

    performance: Annotated[str, Query(pattern=SLUG, max_length=64)]
    how: How
    limit: Annotated[int, Query(ge=1, le=MOST)] = 10
    missing: Missing = SAY
    viewer: Viewer = "support"
    customer: Annotated[int, Query(ge=0, le=LARGEST_ID)] = 0
    network_ms: Annotated[
        int, Query(ge=0, le=SLOWEST_NETWORK_MS, description="a simulated network, before each call")
    ] = 0


class Composed(Schema):
    """`rows`: each {"booking", "customer", "hold", "payment", "tickets", "missing": [{"part", "why"}]}.

    `missing`: how many parts are missing in all rows. `took_ms`: as this process measured it.
    """

    how: str
    rows: list[dict[str, Any]]
    spans: list[dict[str, Any]]
    calls: int
    took_ms: float
    missing: int


@cache
def client() -> httpx.AsyncClient:
    """One for the process: it reads the certificates that there are, which takes longer than to ask."""
    limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
    return httpx.AsyncClient(timeout=httpx.Timeout(ANSWER_S, connect=CONNECT_S), limits=limits)


async def warm_up() -> None:
    """What the first question would wait for."""
    client()


AT_START = (warm_up,)


@api.get(
    "/api/composition",
    response={200: Composed, 422: ProblemDetails, 502: ProblemDetails},
    summary="The bookings of a performance with all their parts, composed from the owners' answers",
)
async def composition(request: HttpRequest, asked: Query[Asked]) -> Any:
    """Nothing is cached: each answer is as fresh as its parts."""
    wanted = asked.dict()
    how = wanted.pop("how")
    call = Caller(client(), settings.API_URLS, Question(**wanted))
    try:
        rows = await compose(call, how)
    except Incomplete as error:
        more = {"spans": as_dicts(call.spans), "took_ms": call.took_ms}
        raise Problem(502, "A part is missing", str(error), type="incomplete", more=more) from error
    return {
        "how": how,
        "rows": rows,
        "spans": as_dicts(call.spans),
        "calls": len(call.spans),
        "took_ms": call.took_ms,
        "missing": sum(len(row["missing"]) for row in rows),
    }

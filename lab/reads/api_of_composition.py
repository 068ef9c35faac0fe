"""API composition at the front door, for commands and measurements: what the exhibit's buttons do, as JSON."""

from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from gateway.clients import as_it_is
from gateway.people.operator import operators_only
from lab.halls import MOST, READS, ensure
from lab.reads.asking import check_open, composed
from lab.reads.composition import HOW, MISSING, SAY
from lab.reads.viewers import VIEWERS
from serving.problems import ProblemDetails

router = Router(tags=["lab"], auth=operators_only)
REFUSED = {401: ProblemDetails, 409: ProblemDetails, 422: ProblemDetails, 502: ProblemDetails, 503: ProblemDetails}
How: Any = Literal[tuple(HOW)]
Missing: Any = Literal[MISSING]
Viewer: Any = Literal[tuple(VIEWERS)]


@router.get(
    "/lab/composition",
    response={200: dict, **REFUSED},
    summary="Bookings of the lab's hall with all their parts, composed from the owners' answers (operators)",
)
def composition(
    request: HttpRequest,
    how: How,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 10,
    missing: Missing = SAY,
    viewer: Viewer = "support",
    customer: Annotated[int, Query(ge=0, le=2**53)] = 0,
    network_ms: Annotated[int, Query(ge=0, le=300, description="a simulated network, before each call")] = 0,
) -> HttpResponse:
    """409 while the rig is closed. `missing`: say what is missing in its row, or fail with 502."""
    return as_it_is(composed(how, limit, missing=missing, viewer=viewer, customer=customer, network_ms=network_ms))


@router.post(
    "/lab/composition/bookings",
    response={200: dict, **REFUSED},
    summary="See that the lab's hall has so many confirmed bookings to ask about (operators)",
)
def bookings(request: HttpRequest, count: Annotated[int, Query(ge=1, le=MOST)] = MOST) -> dict[str, Any]:
    check_open()
    return {"performance": READS.id, "bookings": [one["id"] for one in ensure(READS, count)]}

"""Data replication at the front door, for commands and measurements: what the exhibit's buttons do, as JSON."""

from dataclasses import asdict
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Path, Query, Router

from gateway.people.operator import operators_only
from lab.halls import MOST
from lab.reads.replicas import asking
from serving.problems import ProblemDetails

router = Router(tags=["lab"], auth=operators_only)
REFUSED = {401: ProblemDetails, 404: ProblemDetails, 409: ProblemDetails, 422: ProblemDetails, 503: ProblemDetails}


@router.get(
    "/lab/replicas",
    response={200: dict, **REFUSED},
    summary="Ticket's copies of other services' rows, and how stale each is (operators)",
)
def copies(request: HttpRequest) -> dict[str, Any]:
    return asking.copies()


@router.get(
    "/lab/replicas/door-list",
    response={200: dict, **REFUSED},
    summary="The list at the door of the lab's hall, from Ticket's own copies (operators)",
)
def door_list(
    request: HttpRequest,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 10,
    network_ms: Annotated[int, Query(ge=0, le=300, description="a simulated network, before the call")] = 0,
) -> dict[str, Any]:
    """409 while the rig is closed."""
    asking.check_open()
    found = asking.door_list(limit, network_ms)
    return {"rows": found.rows, "spans": [asdict(found.span)], "calls": 1, "took_ms": found.took_ms}


@router.post(
    "/lab/replicas/rename",
    response={200: dict, **REFUSED},
    summary="Rename a customer at its owner, and say when the copy had the new name (operators)",
)
def rename(request: HttpRequest) -> dict[str, Any]:
    """`seen_ms`: null if the copy has not had it within 3 s."""
    asking.check_open()
    return asdict(asking.rename())


@router.post(
    "/lab/replicas/{name}/rebuild",
    response={200: dict, **REFUSED},
    summary="Make a copy again from its owner's event log, and wait for it (operators)",
)
def rebuild(request: HttpRequest, name: Annotated[str, Path(max_length=64, pattern="^[a-z]+$")]) -> dict[str, Any]:
    return asking.rebuild(name)

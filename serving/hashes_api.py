"""GET /api/<service>/hashes: the hashes that the journal's replay of this service must equal."""

from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema

from serving import table_hashes
from serving.problems import ProblemDetails


class TableHashOut(Schema):
    """`hash`: a signed 64-bit number as text, which JSON's numbers could not hold."""

    rows: int
    hash: str


class HashesOut(Schema):
    """All from one REPEATABLE READ snapshot; see serving.table_hashes.live."""

    service: str
    at: str
    lsn: str
    xmin: str
    xmax: str
    xip: list[str]
    tables: dict[str, TableHashOut]


def router(service: str) -> Router:
    """Return the route /hashes of a service."""
    routes = Router(tags=["truth"])

    @routes.get(
        "/hashes",
        response={200: HashesOut, 503: ProblemDetails},
        summary="Number of rows and additive hash of every table, as of one moment",
    )
    def hashes(request: HttpRequest) -> dict[str, Any]:
        return table_hashes.live(service)

    return routes

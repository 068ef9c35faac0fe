"""The front door's API about the replay."""

from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema

from gateway.runs import replay_check

router = Router(tags=["replay"])


class TableCheckOut(Schema):
    """The live table and its replay: number of rows, and additive hash (a signed 64-bit number as text)."""

    table: str
    standing: str
    rows: int
    hash: str
    replayed_rows: int
    replayed_hash: str


class ServiceCheckOut(Schema):
    """`standing`: equal, differs, behind, moving or unknown; `why` explains it in words. Compared after entry `pos`."""

    service: str
    standing: str
    why: str
    at: str
    lsn: str
    pos: int
    tables: list[TableCheckOut]


class CheckOut(Schema):
    """`status`: the worst of the services' standings."""

    status: str
    took_ms: int
    services: list[ServiceCheckOut]


@router.get(
    "/api/replay/check",
    response=CheckOut,
    summary="Check that the state replayed from the journal equals the live tables, in all five databases",
)
def check(request: HttpRequest) -> dict[str, Any]:
    return replay_check.check()

"""/api/runs of the front door. What can be read is read here, so runs are there while every service is down; what changes
them is handed to the process api-journal, for the web may only look at the journal."""

from typing import Annotated, Any
from uuid import UUID, uuid4

import httpx
from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema
from pydantic import ConfigDict

from dashboard.clients import ServiceDown, as_it_is
from dashboard.faults_api import control
from dashboard.operate_api import ask
from dashboard.operator import operators_only
from dashboard.replay import carrying
from journal import runs
from messaging.problems import Problem, ProblemDetails
from messaging.typed_text import Typed

router = Router(tags=["runs"])
ERRORS = {401: ProblemDetails, 404: ProblemDetails, 409: ProblemDetails, 422: ProblemDetails, 503: ProblemDetails}
FILE: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/x-ndjson": {"schema": {"type": "string"}}}}
}


class RunIn(Schema):
    """What to remember the new run by. What is armed now is written down with it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, Typed("name", may_be_empty=True)] = ""
    seed: Annotated[str, Typed("seed", may_be_empty=True)] = ""


class NameIn(Schema):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, Typed("name")]


@router.get("/runs", summary="All runs: the one being recorded, then the newest first")
def listing(request: HttpRequest) -> Any:
    return {"runs": runs.listing()}


@router.post(
    "/runs",
    auth=operators_only,
    response={201: dict, **ERRORS},
    summary="End the run being recorded and begin a new one",
)
def start(request: HttpRequest, payload: RunIn) -> HttpResponse:
    return as_it_is(start_run(payload.name, payload.seed))


@router.post(
    "/runs/import",
    auth=operators_only,
    response={201: dict, **ERRORS},
    summary="Import an exported run",
    openapi_extra=FILE,
)
def take_in(request: HttpRequest, id: UUID | None = None) -> HttpResponse:
    """The body is the file, of any size. With an `id` of your choice, ask /api/runs/imports/{id} how far it has come."""
    return carrying.upload(request, "/api/runs/import", str(id or uuid4()))


@router.get("/runs/imports/{id}", response={200: dict, 404: ProblemDetails}, summary="How far an import has come")
def progress(request: HttpRequest, id: UUID) -> HttpResponse:
    return as_it_is(ask("GET", "journal", f"/api/runs/imports/{id}"))


@router.get("/runs/{id}", response={200: dict, 404: ProblemDetails}, summary="One run")
def one(request: HttpRequest, id: UUID) -> Any:
    found = runs.find(id)
    if found is None:
        raise Problem(404, "Unknown run", f"there is no run {id}; /api/runs lists them")
    return found


@router.patch("/runs/{id}", auth=operators_only, response={200: dict, **ERRORS}, summary="Give a run another name")
def rename(request: HttpRequest, id: UUID, payload: NameIn) -> HttpResponse:
    return as_it_is(ask("PATCH", "journal", f"/api/runs/{id}", json=payload.dict()))


@router.delete("/runs/{id}", auth=operators_only, response={200: dict, **ERRORS}, summary="Delete an imported run")
def delete(request: HttpRequest, id: UUID) -> HttpResponse:
    return as_it_is(ask("DELETE", "journal", f"/api/runs/{id}"))


# `response=None`: the answer is a stream, which has no JSON schema.
@router.get(
    "/runs/{id}/export",
    auth=operators_only,
    response={401: ProblemDetails, 404: ProblemDetails, 503: ProblemDetails},
    summary="The run as a file (operators: it holds everybody's bookings)",
)
async def carry_out(request: HttpRequest, id: UUID) -> Any:
    """JSON Lines of CloudEvents, the last line a checksum over all others. The format is in docs/replay.md."""
    return await carrying.download(f"/api/runs/{id}/export")


def start_run(name: str, seed: str) -> httpx.Response:
    """Raises ServiceDown."""
    return ask("POST", "journal", "/api/runs", json={"name": name, "seed": seed, "faults": _faults()})


def _faults() -> list[dict[str, Any]]:
    """What the control process knows; a run can begin without it."""
    try:
        return list(control("GET", "/faults")["faults"])
    except (ServiceDown, Problem):
        return []

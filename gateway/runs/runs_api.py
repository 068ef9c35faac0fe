"""/api/runs of the front door. Reads are answered here, so runs can be read while every service is down. Changes are
forwarded to the process api-journal, since the web process may only read the journal."""

from typing import Annotated, Any
from uuid import UUID, uuid4

import httpx
from asgiref.sync import sync_to_async
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema
from pydantic import ConfigDict

from gateway.clients import JOURNAL, ServiceDown, as_it_is
from gateway.faults_api import control
from gateway.operate_api import ask
from gateway.people.operator import is_operator, operators_only
from gateway.people.ownership import check_run, run_owner, visitors_too
from gateway.people.visitor import visitor
from gateway.runs import transfer
from journal.runs import runs
from messaging.typed_text import Typed
from projections import queries
from serving.problems import Problem, ProblemDetails

router = Router(tags=["runs"])
ERRORS = {401: ProblemDetails, 404: ProblemDetails, 409: ProblemDetails, 422: ProblemDetails, 503: ProblemDetails}
FILE: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/x-ndjson": {"schema": {"type": "string"}}}}
}


class RunIn(Schema):
    """The new run's name and seed. The currently armed faults are recorded with it."""

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
    auth=visitors_too,
    response={201: dict, **ERRORS},
    summary="End the run being recorded and start a new one",
)
def start(request: HttpRequest, payload: RunIn) -> HttpResponse:
    """A visitor's run is theirs. Another visitor's ends for it only after 15 minutes (VISITOR_RUN_S)."""
    return as_it_is(start_run(payload.name, payload.seed, run_owner(request)))


@router.post(
    "/runs/import",
    auth=operators_only,
    response={201: dict, **ERRORS},
    summary="Import an exported run",
    openapi_extra=FILE,
)
def take_in(request: HttpRequest, id: UUID | None = None) -> HttpResponse:
    """The body is the file, of any size. With an `id` of your choice, /api/runs/imports/{id} shows the progress."""
    return transfer.upload(request, "/api/runs/import", str(id or uuid4()))


@router.get("/runs/imports/{id}", response={200: dict, 404: ProblemDetails}, summary="The progress of an import")
def progress(request: HttpRequest, id: UUID) -> HttpResponse:
    return as_it_is(ask("GET", JOURNAL, f"/api/runs/imports/{id}"))


@router.get("/runs/{id}", response={200: dict, 404: ProblemDetails}, summary="One run")
def one(request: HttpRequest, id: UUID) -> Any:
    found = runs.find(id)
    if found is None:
        raise Problem(404, "Unknown run", f"there is no run {id}; /api/runs lists them")
    return found


@router.post("/runs/{id}/stop", auth=visitors_too, response={200: dict, **ERRORS}, summary="End a run, if it is open")
def stop(request: HttpRequest, id: UUID) -> HttpResponse:
    """A new run begins, which belongs to no visitor."""
    check_run(request, id)
    return as_it_is(stop_run(id))


@router.patch("/runs/{id}", auth=visitors_too, response={200: dict, **ERRORS}, summary="Rename a run")
def rename(request: HttpRequest, id: UUID, payload: NameIn) -> HttpResponse:
    check_run(request, id)
    return as_it_is(ask("PATCH", JOURNAL, f"/api/runs/{id}", json=payload.dict()))


@router.delete("/runs/{id}", auth=visitors_too, response={200: dict, **ERRORS}, summary="Delete an imported run")
def delete(request: HttpRequest, id: UUID) -> HttpResponse:
    """If a visitor deletes a run that they started, its name is removed; the recorded entries stay. The run must have ended."""
    check_run(request, id)
    return as_it_is(delete_run(id, run_owner(request)))


# `response=None`: the answer is a stream, which has no JSON schema.
@router.get(
    "/runs/{id}/export",
    auth=visitors_too,
    response={401: ProblemDetails, 403: ProblemDetails, 404: ProblemDetails, 503: ProblemDetails},
    summary="The run as a file (visitors: one that they started, with other people's data masked)",
)
async def carry_out(request: HttpRequest, id: UUID) -> Any:
    """JSON Lines of CloudEvents, the last line a checksum over all others. The format is in docs/replay.md."""
    path = f"/api/runs/{id}/export"
    if await sync_to_async(is_operator)(request):
        return await transfer.download(path)
    await sync_to_async(check_run)(request, id)
    bookings = await sync_to_async(_bookings)(visitor(request))
    return await transfer.download_masked(path, str(id), bookings)


def _bookings(visitor: str) -> frozenset[str]:
    """Empty while the read model is down, as on the pages."""
    try:
        return queries.placed_by(visitor)
    except DatabaseError:
        return frozenset()


def start_run(name: str, seed: str, owner: str) -> httpx.Response:
    """`owner`: a visitor's pseudonym, "" for an operator. Raises ServiceDown."""
    body = {"name": name, "seed": seed, "faults": _faults(), **({"owner": owner} if owner else {})}
    return ask("POST", JOURNAL, "/api/runs", json=body)


def stop_run(id: UUID) -> httpx.Response:
    """Raises ServiceDown."""
    return ask("POST", JOURNAL, f"/api/runs/{id}/stop", json={"faults": _faults()})


def delete_run(id: UUID, owner: str) -> httpx.Response:
    """Raises ServiceDown."""
    return ask("DELETE", JOURNAL, f"/api/runs/{id}", params={"owner": owner} if owner else {})


def _faults() -> list[dict[str, Any]]:
    """From the control process; a run can begin without it."""
    try:
        return list(control("GET", "/faults")["faults"])
    except (ServiceDown, Problem):
        return []

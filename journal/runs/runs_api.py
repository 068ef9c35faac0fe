"""/api/runs: lists, starts, exports and imports runs."""

import logging
from typing import Annotated, Any
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from ninja import Router, Schema, Status
from pydantic import ConfigDict

from journal.archive.exporting import NotIndexedError, export
from journal.archive.importing import AlreadyHereError, BusyError, import_run
from journal.archive.lines import MEDIA_TYPE, SUFFIX
from journal.archive.progress import Imports
from journal.archive.reading import ArchiveError
from journal.models import Run
from journal.runs import lifecycle, runs
from messaging.process.outage import is_passing
from messaging.typed_text import Typed
from serving.in_one_thread import Streams
from serving.operator_token import OperatorToken, has_token
from serving.problems import Problem, ProblemDetails

router = Router(tags=["runs"])
imports = Imports()
EXPORTS = Streams("exports", 4)  # each needs one of this process's eight connections, and a snapshot, until it is read
log = logging.getLogger(__name__)
ERRORS = {401: ProblemDetails, 404: ProblemDetails, 409: ProblemDetails, 422: ProblemDetails, 503: ProblemDetails}


def brings_a_run(scope: Any) -> bool:
    """Whether this request may have a body of any size: an import by the front door. Raises Problem for any other client's."""
    if (scope["method"], scope["path"]) != ("POST", "/api/runs/import"):
        return False
    if not has_token(scope):
        raise Problem(401, "Operators only", "send the operator token: Authorization: Bearer <OPERATOR_TOKEN>")
    return True


class RunIn(Schema):
    """`name` and `seed` help a person to recognise the run; `faults` as the control process lists them."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, Typed("name", may_be_empty=True)] = ""
    seed: Annotated[str, Typed("seed", may_be_empty=True)] = ""
    faults: list[dict[str, Any]] = []
    owner: Annotated[str, Typed("owner", may_be_empty=True)] = ""


class StopIn(Schema):
    """`faults` as the control process lists them now: the run that ends keeps them."""

    model_config = ConfigDict(extra="forbid", strict=True)

    faults: list[dict[str, Any]] = []


class NameIn(Schema):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, Typed("name")]


@router.get("", summary="All runs: the open one, then the newest first")
def listing(request: HttpRequest) -> Any:
    return {"runs": runs.listing()}


@router.post("", response={201: dict, **ERRORS}, auth=OperatorToken(), summary="End the open run and start a new one")
def start(request: HttpRequest, payload: RunIn) -> Any:
    """`owner`: the pseudonym of the visitor it is for, if any."""
    try:
        return Status(201, runs.find(lifecycle.start(payload.name, payload.seed, payload.faults, payload.owner)))
    except lifecycle.OthersRunError as error:
        raise Problem(409, "Not now", str(error)) from error


@router.post("/{id}/stop", response={200: dict, **ERRORS}, auth=OperatorToken(), summary="End a run, if it is open")
def stop(request: HttpRequest, id: UUID, payload: StopIn) -> Any:
    _found(id)
    lifecycle.stop(id, payload.faults)
    return _found(id)


@router.post("/import", response={201: dict, **ERRORS}, auth=OperatorToken(), summary="Import an exported run")
def take_in(request: HttpRequest, id: UUID | None = None) -> Any:
    """The body is the file. The progress can be read meanwhile under `id`, which the caller chooses."""
    progress = imports.begin(str(id or uuid4()), int(request.headers.get("Content-Length") or 0))
    try:
        run = import_run(progress.chunks(request), progress.moved)  # type: ignore[arg-type]
    except Exception as error:
        problem = _problem(error)
        progress.state, progress.title, progress.detail = "refused", problem.title, problem.detail
        raise problem from error
    progress.state, progress.run = "done", str(run)
    return Status(201, runs.find(run))


def _problem(error: Exception) -> Problem:
    match error:
        case ArchiveError():
            return Problem(422, "Not an export that can be read", str(error))
        case AlreadyHereError():
            return Problem(409, "Imported before", str(error), headers={"Location": f"/api/runs/{error.id}"})
        case BusyError():
            return Problem(409, "Busy", str(error))
        case Exception() if is_passing(error):
            return Problem(503, "Not imported", "the journal's database is not reachable; nothing of the run was kept")
    log.error("an import failed", exc_info=error)
    return Problem(500, "Not imported", "this is our fault; it has been logged, and nothing of the run was kept")


@router.get("/imports/{id}", response={200: dict, 404: ProblemDetails}, summary="The progress of an import")
def progress(request: HttpRequest, id: UUID) -> Any:
    found = imports.get(str(id))
    if found is None:
        raise Problem(404, "Unknown import", f"no import {id} is under way here; one that was interrupted left nothing")
    return found.as_dict()


@router.get("/{id}", response={200: dict, 404: ProblemDetails}, summary="One run")
def one(request: HttpRequest, id: UUID) -> Any:
    return _found(id)


@router.patch("/{id}", response={200: dict, **ERRORS}, auth=OperatorToken(), summary="Rename a run")
def rename(request: HttpRequest, id: UUID, payload: NameIn) -> Any:
    _found(id)
    lifecycle.rename(id, payload.name)
    return _found(id)


@router.delete("/{id}", response={200: dict, **ERRORS}, auth=OperatorToken(), summary="Delete an imported run")
def delete(request: HttpRequest, id: UUID, owner: str = "") -> Any:
    """`owner`: the visitor who deletes; of their own run in the live journal only the name is removed, after its end."""
    run = _found(id)
    try:
        lifecycle.delete(id, owner)
    except lifecycle.LiveRunError as error:
        raise Problem(
            409, "Not an imported run", "the live journal is recorded, not edited: only imports go"
        ) from error
    return run


# `response=None`: the answer is a stream, which has no JSON schema.
@router.get("/{id}/export", response={404: ProblemDetails, 503: ProblemDetails}, summary="The run as a file")
async def carry_out(request: HttpRequest, id: UUID) -> HttpResponse | StreamingHttpResponse:
    """JSON Lines of CloudEvents, last a checksum over all of it. See docs/replay.md."""
    steps = EXPORTS.start(lambda: export(id))
    try:
        await steps.begin()
    except Run.DoesNotExist as error:
        raise _unknown(id) from error
    except NotIndexedError as error:
        raise Problem(503, "Not indexed yet", str(error), headers={"Retry-After": "1"}) from error
    response = StreamingHttpResponse(steps, content_type=MEDIA_TYPE)
    response["Content-Disposition"] = f'attachment; filename="run-{id}{SUFFIX}"'
    return response


def _found(id: UUID) -> dict[str, Any]:
    run = runs.find(id)
    if run is None:
        raise _unknown(id)
    return run


def _unknown(id: UUID) -> Problem:
    return Problem(404, "Unknown run", f"there is no run {id}")

"""The lab over HTTP: /api/lab of the front door. Everybody may read; opening, asking and measuring are the operator's."""

from typing import Any, Literal

from django.http import HttpRequest
from ninja import Router, Schema, Status

from gateway.people.operator import operators_only, who
from lab import figures, rigs
from lab.exhibits import EXHIBITS, Exhibit
from lab.reads import api_of_composition
from lab.reads.replicas import api as api_of_replicas
from messaging.process.redis import redis_of_requests
from serving.problems import Problem, ProblemDetails

router = Router(tags=["lab"])
router.add_router("", api_of_composition.router)
router.add_router("", api_of_replicas.router)
Verb: Any = Literal[rigs.VERBS]


class Measured(Schema):
    """Names of exhibits; all if none is named."""

    exhibits: list[str] = []


def known(name: str) -> Exhibit:
    """Raises Problem 404."""
    if name not in EXHIBITS:
        raise Problem(404, "Unknown exhibit", f"there is no exhibit '{name[:64]}'; there is {', '.join(EXHIBITS)}")
    return EXHIBITS[name]


@router.get("/lab", summary="The exhibits, and how their rigs stand")
def lab(request: HttpRequest) -> dict[str, Any]:
    exhibits = [
        {
            "name": one.name, "number": one.number, "title": one.title, "rig": one.rig, "url": f"/lab/{one.name}",
            "ways": [way.name for way in one.ways],
        }
        for one in EXHIBITS.values()
    ]  # fmt: skip
    return {"exhibits": exhibits, "rigs": [_without_logs(one) for one in rigs.listing()]}


@router.post(
    "/lab/rigs/{rig}/{verb}",
    auth=operators_only,
    response={202: dict, 401: ProblemDetails, 404: ProblemDetails, 409: ProblemDetails, 503: ProblemDetails},
    summary="Open or close a rig, or start it over (operators)",
)
def change(request: HttpRequest, rig: str, verb: Verb) -> Any:
    """It is begun, and the answer does not wait for it: GET /api/lab says how far it has come."""
    if not rig.isascii() or not rig.replace("-", "").isalnum():
        raise Problem(404, "Nothing of this name", f"no rig is called '{rig[:64]}'")
    return Status(202, rigs.change(rig, verb, who(request)))


@router.get("/lab/figures", summary="What was measured last, with how often, when, and under which faults")
def measured(request: HttpRequest) -> dict[str, Any]:
    return {"figures": [figures.as_dict(one) for one in figures.latest(redis_of_requests()).values()]}


@router.get("/lab/measurement", summary="Whether the lab is being measured")
def measurement(request: HttpRequest) -> Any:
    return rigs.measurement()


@router.post(
    "/lab/measurement",
    auth=operators_only,
    response={202: dict, 401: ProblemDetails, 404: ProblemDetails, 409: ProblemDetails},
    summary="Measure exhibits whose rigs are open (operators)",
)
def measure(request: HttpRequest, payload: Measured) -> Any:
    """Not while a rig is being opened, and only one measurement at a time."""
    return Status(202, begin_to_measure([known(name) for name in payload.exhibits] or list(EXHIBITS.values())))


def begin_to_measure(exhibits: list[Exhibit]) -> Any:
    """Raises Problem 409 where a rig is not open; ServiceDown."""
    states = {one["name"]: one["state"] for one in rigs.listing()}
    shut = [one.rig for one in exhibits if states[one.rig] not in ("open", "by compose")]
    if shut:
        raise Problem(409, "Not now", f"the rig {shut[0]} is {states[shut[0]]}; open it first, then measure")
    return rigs.measure([one.name for one in exhibits])


def _without_logs(rig: dict[str, Any]) -> dict[str, Any]:
    """Lines of logs are for operators; `manage.py sandbox status` and the page show them."""
    return {name: value for name, value in rig.items() if name not in ("log", "tail", "programs")} | {
        "programs": [{key: one[key] for key in ("name", "state", "took_s")} for one in rig["programs"]]
    }

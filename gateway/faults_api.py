"""/api/faults and /api/mechanisms of the front door: checked here, stored and carried out by the control process."""

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema, Status
from pydantic import ConfigDict, Field, StrictBool, StrictInt, create_model

import faults
from faults import Action, Fault, FaultError, Mechanism, Point
from faults.catalogue import REASONS
from faults.fault import HOUSE_EXPIRES_AFTER
from gateway.clients import BOOKING, call, get_json
from gateway.people.operator import is_operator, operators_only, who
from gateway.people.ownership import armer, check_armer, check_arming, visitors_too
from gateway.people.visitor import visitor
from serving.api_faults import HEARD_S
from serving.problems import Problem, ProblemDetails

RENAMED_AT = "@1795910400"  # .../go-on became .../resume on 2026-11-29; a date as RFC 9745 writes it

router = Router(tags=["faults"])
Text = Annotated[str, Field(max_length=200)]


class Exact(Schema):
    model_config = ConfigDict(extra="forbid")


class TriggerIn(Exact):
    """When it strikes. `kind`: once, times (n = `times`), probability (0 to 1, the dice seeded), always (until cleared)."""

    kind: faults.Kind = faults.Kind.ONCE
    times: StrictInt = 1
    probability: Annotated[float, Field(ge=0, le=1)] = 1.0
    seed: StrictInt = 0
    after: Annotated[StrictInt, Field(description="let the first k passes through")] = 0


class FaultIn(Exact):
    """A fault to arm. Empty scope fields mean "any"; GET /api/faults/points lists what makes sense where."""

    point: Point
    action: Action
    service: Text = ""
    message: Annotated[Text, Field(description="type of the message, such as TakePayment")] = ""
    step: Annotated[Text, Field(description="saga step: the type of its forward command")] = ""
    direction: Annotated[Text, Field(description="forward, compensation or fence")] = ""
    booking: UUID | None = None
    seat: Text = ""
    customer: StrictInt | None = None
    only_new: Annotated[StrictBool, Field(description="spare the bookings placed before it was armed")] = False
    mine: Annotated[StrictBool, Field(description="only the next booking of the visitor whose cookie is sent")] = False
    trigger: TriggerIn = TriggerIn()
    reason: Annotated[Text, Field(description="the reason of a refusal")] = ""
    seconds: Annotated[float, Field(description="length of a delay or an outage; bound of a hold or a hang")] = 0.0
    expires_at: Annotated[Text, Field(description="ISO 8601; an hour from now by default")] = ""
    name: Text = ""


if TYPE_CHECKING:
    Switches = Schema
else:
    Switches = create_model(
        "Switches",
        __base__=Exact,
        __doc__="Safety mechanisms: true is on.",
        **{mechanism.value: (bool | None, None) for mechanism in Mechanism},
    )


@router.get("/faults", summary="The armed faults, those that struck, and the journal entry that proves it")
def listing(request: HttpRequest) -> dict[str, Any]:
    """`state`: armed, fired (and may again), exhausted, cleared, expired; `held`: what it holds, until POST .../resume.

    `told`: the services have received it. Without Redis they have not, and it cannot strike.
    """
    return {**control("GET", "/faults"), "points": points()}


@router.get(
    "/faults/points", summary="Every fault point, described in a sentence, with the actions that make sense there"
)
def list_points(request: HttpRequest) -> dict[str, Any]:
    return {"points": points(), "reasons": REASONS}


@router.post(
    "/faults",
    auth=visitors_too,
    response={201: dict, 401: ProblemDetails, 403: ProblemDetails, 422: ProblemDetails},
    summary="Arm a fault (visitors: for a booking of their own)",
)
def arm(request: HttpRequest, payload: FaultIn) -> Any:
    """Off this machine, without the operator token: `mine`, or a `booking` of yours; at a point that affects no other
    booking."""
    asked = payload.dict()
    asked["booking"] = str(payload.booking or "")
    if asked.pop("mine"):
        asked["visitor"] = visitor(request)
        if not asked["visitor"]:
            raise Problem(
                422, "No visitor", "`mine` needs the cookie that a page has set; leave it out to strike any booking"
            )
    return Status(201, arm_fault(request, asked))


@router.delete("/faults", auth=operators_only, response={200: dict, 401: ProblemDetails}, summary="Clear all faults")
def clear_all(request: HttpRequest) -> Any:
    return control("DELETE", "/faults", params={"who": who(request)})


@router.delete(
    "/faults/{fault}",
    auth=visitors_too,
    response={200: dict, 401: ProblemDetails, 403: ProblemDetails, 404: ProblemDetails},
    summary="Clear one (visitors: one that they armed)",
)
def clear(request: HttpRequest, fault: str) -> Any:
    """A fault that is already spent is removed from the list."""
    return clear_fault(request, fault)


@router.post(
    "/faults/{fault}/resume",
    auth=visitors_too,
    response={200: dict, 401: ProblemDetails, 403: ProblemDetails, 404: ProblemDetails},
    summary="Resume what it holds (visitors: one that they armed)",
)
def resume(request: HttpRequest, fault: str) -> Any:
    return resume_fault(request, fault)


@router.post(
    "/faults/{fault}/go-on",
    auth=visitors_too,
    response={200: dict, 401: ProblemDetails, 403: ProblemDetails, 404: ProblemDetails},
    summary="The old name of .../resume, for one version more",
    deprecated=True,
)
def go_on(request: HttpRequest, response: HttpResponse, fault: str) -> Any:
    response.headers["Deprecation"] = RENAMED_AT
    response.headers["Link"] = f'</api/faults/{fault}/resume>; rel="successor-version"'
    return resume_fault(request, fault)


@router.get("/mechanisms", summary="The safety mechanisms, and which are switched off")
def mechanisms(request: HttpRequest) -> Any:
    on = control("GET", "/mechanisms")
    return {"mechanisms": [{"name": one.value, "on": on[one], "sentence": one.sentence} for one in Mechanism]}


@router.put(
    "/mechanisms", auth=operators_only, response={200: dict, 401: ProblemDetails}, summary="Switch mechanisms off or on"
)
def switch(request: HttpRequest, payload: Switches) -> Any:
    chosen = {name: on for name, on in payload.model_dump().items() if on is not None}
    control("PUT", "/mechanisms", json=chosen, params={"who": who(request)})
    return mechanisms(request)


def arm_fault(request: HttpRequest, asked: dict[str, Any] | Fault) -> Any:
    """Arm what faults.parse accepts, or a ready fault. Raises Problem, which lists what would be allowed; ServiceDown."""
    try:
        fault = replace(asked if isinstance(asked, Fault) else faults.parse(asked), who=armer(request))
    except FaultError as error:
        raise Problem(422, "No such fault", str(error)) from error
    if not is_operator(request):
        check_arming(request, fault, armed())
    _check_booking(fault)
    found = control("POST", "/faults", content=faults.dump(fault))
    KNOWN.note([*KNOWN.plan, {"held": [], **found}])
    if fault.point == Point.API:
        time.sleep(HEARD_S)  # the others read the plan with each batch; an API does so a few times a second
    return found


def clear_fault(request: HttpRequest, fault: str) -> Any:
    return _end(request, "DELETE", fault)


def resume_fault(request: HttpRequest, fault: str) -> Any:
    return _end(request, "POST", fault, "/resume")


def _end(request: HttpRequest, method: str, fault: str, verb: str = "") -> Any:
    """Raises Problem 403 for a visitor who did not arm it, 404; ServiceDown."""
    id = _id(fault)
    if not is_operator(request):
        check_armer(request, id, armed())
    return control(method, f"/faults/{id}{verb}", params={"who": armer(request)})


def armed() -> list[dict[str, Any]]:
    """The whole plan, spent faults too. Raises Problem, ServiceDown."""
    plan = list(control("GET", "/faults")["faults"])
    KNOWN.note(plan)
    return plan


class Known:
    """The plan as the control process last returned it: a fault may have killed that process, and no other process has
    the plan."""

    def __init__(self) -> None:
        self.note([])

    def note(self, plan: list[dict[str, Any]]) -> None:
        self.plan, self._at = plan, time.monotonic()

    def while_away(self) -> list[dict[str, Any]]:
        """The plan as it may be now: faults that were armed to kill the control process have struck. Empty once none of
        these can still be armed."""
        if time.monotonic() - self._at > HOUSE_EXPIRES_AFTER.total_seconds():
            return []
        now = datetime.now(UTC).isoformat(timespec="microseconds")
        return [
            {
                **fault,
                "until": fault["until"] if fault["until"] > now else "",
                "last_fired": now if _kills_control(fault) else fault["last_fired"],
            }
            for fault in self.plan
        ]


KNOWN = Known()


def _kills_control(fault: dict[str, Any]) -> bool:
    return (fault["point"], fault["service"]) == (Point.PROCESS, "control") and fault["state"] in ("armed", "fired")


def switch_mechanism(mechanism: Mechanism, *, on: bool, by: str) -> None:
    control("PUT", "/mechanisms", json={mechanism: on}, params={"who": by})


def control(method: str, path: str, **request: Any) -> Any:
    """Call the control process. Its problems are passed on; raises ServiceDown when it does not answer."""
    headers = {"Authorization": f"Bearer {settings.OPERATOR_TOKEN}", "Content-Type": "application/json"}
    answer = call("control", method, f"/control{path}", headers=headers, **request)
    if answer.is_success:
        return answer.json()
    problem = answer.json()
    raise Problem(answer.status_code, problem["title"], problem.get("detail", ""))


def points() -> list[dict[str, Any]]:
    return [
        {
            "point": entry.point,
            "sentence": entry.sentence,
            "actions": entry.actions,
            "services": entry.services,
            "messages": entry.messages,
        }
        for entry in faults.catalogue()
    ]


def _check_booking(fault: Fault) -> None:
    if fault.booking and get_json(BOOKING, f"/api/bookings/{fault.booking}") is None:
        detail = f"there is no booking {fault.booking}; leave `booking` out to strike any"
        raise Problem(422, "No such booking", detail, errors=[{"in": "body", "pointer": "#/booking", "detail": detail}])


def _id(fault: str) -> str:
    """An id is hexadecimal; nothing else can be one, or may be put into another URL."""
    if not fault.isalnum():
        raise Problem(404, "Unknown fault", f"there is no fault '{fault}'")
    return fault

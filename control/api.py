"""The control process over HTTP, for the front door alone, which sends the operator token with every request.

A fault arrives here as the front door has made it (faults.Fault); what a client may send is documented there.
"""

import json
from typing import Any, Literal

from django.http import HttpRequest
from ninja import NinjaAPI, Router
from redis import RedisError

from control.children import AlreadyRunning, Matrix, Trial
from control.keeper import Keeper, Unknown
from control.on_demand import lab_api
from control.on_demand.lab_api import as_problems
from control.on_demand.measurement import Measurement
from control.on_demand.rigs import Rigs
from control.on_demand.starter import Starter
from control.outages import Stopped
from faults import FaultError, Mechanism, load
from serving import health
from serving.operator_token import OperatorToken
from serving.problems import Problem, install


def build(
    keeper: Keeper, matrix: Matrix, trial: Trial, starter: Starter, rigs: Rigs, measurement: Measurement
) -> NinjaAPI:
    """The API of this process, around its keeper, its children, what it starts on demand, and the lab's rigs."""
    api = NinjaAPI(title="Sagabox: control", urls_namespace="control", docs_url=None, openapi_url=None)
    install(api)
    api.add_exception_handler(Unknown, lambda request, error: Problem(404, "Unknown fault", str(error)).response())
    api.add_exception_handler(
        RedisError, lambda request, error: Problem(503, "Redis does not answer", "try again").response()
    )
    api.add_router("", health.router({"redis": health.redis}))
    api.add_router("/control", _operations(keeper))
    api.add_router("/control", _children(matrix, trial))
    api.add_router("/control", _on_demand(starter))
    api.add_router("/control", lab_api.router(rigs, measurement, starter))
    return api


def _operations(keeper: Keeper) -> Router:
    routes = Router(auth=OperatorToken())

    @routes.get("/faults")
    def listing(request: HttpRequest) -> dict[str, Any]:
        return {"faults": keeper.listing()}

    @routes.post("/faults")
    def arm(request: HttpRequest) -> Any:
        try:
            return keeper.shown(keeper.arm(load(request.body)))
        except FaultError as error:
            raise Problem(422, "No such fault", str(error)) from error
        except Stopped as error:
            raise Problem(409, "Nothing to take down", str(error)) from error
        except (ValueError, TypeError) as error:
            raise Problem(400, "Unreadable fault", str(error)) from error

    @routes.delete("/faults")
    def clear_all(request: HttpRequest, who: str = "") -> dict[str, int]:
        return {"cleared": keeper.clear_all(who)}

    @routes.delete("/faults/{fault}")
    def clear(request: HttpRequest, fault: str, who: str = "") -> Any:
        return keeper.shown(keeper.clear(fault, who))

    @routes.post("/faults/{fault}/resume")
    def resume(request: HttpRequest, fault: str, who: str = "") -> dict[str, int]:
        return {"released": keeper.resume(fault, who)}

    @routes.get("/mechanisms")
    def mechanisms(request: HttpRequest) -> dict[str, bool]:
        """{mechanism: whether it is on}."""
        off = keeper.off()
        return {str(mechanism): mechanism not in off for mechanism in Mechanism}

    @routes.get("/mechanisms/off")
    def switched_off(request: HttpRequest) -> dict[str, list[dict[str, str]]]:
        return {"off": keeper.switched_off()}

    @routes.put("/mechanisms")
    def switch(request: HttpRequest, who: str = "") -> dict[str, bool]:
        for name, on in json.loads(request.body).items():
            keeper.switch(Mechanism(name), off=not on, who=who)
        return mechanisms(request)

    return routes


def _children(matrix: Matrix, trial: Trial) -> Router:
    routes = Router(auth=OperatorToken())

    @routes.get("/matrix")
    def matrix_state(request: HttpRequest) -> dict[str, Any]:
        return matrix.state()

    @routes.post("/matrix")
    def matrix_start(request: HttpRequest, only: str = "", sample: bool = False) -> dict[str, Any]:
        try:
            matrix.start(only, sample)
        except AlreadyRunning as error:
            raise Problem(409, "A matrix runs", str(error)) from error
        return matrix.state()

    @routes.get("/trial")
    def trial_state(request: HttpRequest) -> dict[str, Any]:
        return trial.state()

    @routes.post("/trial/{mechanism}")
    def trial_start(request: HttpRequest, mechanism: Mechanism) -> dict[str, Any]:
        try:
            trial.start(mechanism)
        except AlreadyRunning as error:
            raise Problem(409, "A trial runs", str(error)) from error
        return trial.state()

    return routes


def _on_demand(starter: Starter) -> Router:
    routes = Router(auth=OperatorToken())

    @routes.get("/on-demand")
    def listing(request: HttpRequest) -> dict[str, Any]:
        with as_problems():
            return {"on_demand": starter.listing()}

    @routes.post("/on-demand/{name}/{verb}", response={202: dict[str, Any]})
    def change(request: HttpRequest, name: str, verb: Literal["start", "stop", "renew"], who: str = "") -> Any:
        """Begins it and answers at once; the listing says how far it has come."""
        with as_problems():
            return 202, {"start": starter.start, "stop": starter.stop, "renew": starter.renew}[verb](name, who)

    return routes

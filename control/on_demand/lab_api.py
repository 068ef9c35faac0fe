"""The rigs of the lab over HTTP, for the front door alone, as all of the control process's API is."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Router, Schema, Status

from control.children import AlreadyRunning
from control.on_demand.machine import MachineError
from control.on_demand.measurement import Measurement
from control.on_demand.operation import Refused, UnknownName
from control.on_demand.rigs import Rigs
from control.on_demand.starter import Starter
from serving.operator_token import OperatorToken
from serving.problems import Problem


class Measured(Schema):
    """The exhibits to measure; all if none is named."""

    exhibits: list[str] = []


@contextmanager
def as_problems() -> Iterator[None]:
    """What the starter and the rigs raise, as problem documents."""
    try:
        yield
    except UnknownName as error:
        raise Problem(404, "Nothing of this name", str(error)) from error
    except (Refused, AlreadyRunning) as error:
        raise Problem(409, "Not now", str(error)) from error
    except MachineError as error:
        raise Problem(503, "supervisord does not answer", str(error)) from error


def router(rigs: Rigs, measurement: Measurement, starter: Starter) -> Router:
    """A rig is not opened while the lab is measured, nor measured while one is opened: each would spoil the other."""
    routes = Router(auth=OperatorToken())

    @routes.get("/rigs")
    def listing(request: HttpRequest) -> dict[str, Any]:
        with as_problems():
            return {"rigs": rigs.listing()}

    @routes.post("/rigs/{name}/seen")
    def seen(request: HttpRequest, name: str, person: str) -> Any:
        """A page of the rig is open; the answer is how the rig stands."""
        with as_problems():
            return rigs.seen(name, person)

    @routes.post("/rigs/{name}/{verb}", response={202: dict[str, Any]})
    def change(request: HttpRequest, name: str, verb: Literal["open", "close", "renew"], who: str = "") -> Any:
        """Begins it and answers at once; the listing says how far it has come."""
        with as_problems():
            if measurement.running:
                raise Refused("the lab is being measured; try again when that has ended")
            return Status(202, {"open": rigs.open, "close": rigs.close, "renew": rigs.renew}[verb](name, who))

    @routes.get("/measurement")
    def measured(request: HttpRequest) -> Any:
        return measurement.state()

    @routes.post("/measurement", response={202: dict[str, Any]})
    def measure(request: HttpRequest, payload: Measured) -> Any:
        with as_problems():
            if busy := starter.busy:
                raise Refused(f"{busy}; nothing is measured meanwhile")
            measurement.start(payload.exhibits)
            return Status(202, measurement.state())

    return routes

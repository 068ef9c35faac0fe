"""The control process over HTTP, for the front door alone: it shows the operator token, whoever asked it.

A fault travels here as the front door has made it (faults.Fault); what a caller may say is documented there.
"""

import hmac
import json
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from ninja import NinjaAPI, Router
from ninja.security import HttpBearer
from redis import RedisError

from faults import FaultError, Mechanism, load
from messaging import health
from messaging.problems import Problem, install
from sandbox.control.keeper import Keeper, Unknown


class Token(HttpBearer):
    def authenticate(self, request: HttpRequest, token: str) -> str | None:
        known = settings.OPERATOR_TOKEN
        return token if known and hmac.compare_digest(token.encode(), known.encode()) else None


@dataclass(frozen=True)
class Routes:
    """The operations on one keeper, each under the path that the front door calls."""

    keeper: Keeper

    def listing(self, request: HttpRequest) -> dict[str, Any]:
        return {"faults": self.keeper.listing()}

    def arm(self, request: HttpRequest) -> Any:
        try:
            fault = load(request.body)
            return self.keeper.arm(fault).as_dict()
        except FaultError as error:
            raise Problem(422, "No such fault", str(error)) from error
        except (ValueError, TypeError) as error:
            raise Problem(400, "Unreadable fault", str(error)) from error

    def clear_all(self, request: HttpRequest, who: str = "") -> dict[str, int]:
        return {"cleared": self.keeper.clear_all(who)}

    def clear(self, request: HttpRequest, fault: str, who: str = "") -> Any:
        return self.keeper.clear(fault, who).as_dict()

    def go_on(self, request: HttpRequest, fault: str, who: str = "") -> dict[str, int]:
        return {"released": self.keeper.go_on(fault, who)}

    def mechanisms(self, request: HttpRequest) -> dict[str, bool]:
        """{mechanism: whether it is on}."""
        off = self.keeper.off()
        return {mechanism: mechanism not in off for mechanism in Mechanism}

    def switch(self, request: HttpRequest, who: str = "") -> dict[str, bool]:
        for name, on in json.loads(request.body).items():
            self.keeper.switch(Mechanism(name), off=not on, who=who)
        return self.mechanisms(request)


def build(keeper: Keeper) -> NinjaAPI:
    """The API of this process, around its keeper."""
    api = NinjaAPI(title="Sagabox: control", urls_namespace="control", docs_url=None, openapi_url=None)
    install(api)
    api.add_exception_handler(Unknown, lambda request, error: Problem(404, "Unknown fault", str(error)).response())
    api.add_exception_handler(
        RedisError, lambda request, error: Problem(503, "Redis does not answer", "try again").response()
    )
    api.add_router("", health.router({"redis": health.redis}))
    routes, operations = Router(auth=Token()), Routes(keeper)
    routes.get("/faults")(operations.listing)
    routes.post("/faults")(operations.arm)
    routes.delete("/faults")(operations.clear_all)
    routes.delete("/faults/{fault}")(operations.clear)
    routes.post("/faults/{fault}/go-on")(operations.go_on)
    routes.get("/mechanisms")(operations.mechanisms)
    routes.put("/mechanisms")(operations.switch)
    api.add_router("/control", routes)
    return api

"""A service's HTTP API, with what every service answers: health, event log, truth, table hashes and dead letters."""

from collections.abc import Mapping

from django.db import models
from ninja import NinjaAPI

from messaging.models import DeadLetter
from serving import dead_letter_api, event_api, hashes_api, health, truth_api
from serving.dead_letter_api import Validate
from serving.problems import install
from topology.chosen import HOUSE


def service_api(
    service: str,
    *,
    outbox: type[models.Model],
    dead_letter: type[DeadLetter],
    validate: Validate,
    truth: Mapping[str, str],
    named: Mapping[str, str] | None = None,
) -> NinjaAPI:
    """Return the API; the service adds its own routes. `truth`, `named`: see serving.truth_api.router. Raises TopologyError."""
    api = NinjaAPI(
        title=f"Sagabox: {HOUSE.service(service).title} service",
        urls_namespace=service,
        docs_url="/api/docs",
        openapi_url="/api/openapi.json",
    )
    install(api)
    for router in (
        event_api.router(outbox),
        dead_letter_api.router(service, dead_letter=dead_letter, outbox=outbox, validate=validate),
        truth_api.router(outbox, truth, named),
        hashes_api.router(service),
    ):
        api.add_router(f"/api/{service}", router)
    database = HOUSE.database_of(service).alias
    api.add_router("", health.router({"database": health.database(database), "redis": health.redis}))
    return api

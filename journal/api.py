"""The journal's HTTP API, for the front door: runs, their export and their import."""

from ninja import NinjaAPI

from journal.runs import runs_api
from serving import health
from serving.problems import install

api = NinjaAPI(
    title="Sagabox: journal",
    urls_namespace="journal",
    docs_url="/api/docs",
    openapi_url="/api/openapi.json",
)
install(api)
api.add_router("/api/runs", runs_api.router)
api.add_router("", health.router({"database": health.database("journal")}))

UNBOUNDED = runs_api.brings_a_run

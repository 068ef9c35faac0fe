"""GET /api/<service>/events: a service's event log over HTTP, for readers that have missed something."""

from typing import Annotated, Any

import orjson
from django.db import models
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema

from messaging.database import Database
from messaging.outbox import event_log
from messaging.postgresql.bounded import patience
from topology.tuning import Seconds

LARGEST_XID = 2**64 - 1
Xid = Annotated[int, Query(ge=0, le=LARGEST_XID)]


class EventPage(Schema):
    """Envelopes from transaction `after` onwards; the next page begins at `horizon`. See messaging.outbox.event_log.page."""

    events: list[dict[str, Any]]
    horizon: str
    xmax: str
    more: bool


PAGE_S: Seconds = 8.0  # its readers wait for ten


def router(outbox: type[models.Model]) -> Router:
    """Return the route /events of the service that owns `outbox`."""
    routes = Router(tags=["events"])

    @routes.get("/events", response=EventPage, summary="The event log, starting at a transaction")
    def events(
        request: HttpRequest,
        after: Xid = 0,
        limit: Annotated[int, Query(ge=1, le=5000)] = 1000,
        to: Annotated[int | None, Query(ge=0, le=LARGEST_XID)] = None,
    ) -> HttpResponse:
        with patience(PAGE_S):
            page = event_log.page(Database.of(outbox), outbox, after, limit, to)
        # Not through the schema, which would check and copy each value of a thousand events.
        return HttpResponse(orjson.dumps(page), content_type="application/json")

    return routes

"""What the auditor would read over HTTP, read in this transaction: for judging services that live in the test's process."""

from importlib import import_module
from typing import Any

import orjson
from django.db import connections

from audit.truth import Answer, Row, Truth, Views
from projections import snapshot
from projections.views import VIEWS
from tests.house import SERVICES


def read() -> Truth:
    """All rows of the four services and of the views."""
    return Truth(answers={service: _answer(service) for service in SERVICES}, views=_views())


def _answer(service: str) -> Answer:
    kinds = import_module(f"{service}.truth").TRUTH
    (at,) = _rows(service, "select clock_timestamp() as at, pg_snapshot_xmax(pg_current_snapshot())::text as xmax")
    rows: dict[str, list[Row]] = {kind: list(_rows(service, select)) for kind, select in kinds.items()}
    return Answer(meta={**at, "last_event": None}, rows=rows)


def _views() -> Views:
    everything = {"event_id": None, "horizon": 2**62, "complete": True}  # the test has shown the views all there is
    checkpoints = {(view.name, source): everything for view in VIEWS.values() for source in view.sources}
    return Views(**{**vars(snapshot.collect()), "checkpoints": checkpoints})


def _rows(alias: str, select: str) -> list[dict[str, Any]]:
    with connections[alias].cursor() as cursor:
        cursor.execute(f"select row_to_json(found)::text from ({select.replace('%%', '%')}) found")
        return [orjson.loads(text) for (text,) in cursor.fetchall()]

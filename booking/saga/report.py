"""The orchestrator's report of a saga for a person, including whether this version can continue it."""

from collections.abc import Mapping
from typing import Any

from booking.saga.definitions import UnknownSagaError, restored
from booking.saga.state import Status
from booking.topology import SERVICE
from messaging.saga_report import SHOWN, report
from messaging.saga_row import legible
from topology.sagas import Saga, sagas

ADVICE = "Run the version of Sagabox that knows it, and it continues; or repair the other services and end it by hand."


def saga(row: Mapping[str, Any]) -> dict[str, Any]:
    """A report of a saga's row for a person, whichever version wrote it: {"id", "definition", "state", "step", "steps",
    "done", ...}.

    `unknown`: why this version cannot continue it, and what can be done; normally "". If it is set, the steps are
    reported as they are in the row; see messaging.saga_report.
    """
    shown = legible(row)
    try:
        found: Saga | None = _followed(row)
        unknown = ""
    except UnknownSagaError as error:
        ended = shown["state"] in (Status.COMPLETED, Status.COMPENSATED)
        found, unknown = None, str(error) if ended else f"{error}. {ADVICE}"
    return {**{name: shown[name] for name in SHOWN}, "unknown": unknown, **report(shown, found)}


def about_to_start(saga_id: str) -> dict[str, Any]:
    """The same for the saga that a new booking is about to start."""
    first = sagas(SERVICE)[0]
    row = legible({"id": saga_id, "definition": first.name, "definition_version": first.version, "state": "PENDING"})
    return {**{name: row[name] for name in SHOWN}, "unknown": "", **report(row, first)}


def _followed(row: Mapping[str, Any]) -> Saga:
    """The definition it follows. Raises UnknownSagaError."""
    names = ("id", "step", "action", "reason", "context", "steps")
    missing = [name for name in ("definition", "state", *names) if name not in row]
    if missing:
        raise UnknownSagaError(f"the saga's row has no {', '.join(missing)}")
    fields = {name: row[name] for name in names}
    definition, _ = restored(row["definition"], row.get("definition_version", 1), status=row["state"], **fields)
    return next(one for one in sagas(SERVICE) if (one.name, one.version) == (definition.name, definition.version))

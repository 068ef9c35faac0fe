"""How far each view is behind: the lag of the event it applied last, or the age of the oldest that it has not applied, if that is
more. The first alone would go on saying 20 ms of a view that nobody writes any more."""

from datetime import UTC, datetime
from typing import Any

from django.db import DatabaseError, InterfaceError
from redis import RedisError

from drawing.durations import lasting
from gateway.cached import Fresh
from messaging.events.streams import name
from messaging.process.redis import redis_of_requests
from projections import queries as views
from projections.views import VIEWS

FRESH_S = 2.0
Gauge = dict[str, Any]
"""{"view", "lag_ms", "behind", "applied", "since", "tail"}; see `lags`."""


def lags() -> list[Gauge]:
    """One for each view, as it was found last, without waiting; `lag_ms` is of now.

    `since`: when the oldest event was published that the view has not applied, if it has applied nothing since. `tail`: what
    is to be said beside the lag.
    """
    return [_now(one) for one in LAGS.at_once()]


def lags_of_page() -> list[Gauge]:
    """The same for a page in the making: its rows are of this very moment. Raises DatabaseError."""
    known = {one["view"]: one for one in LAGS.at_once()}
    rows = {row["view"]: row for row in views.lags()}
    return [_now(known.get(view, {}) | _of(view, rows.get(view))) for view in VIEWS]


def gauge(one: Gauge) -> dict[str, Any]:
    """What a page that is open writes into the gauge: {lag, tail}, texts."""
    return {"lag": lasting(one["lag_ms"] / 1000) if one["applied"] else "nothing yet", "tail": one["tail"]}


def _utcnow() -> datetime:
    return datetime.now(UTC)


def _now(one: Gauge) -> Gauge:
    since, tail, lag_ms = one.get("since"), "", one["lag_ms"]
    if since is not None:
        lag_ms, tail = max(lag_ms, (_utcnow() - since).total_seconds() * 1000), ", stands still"
    elif one.get("unknown"):
        tail = ", or more: Redis is away"
    return {**one, "lag_ms": lag_ms, "tail": tail}


def _of(view: str, row: dict[str, Any] | None) -> Gauge:
    row = row or {"applied": 0, "lag_ms": 0, "behind": 0}
    return {"view": view, **{field: row[field] for field in ("applied", "lag_ms", "behind")}}


def _look() -> list[Gauge]:
    """Ask the checkpoints how far each view has read, and the streams for what comes next."""
    try:
        rows = {row["view"]: row for row in views.lags()}
    except (DatabaseError, InterfaceError):
        return []
    found = {view: _of(view, rows.get(view)) for view in VIEWS}
    sources = [(view, source) for view, row in rows.items() if view in found for source in row["sources"]]
    pipe = redis_of_requests().pipeline(transaction=False)
    for _, source in sources:
        pipe.xrange(name(source["source"]), f"({source['stream_id']}", count=1)
    try:
        answers = pipe.execute()
    except RedisError:
        return [{**one, "unknown": True} for one in found.values()]
    for (view, source), entries in zip(sources, answers, strict=True):
        if not entries:
            continue
        came = datetime.fromtimestamp(int(entries[0][0].split(b"-")[0]) / 1000, UTC)
        if source["updated_at"] < came:  # else it is reading: more has come than it takes at a time
            found[view]["since"] = min(came, found[view].get("since") or came)
    return list(found.values())


LAGS = Fresh[list[Gauge]](_look, FRESH_S, [])

"""The lag of each view: that of the event it applied last, or the age of the oldest event that it has not applied, if
that is more. The first alone would keep showing 20 ms for a view that is no longer written."""

from datetime import UTC, datetime
from typing import Any

from django.db import DatabaseError, InterfaceError
from redis import RedisError

from dashboard.lag_history import LagHistory
from drawing.durations import lasting
from gateway.cached import Cached
from messaging.events.streams import name
from messaging.process.redis import redis_of_requests
from projections import queries as views
from projections.views import VIEWS
from topology.tuning import Seconds

MAX_AGE_S: Seconds = 2.0  # how old the gauges on a page may be
Gauge = dict[str, Any]
"""{"view", "lag_ms", "behind", "applied", "since", "tail"}; see `lags`."""


def lags() -> list[Gauge]:
    """One for each view, from the last result, without waiting; `lag_ms` is current. `since`: when the oldest event
    that the view has not applied was published, if it has applied nothing since. `tail`: the text after the lag.
    """
    return [_now(one) for one in LAGS.at_once()]


def lags_of_page() -> list[Gauge]:
    """The same for a page that is being rendered, whose rows are current. Raises DatabaseError."""
    known = {one["view"]: one for one in LAGS.at_once()}
    rows = {row["view"]: row for row in views.lags()}
    return [_now(known.get(view, {}) | _of(view, rows.get(view))) for view in VIEWS]


def gauge(one: Gauge) -> dict[str, Any]:
    """The texts that an open page puts into the gauge: {lag, tail}."""
    return {"lag": lasting(one["lag_ms"] / 1000) if one["applied"] else "nothing yet", "tail": one["tail"]}


def with_line(one: Gauge) -> dict[str, Any]:
    """`gauge`, and the lag of the last minute as a line: {line, idle, most_ms}, see `drawing.lag_line`."""
    return {**gauge(one), **HISTORY.line(one["view"]).as_dict()}


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
    """Read from the checkpoints how far each view has read, and from the streams the next events."""
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
        if source["updated_at"] < came:  # otherwise it is reading: more has arrived than it takes at a time
            found[view]["since"] = min(came, found[view].get("since") or came)
    return list(found.values())


def _watch() -> list[Gauge]:
    found = _look()
    HISTORY.note(map(_now, found))
    return found


HISTORY = LagHistory()
LAGS = Cached[list[Gauge]](_watch, MAX_AGE_S, [])

"""Reads a service's outbox as its event log: the catch-up side of the event streams.

Paging by id would miss, for ever, a transaction that took a low id and committed late. So a page ends at the oldest
transaction still running: `xid >= after and xid < pg_snapshot_xmin(...)`, and the next page begins there.
"""

from typing import Any

from django.db import models

from messaging.database import Database
from messaging.envelope import from_row
from messaging.storable import readable
from topology.chosen import HOUSE

_COLUMNS = (
    "seq, id, kind, type, destination, subject, correlation_id, saga_id, step, action, causation_id, version, schema, data, "
    "time, xid, horizon"
)
_NAMES = _COLUMNS.split(", ")
# The rows and both ends of the snapshot come from one statement, and so from one snapshot.
_PAGE = f"""
    with snapshot as (select pg_snapshot_xmin(s) as xmin, pg_snapshot_xmax(s) as xmax from pg_current_snapshot() s)
    select snapshot.xmin, snapshot.xmax, page.*
    from snapshot left join lateral (
        select {_COLUMNS} from {{table}}
        where kind = 'event' and xid >= %s::xid8 and xid < snapshot.xmin {{only}}
        order by xid, seq limit %s
    ) page on true
"""


def page(
    db: Database, outbox: type[models.Model], after: int, limit: int = 1000, to: int | None = None
) -> dict[str, Any]:
    """Return {"events", "horizon", "xmax", "more"}: events from transaction `after` on (and before `to`), in (xid, seq) order.

    `horizon` is where the next page begins. A page never splits a transaction, so it may be longer than `limit`.
    `xmax`: every transaction committed by now is below it, so a reader whose horizon has reached it has seen them all.
    """
    service = HOUSE.service_of_app[outbox._meta.app_label].name
    until = "" if to is None else f"and xid < '{int(to)}'::xid8"
    rows, xmin, xmax = _rows(db, outbox, after, limit + 1, until)
    more = len(rows) > limit
    horizon = xmin if to is None else str(min(int(xmin), to))
    if more:
        horizon = rows[-1]["xid"]
        rows = [row for row in rows if row["xid"] != horizon]
        if not rows:  # one transaction larger than the page: return all of it
            rows, _, _ = _rows(db, outbox, horizon, None, f"and xid = '{int(horizon)}'::xid8")
            horizon = str(int(horizon) + 1)
    return {
        "events": [from_row(service, row) for row in rows],
        "horizon": str(horizon),
        "xmax": str(xmax),
        "more": more,
    }


def horizon(db: Database) -> int:
    """The transaction before which all have ended by now."""
    ((found,),) = db.rows("select pg_snapshot_xmin(pg_current_snapshot())::text")
    return int(found)


def rows_since(db: Database, table: str, horizon: int) -> list[dict[str, str | None]]:
    """All rows of an outbox from transactions since `horizon`, as a log has them: each value as text, times in UTC."""
    columns = ", ".join(f"{name}::text" for name in _NAMES)
    return db.named(f"select {columns} from {table} where xid >= %s::xid8 order by xid, seq", [str(horizon)])


def _rows(
    db: Database, outbox: type[models.Model], after: int | str, limit: int | None, only: str = ""
) -> tuple[list[dict[str, Any]], str, str]:
    found = db.rows(_PAGE.format(table=outbox._meta.db_table, only=only), [str(after), limit])
    return _named(found), found[0][0], found[0][1]


def _named(found: list[tuple]) -> list[dict[str, Any]]:
    """Name the columns. A lone row of NULLs (nothing to read) is no row; jsonb arrives as text from Django's cursor."""
    rows = []
    for record in found:
        if record[2] is None:
            continue
        row = dict(zip(_NAMES, record[2:], strict=True))
        if isinstance(row["data"], str):
            row["data"] = readable(row["data"])
        rows.append(row)
    return rows

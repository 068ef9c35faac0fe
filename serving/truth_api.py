"""GET /api/<service>/truth: the content of a service's tables, all as of the same moment, one JSON object a line
(NDJSON).

    {"kind": "meta", "service": "seats", "at": ..., "horizon": "812", "xmax": "813", "last_event": ...}
    {"kind": "seat", "booking_id": ..., ...}        a line a row, in the order the service declares its kinds
    {"kind": "end", "rows": 1200}                   an answer without this line was cut off

All lines come from one REPEATABLE READ transaction, whose snapshot is the meta line's. PostgreSQL converts the rows to
JSON, and they are streamed in chunks as the reader takes them, so a large service needs little memory on either side.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from django.db import connections, models, transaction
from django.db import router as databases
from django.http import HttpRequest, StreamingHttpResponse
from ninja import Query, Router
from pydantic import StringConstraints

from messaging.postgresql.bounded import patience
from serving.in_one_thread import Streams
from serving.problems import Problem, ProblemDetails
from topology.chosen import HOUSE
from topology.tuning import Count, Seconds

MEDIA_TYPE = "application/x-ndjson"
CHUNK: Count = 1000  # rows
READERS = Streams("readers of a service's rows", 4)  # of the eight connections a process has

_BEGIN = """
    set transaction isolation level repeatable read, read only;
    set local statement_timeout = '30s';
    set local idle_in_transaction_session_timeout = '30s'
"""
Name = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00]+$")]
READING_S: Seconds = 60.0  # a statement over all rows
_META = """
    select json_build_object('kind', 'meta', 'service', %s::text, 'at', clock_timestamp(),
        'horizon', pg_snapshot_xmin(s)::text, 'xmax', pg_snapshot_xmax(s)::text,
        'last_event', (select id from {outbox} where kind = 'event' order by seq desc limit 1))::text
    from pg_current_snapshot() s
"""
_ROWS = "select row_to_json(line)::text from (select '{kind}' as kind, row.* from ({select}) row {where}) line"


def router(outbox: type[models.Model], kinds: Mapping[str, str], named: Mapping[str, str] | None = None) -> Router:
    """Return the route /truth of the service that owns `outbox`.

    `kinds`: name -> a SELECT over the service's own tables. Each has a column `booking_id` (null: about no booking),
    which the filter `booking` uses, and `xid`, the transaction that wrote the row last.

    `named`: kind -> an SQL expression over its `row`: the name by which the filter `name` finds it, of any booking or none.
    """
    routes = Router(tags=["truth"])

    # `response=None`: the answer is a stream, which has no JSON schema.
    @routes.get(
        "/truth", response={422: ProblemDetails, 503: ProblemDetails}, summary="All rows as of one moment, NDJSON"
    )
    async def truth(
        request: HttpRequest,
        booking: Annotated[
            list[UUID] | None, Query(max_length=200, description="only rows about these bookings")
        ] = None,
        name: Annotated[
            list[Name] | None, Query(max_length=200, description="also rows of these names, or they alone")
        ] = None,
        kind: Annotated[list[str] | None, Query(max_length=20, description=f"only these: {', '.join(kinds)}")] = None,
    ) -> StreamingHttpResponse:
        """First line: meta; last line: end. See serving.truth_api."""
        unknown = sorted(set(kind or ()) - set(kinds))
        if unknown:
            raise Problem(422, "Unknown kind", f"no kind '{unknown[0]}'; there are {', '.join(kinds)}")
        wanted = {name: select for name, select in kinds.items() if not kind or name in kind}
        about = About(booking, name, named or {})
        steps = READERS.start(lambda: _lines(outbox, wanted, about))
        await steps.begin()  # an unreachable database is a problem document, not a stream that breaks off
        return StreamingHttpResponse(steps, content_type=MEDIA_TYPE)

    return routes


@dataclass(frozen=True)
class About:
    """Which rows are wanted: those about these bookings and those of these names; all if neither is given."""

    bookings: Sequence[UUID] | None
    names: Sequence[str] | None
    named: Mapping[str, str]

    def of(self, kind: str) -> tuple[str, list[Any]]:
        """The condition on a row of this kind, and its values."""
        if self.bookings is None and self.names is None:
            return "", []
        where, values = "where row.booking_id = any(%s)", [list(self.bookings or ())]
        if kind in self.named:
            return f"{where} or {self.named[kind]} = any(%s)", [*values, list(self.names or ())]
        return where, values


def _lines(outbox: type[models.Model], kinds: Mapping[str, str], about: About) -> Iterator[bytes]:
    alias, service = databases.db_for_read(outbox), HOUSE.service_of_app[outbox._meta.app_label].name
    count = 0
    try:
        with patience(READING_S), transaction.atomic(using=alias):
            with connections[alias].cursor() as cursor:
                cursor.execute(_BEGIN)
                cursor.execute(_META.format(outbox=outbox._meta.db_table), [service])
                yield _joined(cursor.fetchall())
            for kind, select in kinds.items():
                where, values = about.of(kind)
                with connections[alias].chunked_cursor() as cursor:
                    cursor.execute(_ROWS.format(kind=kind, select=select, where=where), values)
                    while rows := cursor.fetchmany(CHUNK):
                        count += len(rows)
                        yield _joined(rows)
        yield b'{"kind":"end","rows":%d}\n' % count
    finally:
        connections[alias].close()


def _joined(rows: Sequence[tuple[Any, ...]]) -> bytes:
    return "".join(f"{text}\n" for (text,) in rows).encode()

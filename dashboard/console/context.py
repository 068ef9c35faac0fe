"""What the console shows: the queries to try, and the answer to one that was run."""

import re
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from dashboard.console.examples import examples
from dashboard.console.query import Refusal, Result, run
from drawing.present import SERVICE_NAMES
from gateway.people.operator import is_operator

ACROSS = ("0A000", "42P01", "3D000")
"""PostgreSQL's answers to a JOIN across services: another database, or a table that does not exist here."""
WORD = re.compile(r"[\w.\"]+|\S")
TABLES = """
    select c.relname as table, string_agg(a.attname, ', ' order by a.attnum) as columns
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and c.relname not like 'django%'
    group by 1 order by 1
"""


def page(request: HttpRequest) -> dict[str, Any]:
    """Context of the whole page."""
    service = request.GET.get("service", "")
    service = service if service in SERVICE_NAMES else settings.HOUSE.participants[0].name
    found = examples(service)
    asked = request.GET.get("example", "")
    chosen = next((one for one in found if one.name == asked), None)
    return {
        "service": service,
        "services": SERVICE_NAMES,
        "examples": found,
        "example": chosen.name if chosen else "",
        "sql": chosen.sql if chosen else request.GET.get("sql", found[0].sql),
        "operator": is_operator(request),
        "tables": _tables(service) if is_operator(request) else [],
    }


def shown(service: str, sql: str, found: Result | Refusal) -> dict[str, Any]:
    name = SERVICE_NAMES.get(service, service)
    if isinstance(found, Result):
        return {"service_name": name, "result": found, "shown": len(found.rows)}
    across = found.sqlstate in ACROSS and _names_another(service, sql)
    return {"service_name": name, "refusal": found, "pointed": _pointed(sql, found.position), "across": across}


def _names_another(service: str, sql: str) -> bool:
    """Whether the statement names another service's tables: then the page explains the refusal."""
    return any(f"{other}_" in sql.lower() or f"{other}." in sql.lower() for other in SERVICE_NAMES if other != service)


def _pointed(sql: str, position: int) -> dict[str, Any] | None:
    """The line that PostgreSQL points at, in three parts: before the word concerned, the word, and after it."""
    if not 0 < position <= len(sql) + 1:
        return None
    before = sql[: position - 1]
    start = before.rfind("\n") + 1
    end = sql.find("\n", position - 1)
    line = sql[start : end if end >= 0 else len(sql)]
    column = position - 1 - start
    word = WORD.match(line, column)
    after = word.end() if word else len(line)
    return {
        "number": before.count("\n") + 1, "before": line[:column], "at": line[column:after], "after": line[after:]
    }  # fmt: skip


def _tables(service: str) -> list[list[str | None]]:
    found = run(settings.CONSOLE_URLS[settings.HOUSE.database_of(service).alias], TABLES)
    return found.rows if isinstance(found, Result) else []

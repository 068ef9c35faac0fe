"""The page /console: read-only SQL, in one service's database at a time."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET, require_POST

from dashboard.console import context
from dashboard.console.query import Refusal, Result, run
from drawing.present import SERVICE_NAMES
from gateway.people.operator import check_operator
from serving.problems import Problem


@require_GET
@ensure_csrf_cookie
def page(request: HttpRequest) -> HttpResponse:
    """`?service=&example=` or `?service=&sql=` is a permalink to the editor's content; nothing runs automatically."""
    return render(request, "console/console.html", context.page(request))


@require_POST
def execute(request: HttpRequest) -> HttpResponse:
    """The result, or the refusal, as a partial; 503 if PostgreSQL is down or has not answered in time. For operators
    only, since SQL can read everything.
    """
    service, sql = request.POST.get("service", ""), request.POST.get("sql", "")
    sql = sql.replace("\r\n", "\n")  # forms send lines this way; PostgreSQL counts characters
    try:
        check_operator(request)
        if service not in SERVICE_NAMES:
            raise Problem(404, "No such service", f"'{service}' is none of {', '.join(SERVICE_NAMES)}")
    except Problem as problem:
        found: Result | Refusal = Refusal(message=f"{problem.title}: {problem.detail}")
    else:
        found = run(settings.CONSOLE_URLS[settings.HOUSE.database_of(service).alias], sql)
    status = 503 if isinstance(found, Refusal) and found.away else 200
    return render(request, "console/console.html#result", context.shown(service, sql, found), status=status)

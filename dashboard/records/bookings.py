"""The page /bookings: filters, search and keyset paging over the booking view."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET

from dashboard import filtered
from dashboard.away import says_when_away
from dashboard.typed import whole
from faults import Action
from gateway.people import masked_reading
from gateway.people.privacy import viewer
from journal.reading.strikes import NEWEST, faults_of, struck_bookings
from projections.searching import Wanted
from topology.chosen import HOUSE
from topology.sagas import sagas_of, states

STATES = states(sagas_of(HOUSE))
PAGE, LONGEST = 50, 80
FIELDS = ("state", "customer", "seat", "fault", "since", "until", "q", "lab")
ANY = "any"


@require_GET
@ensure_csrf_cookie
@says_when_away
def page(request: HttpRequest) -> HttpResponse:
    """The whole page, or for htmx the list alone, whose URL is pushed without empty parameters."""
    asked = {name: request.GET.get(name, "").strip() for name in FIELDS}
    before = request.GET.get("before", "")
    wanted, problems = read(request.GET)
    rows, more = ([], None) if problems or wanted is None else masked_reading.bookings(wanted, PAGE)
    context = {
        "asked": asked, "problems": problems, "rows": _with_strikes(rows), "states": STATES, "faults": [*Action],
        "filtered": any(asked.values()), "limit": NEWEST,
        "first": filtered.address("bookings", asked) if before else "",
        "next": filtered.address("bookings", {**asked, "before": more}) if more else "",
    }  # fmt: skip
    url = filtered.address("bookings", {**asked, "before": before})
    return filtered.answer(request, "records/bookings.html", "list", context, url=url, status=400 if problems else 200)


def read(query: QueryDict) -> tuple[Wanted | None, list[str]]:
    """The filters in the URL; or None, and a sentence for each invalid part."""
    problems: list[str] = []
    get = {name: query.get(name, "").strip() for name in (*FIELDS, "before")}
    if get["state"] and get["state"] not in STATES:
        problems.append(f"State: there is no '{get['state'][:20]}'; there are {', '.join(STATES)}.")
    if get["fault"] and get["fault"] not in (ANY, *Action):
        problems.append(f"Fault: '{get['fault'][:20]}' is none of {', '.join(Action)}.")
    customer = get["customer"]
    if customer and whole(customer) is None:
        problems.append("Customer: give the customer's number; to look for a name, use the search.")
    for name, title in (("seat", "Seat"), ("q", "Search")):
        if len(get[name]) > LONGEST or "\x00" in get[name]:
            problems.append(f"{title}: at most {LONGEST} characters, and no zero byte.")
    since, until = _moment(get["since"], "From", problems), _moment(get["until"], "To", problems)
    before = None
    if get["before"]:
        try:
            before = UUID(get["before"])
        except ValueError:
            problems.append("Page: this address has been cut; begin again at the newest.")
    if problems:
        return None, problems
    only = None
    if get["fault"]:
        try:
            only = struck_bookings("" if get["fault"] == ANY else get["fault"])
        except (DatabaseError, InterfaceError):
            return None, ["Fault: the journal does not answer, and only it has the faults that struck each booking."]
    return Wanted(
        state=get["state"], customer=whole(customer), seat=get["seat"].upper(),
        search=get["q"], by_name=viewer().operator, since=since, until=until, only=only, before=before,
        lab=get["lab"] == "1",
    ), []  # fmt: skip


def _moment(text: str, title: str, problems: list[str]) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        problems.append(f"{title}: not a time like 2026-11-21T12:30 (UTC).")
        return None


def _with_strikes(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    try:
        found = faults_of([str(row["id"]) for row in rows])
    except (DatabaseError, InterfaceError):  # the list works without the journal
        found = {}
    return [{**row, "struck": found.get(str(row["id"]), [])} for row in rows]

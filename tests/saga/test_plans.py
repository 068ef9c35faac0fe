"""No statement on the way of a booking reads a whole table, however many bookings there have been.

The statements are those that the real handlers run, in the connections that their programs keep; PostgreSQL shows its plans.
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from django.db import connections
from django.db.models import F

from booking.cancelling import Cancellation, request_cancel
from booking.models import Booking, Saga
from booking.watchdog import patrol, services
from messaging.database import Database
from messaging.inbox import batch
from messaging.inbox.dead_letters import OpenLetters, record
from messaging.inbox.letter_retries import send_due
from messaging.postgresql import kept
from payments.contract import PaymentMethod
from payments.models import DeadLetter, Outbox
from seats.models import Hold
from seats.transactions import report_expired
from tests.house import SERVICES, House
from tests.messages import new_id
from tests.saga.cancelling import state
from tests.saga.season import past_bookings

pytestmark = pytest.mark.django_db(databases=list(SERVICES), transaction=True)
HOUR = timedelta(hours=1)
FEW = {"payments_paymentmethod"}
"""Tables that do not grow."""


class Scan(NamedTuple):
    """`read`: the table, and the index by which all of it is read."""

    read: str
    statement: str


@pytest.fixture
def keep() -> Iterator[None]:
    """The connections of all services as their workers keep them; afterwards they are as before."""
    before = {service: connections[service] for service in SERVICES}
    for service in SERVICES:
        kept.keep_connection(service)
    yield
    for service in SERVICES:
        connections[service].close()
        connections[service] = before[service]


def a_season(house: House) -> None:
    """Every way that a booking may go: confirmed, refused, compensated, overdue, fenced, cancelled, expired, failed."""
    confirmed = house.book("A-1", "A-2")
    house.run()
    house.book("A-1")
    declined = house.book("A-3", method=PaymentMethod.DECLINED)
    house.run()
    fenced, late, expired = house.book("A-4"), house.book("A-5"), house.book("A-6")
    house.run(hold=lambda envelope: envelope["type"] in ("IssueTickets", "TakePayment", "BookTickets"))
    report_everything_late()
    house.release(hold="IssueTickets")
    for _ in range(3):
        report_everything_late()
        house.run(hold="IssueTickets")
    house.release()
    cancel = Cancellation(key=new_id(), booking=str(confirmed.id), customer=123)
    request_cancel(Database("booking"), cancel)
    house.run()
    assert {state(one)[0] for one in (confirmed, declined)} == {"CANCELLED"}
    assert {state(one)[0] for one in (fenced, late, expired)} <= {"CANCELLED", "CONFIRMED"}
    a_letter()


def report_everything_late() -> None:
    Saga.objects.filter(due_at__isnull=False).update(due_at=F("due_at") - HOUR)
    Booking.objects.filter(due_at__isnull=False).update(due_at=F("due_at") - HOUR)
    patrol(Database("booking"), dict.fromkeys([*services(), "booking"], 0))
    Hold.objects.filter(status="HELD").update(expires_at=F("expires_at") - HOUR)
    report_expired(Database("seats"))


def a_letter() -> None:
    """A message that fails, is sent again, and succeeds."""
    db, letters = Database("payments"), OpenLetters(DeadLetter)
    envelope: dict[str, Any] = {
        "id": new_id(), "type": "TakePayment", "kind": "command", "correlationid": "1", "sagaid": new_id(), "data": {},
        "specversion": "1.0", "source": "/booking",
    }  # fmt: skip
    record(db, DeadLetter, envelope, "it failed")
    DeadLetter.objects.filter(state="retrying").update(updated_at=F("updated_at") - HOUR)
    assert send_due(db, "payments", DeadLetter, Outbox) == 1
    with db.atomic():
        letters.opened()
        letters.succeeded(db, [envelope])
    assert DeadLetter.objects.get(id=envelope["id"]).state == "cleared"


def whole_tables_read(service: str, rows: list[tuple[str, str, int]]) -> list[Scan]:
    """Of the plans that the prepared statements have, whatever their values."""
    found = []
    with connections[service].cursor() as cursor:
        for name, statement, parameters in rows:
            values = f"({', '.join(['null'] * parameters)})" if parameters else ""
            cursor.cursor.execute(f"explain (format json) execute {name}{values}", prepare=False)
            ((plan,),) = cursor.fetchall()
            plan = json.loads(plan) if isinstance(plan, str) else plan
            found += [Scan(table, " ".join(statement.split())) for table in _whole(plan[0]["Plan"], _partial(service))]
    return found


def _whole(node: dict[str, Any], partial: set[str]) -> Iterator[str]:
    """The tables that this node, or one below it, reads from one end to the other. A partial index has few rows."""
    kind, table = node["Node Type"], node.get("Relation Name", node.get("Index Name", ""))
    by_index = kind in ("Index Scan", "Index Only Scan", "Bitmap Index Scan")
    unbounded = by_index and "Index Cond" not in node and node["Index Name"] not in partial
    if (kind == "Seq Scan" or unbounded) and table not in FEW:
        yield f"{table}, by {node.get('Index Name', kind)}"
    for below in node.get("Plans", ()):
        yield from _whole(below, partial)


def _partial(service: str) -> set[str]:
    with connections[service].cursor() as cursor:
        cursor.execute("select indexrelid::regclass::text from pg_index where indpred is not null")
        return {name for (name,) in cursor.fetchall()}


def prepared(service: str) -> list[tuple[str, str, int]]:
    """(name, statement, number of parameters) of what has been run and has a plan."""
    with connections[service].cursor() as cursor:
        cursor.execute("select name, statement, cardinality(parameter_types) from pg_prepared_statements")
        rows = [(name, statement, number) for name, statement, number in cursor.fetchall()]
    verbs = ("select", "insert", "update", "delete", "with")
    return [row for row in rows if row[1].strip().lower().startswith(verbs) and "pg_prepared" not in row[1]]


def run_all(house: House, past: int) -> dict[str, list[Scan]]:
    """Scans by service, of what a season's bookings run after so many others."""
    past_bookings(past)
    for service in SERVICES:
        connections[service].close()  # the statements that filled the tables are none of ours
    a_season(house)
    found = {}
    for service in SERVICES:
        rows = [row for row in prepared(service) if not _of_the_test(row[1])]
        assert len(rows) >= 6, f"{service} ran only {rows}"
        found[service] = whole_tables_read(service, rows)
    return found


def _of_the_test(statement: str) -> bool:
    """Django's own spelling: the hot path's statements are written by hand."""
    return '"' in statement


@pytest.mark.usefixtures("keep")
@pytest.mark.parametrize("past", [20, 20_000])
def test_no_statement_of_a_booking_reads_a_whole_table(
    house: House, past: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "VISIBLE_S", 0.1)
    assert run_all(house, past) == {service: [] for service in SERVICES}


def test_control_with_plans_of_postgresqls_own_choice_some_do(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "PLANNER", {"plan_cache_mode": "force_generic_plan"})
    before = {service: connections[service] for service in SERVICES}
    try:
        for service in SERVICES:
            kept.keep_connection(service)
        read = {scan.read.split(",")[0] for scans in run_all(house, 20).values() for scan in scans}
    finally:
        for service in SERVICES:
            connections[service].close()
            connections[service] = before[service]
    assert {"payments_barrier", "tickets_barrier"} <= read

"""No statement of a projector, or of the replicator, reads a large table from end to end: each costs the same in any house."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connections

from booking.replica import replica
from messaging.events.cursor import Cursor
from messaging.events.projector import Projector
from messaging.events.skipped import SkippedEvents
from messaging.events.view import View
from projections import snapshot
from projections.models import DeadLetter
from projections.views import VIEWS, checkpoints_of
from tests.messaging.plans import planned
from tests.projections.projecting import SERVICES
from tests.projections.story import announced, story

pytestmark = [pytest.mark.django_db(databases=[*SERVICES, "projections"]), pytest.mark.usefixtures("season")]
ROWS = 20_000
BOOKING = "('019a0000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid"
PLACE = {"performance_id": "'p-' || n / 100", "label": "'A-' || n % 100", "status": "'SOLD'", "version": "9"}
NAME = {"id": "n", "name": "'name'", "version": "9"}
SEASON: dict[str, dict[str, dict[str, str]]] = {
    "projections": {
        "bookingview": {"id": BOOKING, "customer_id": "n", "seats": """'["A-1"]'""", "state": "'SOLD'", "version": "9"},
        "seatmap": PLACE,
        "performance": {"id": "'p-' || n", "version": "9"},
        "customer": NAME,
        "historybooking": {"id": BOOKING, "customer_id": "n"},
        "historycustomer": NAME,
        "salesperformance": {"id": "'p-' || n", "version": "9"},
        "salesseat": PLACE,
        "salesbooking": {"id": BOOKING, "performance_id": "'p-1'"},
        "deadletter": {
            **{"id": "gen_random_uuid()", "type": "'T'", "booking_id": "''", "state": "'cleared'", "reason": "''"},
            **{"envelope": """'{"skippedby": "test"}'""", "attempts": "'[]'"},
        },
    },
    "booking": {
        "performancereplica": {
            **{"id": "'p-' || n", "title": "''", "starts_at": "now()", "labels": "'{}'", "prices": "'{}'"},
            **{"currency": "'KRW'", "version": "9"},
        },
    },
}


@pytest.fixture(scope="module")
def season(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Each table as it is after 20,000 bookings."""
    with django_db_blocker.unblock():
        for alias, tables in SEASON.items():
            with connections[alias].cursor() as cursor:
                for table, columns in tables.items():
                    cursor.execute(
                        f"insert into {alias}_{table} ({', '.join(columns)}) select {', '.join(columns.values())}"
                        f" from generate_series(1, {ROWS}) n"
                    )
                cursor.execute("analyze")
    yield
    with django_db_blocker.unblock():
        for alias, tables in SEASON.items():
            with connections[alias].cursor() as cursor:
                cursor.execute(f"truncate {', '.join(f'{alias}_{table}' for table in tables)}; analyze")


def of_many(bookings: int) -> list[dict[str, Any]]:
    """The story so many times, each time of other bookings, and with other seats."""
    found = []
    for number in range(bookings):
        ids = [str(uuid.uuid4()) for _ in range(2)]
        for event in story():
            data = dict(event["data"])
            for old, new in zip(
                ("019a0000-0000-7000-8000-000000000001", "019a0000-0001-7000-8000-000000000002"), ids, strict=True
            ):
                data = {name: new if value == old else value for name, value in data.items()}
            if "performance_id" in data:
                data["performance_id"] = f"p-{number}"
            found.append(event | {"data": data})
    return found


def run(projector: Projector, events: list[dict[str, Any]]) -> None:
    cursors = projector.load()
    projector.apply(events, [Cursor(source=cursor.source, horizon=7) for cursor in cursors], {})
    projector.check()


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
@pytest.mark.parametrize("bookings", [1, 100])
def test_a_projector_scans_no_table(view: View, bookings: int) -> None:
    with planned() as plans:
        run(Projector(view, checkpoints_of(view)), of_many(bookings))
    assert plans.scans() == []


def test_the_replicator_scans_no_table() -> None:
    with planned() as plans:
        run(replica(), [announced()])
    assert plans.scans() == []


def test_looking_for_skipped_events_scans_no_table() -> None:
    skipped = SkippedEvents(DeadLetter, "test")
    with planned() as plans:
        skipped.record(announced(), "seats", ValueError("no"))
        assert skipped.due() == []
        skipped.cleared(str(uuid.uuid4()))
    assert plans.scans() == []


def some(number: int) -> snapshot.Part:
    return snapshot.Part(
        bookings=[str(uuid.uuid4()) for _ in range(number)],
        seats=[f"p-{n}/A-1" for n in range(number)],
        customers=[str(n) for n in range(number)],
    )


@pytest.mark.parametrize("number", [1, 200, 2_000])
def test_the_auditors_reading_of_some_bookings_scans_no_table(number: int) -> None:
    with planned() as plans:
        snapshot.collect(some(number))
    assert plans.scans() == []


def test_a_scan_is_found() -> None:
    """The control."""
    look: Callable[[], Any] = snapshot.collect
    with planned() as plans:
        look()
    assert {table for table, _ in plans.scans()} >= {"projections_bookingview", "projections_seatmap"}

"""A view that cannot be written for a while costs no event; an event that is at fault itself costs only itself."""

import threading
from contextlib import ExitStack
from typing import Any

import pytest
from django.db import connections
from redis import Redis

from messaging.events.skipped import SkippedEvents
from messaging.process import outage
from projections import queries
from projections.models import DeadLetter
from projections.views import VIEWS
from tests.breaking import locked, read_only
from tests.messaging.events.following import PATIENCE
from tests.projections.projecting import (
    SERVICES,
    Sources,
    converged,
    projecting,
    refused,
    seat_sold,
    summed,
    tell,
)
from tests.projections.story import story
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(databases=[*SERVICES, "projections"], transaction=True)


def test_a_database_that_is_read_only_for_a_while_costs_no_event(redis: Redis, sources: Sources) -> None:
    with ExitStack() as stack:
        for view in VIEWS.values():
            stack.enter_context(projecting(view, sources, redis))
        tell(sources, story()[:5])
        wait_until(lambda: queries.recent_bookings(), PATIENCE, "the first booking")
        with read_only("projections"):
            tell(sources, story()[5:])
            wait_until(lambda: refused("read-only"), PATIENCE, "a projector to be refused")
        wait_until(lambda: converged() and seat_sold() and summed(), PATIENCE, "the views to converge")
    assert not DeadLetter.objects.exists()


def test_taken_for_the_events_own_fault_it_would_cost_them(
    redis: Redis, sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: an outage that is not known as one is put down to the events, once the database can keep their letters."""
    record, skipping, writable = SkippedEvents.record, threading.Event(), threading.Event()

    def record_later(self: SkippedEvents, *args: Any) -> None:
        skipping.set()
        writable.wait(PATIENCE)
        outage.patiently(lambda: record(self, *args), PATIENCE)

    monkeypatch.setattr(outage, "CAUSED_BY_CONTENT", ("25", *outage.CAUSED_BY_CONTENT))
    monkeypatch.setattr(SkippedEvents, "record", record_later)
    with projecting(VIEWS["bookings"], sources, redis):
        tell(sources, story()[:5])
        wait_until(lambda: queries.recent_bookings(), PATIENCE, "the first booking")
        with read_only("projections"):
            tell(sources, story()[5:])
            wait_until(skipping.is_set, PATIENCE, "an event to be left out")
        writable.set()
        wait_until(lambda: DeadLetter.objects.exists(), PATIENCE, "its letter")


@pytest.mark.parametrize(
    "wrong", ["alter table {t} rename to hidden", "revoke update, insert on {t} from current_user"]
)
def test_a_view_that_cannot_be_written_waits(redis: Redis, sources: Sources, wrong: str) -> None:
    """A table that a migration has not made yet, or a right that is missing, is no event's fault."""
    table = "projections_bookingview"
    with projecting(VIEWS["bookings"], sources, redis):
        tell(sources, story()[:5])
        wait_until(lambda: queries.recent_bookings(), PATIENCE, "the first booking")
        with connections["projections"].cursor() as cursor:
            cursor.execute(wrong.format(t=table))
        try:
            tell(sources, story()[5:])
            wait_until(lambda: refused("is away, trying on"), PATIENCE, "the projector to wait")
            assert not DeadLetter.objects.exists()
        finally:
            with connections["projections"].cursor() as cursor:
                if "rename" in wrong:
                    cursor.execute(f"alter table hidden rename to {table}")
                else:
                    cursor.execute(f"grant all on {table} to current_user")
        wait_until(converged, PATIENCE, "the view to converge")


@pytest.mark.parametrize("table", ["projections_bookingview", "projections_checkpoint"])
def test_a_row_that_somebody_has_locked_is_waited_for_and_said(redis: Redis, sources: Sources, table: str) -> None:
    with projecting(VIEWS["bookings"], sources, redis):
        tell(sources, story()[:5])
        wait_until(lambda: queries.recent_bookings(), PATIENCE, "the first booking")
        with locked("projections", f"select from {table} for update"):
            tell(sources, story()[5:])
            wait_until(lambda: refused("somebody else holds a lock, trying on"), PATIENCE, "the projector to say so")
            assert not converged()
        wait_until(converged, PATIENCE, "the view to converge")
    assert not DeadLetter.objects.exists()


def test_an_event_at_fault_by_itself_is_a_letter_and_the_others_go_on(redis: Redis, sources: Sources) -> None:
    sources["booking"].emit("BookingPlaced", {"id": "no uuid"}, 1)
    with projecting(VIEWS["bookings"], sources, redis):
        tell(sources, story())
        wait_until(converged, PATIENCE, "the view to converge")
        letter = wait_until(lambda: DeadLetter.objects.all(), PATIENCE, "the letter")[0]
        assert (letter.type, letter.state) == ("BookingPlaced", "dead")

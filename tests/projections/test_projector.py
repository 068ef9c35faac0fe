"""Projectors on real PostgreSQL and Redis, fed by real outboxes over real event APIs."""

from contextlib import ExitStack
from dataclasses import replace

import pytest
from django.db import DataError, connections
from redis import Redis

from faults import Mechanism, switch
from messaging.events.cursor import Cursor
from messaging.events.follow import CursorsMovedError
from messaging.events.projector import Injected, Projector
from projections import queries
from projections.models import BookingView, Checkpoint
from projections.views import VIEWS, checkpoints_of
from tests.messaging.events.following import PATIENCE
from tests.projections.projecting import SERVICES, Sources, converged, projecting, seat_sold, summed, tell
from tests.projections.story import BOOKINGS, booking, story
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(databases=[*SERVICES, "projections"], transaction=True)


def bookings(injected: Injected | None = None) -> Projector:
    return Projector(VIEWS["bookings"], checkpoints_of(VIEWS["bookings"]), injected)


def test_views_follow_their_streams_and_survive_losses(redis: Redis, sources: Sources) -> None:
    with ExitStack() as stack:
        for view in VIEWS.values():
            stack.enter_context(projecting(view, sources, redis))
        tell(sources, story()[:5])
        wait_until(lambda: queries.recent_bookings(), PATIENCE, "the first booking")
        tell(sources, story()[5:], lose=("SeatsReserved", "PaymentRefunded", "TicketsIssued", "BookingPlaced"))
        wait_until(lambda: converged() and seat_sold() and summed(), PATIENCE, "the views to converge")
    first, second = (queries.booking(booking_id) for booking_id in BOOKINGS)
    assert first is not None
    assert second is not None
    assert (first["payment_status"], second["tickets_status"]) == ("REFUNDED", "ISSUED")
    lags = {lag["view"]: lag for lag in queries.lags()}
    assert lags["bookings"]["behind"] == 0
    assert lags["bookings"]["applied"] >= len(story()) - 1
    assert [source["source"] for source in lags["seat_map"]["sources"]] == ["seats"]


def test_a_projector_survives_its_connection(redis: Redis, sources: Sources) -> None:
    with projecting(VIEWS["bookings"], sources, redis):
        tell(sources, story()[:5])
        wait_until(lambda: queries.recent_bookings(), PATIENCE, "the first booking")
        with connections["projections"].cursor() as cursor:
            cursor.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and usename = current_user and pid <> pg_backend_pid()"
            )
        tell(sources, story()[5:])
        wait_until(converged, PATIENCE, "the view to converge")


def test_the_fault_plan_switches_the_sequence_check_off(redis: Redis, sources: Sources) -> None:
    projector = bookings(Injected(redis, "projections", "projector-bookings"))
    projector.load()
    stale = booking(BOOKINGS[0], 1, "PENDING")
    projector.apply([booking(BOOKINGS[0], 4, "CANCELLED"), stale], [], {})
    assert queries.booking(BOOKINGS[0])["state"] == "CANCELLED"  # type: ignore[index]
    switch(redis, Mechanism.SEQUENCE_CHECK, off=True)
    projector.apply([stale], [], {})
    assert queries.booking(BOOKINGS[0])["state"] == "PENDING"  # type: ignore[index]


class TestAtomicity:
    def test_rows_that_fail_move_no_cursor(self) -> None:
        projector = bookings()
        cursor = projector.load()[0]
        bad = booking("no uuid", 1, "PENDING")
        with pytest.raises(DataError):
            projector.apply([booking(BOOKINGS[0], 1, "PENDING"), bad], [replace(cursor, horizon=7)], {})
        assert not BookingView.objects.exists()
        assert Checkpoint.objects.get(view="bookings", source=cursor.source).horizon == 0

    def test_a_cursor_that_fails_writes_no_row(self) -> None:
        projector = bookings()
        cursor = projector.load()[0]
        with pytest.raises(DataError):
            projector.apply([booking(BOOKINGS[0], 1, "PENDING")], [replace(cursor, horizon=2**80)], {})
        assert not BookingView.objects.exists()
        projector.apply([booking(BOOKINGS[0], 1, "PENDING")], [replace(cursor, horizon=7)], {})
        assert BookingView.objects.get().state == "PENDING"
        assert Checkpoint.objects.get(view="bookings", source=cursor.source).horizon == 7

    def test_a_projector_whose_checkpoints_were_moved_writes_nothing(self) -> None:
        left, right = bookings(), bookings()
        left.load()
        right.load()
        left.apply([], [Cursor(source="booking", horizon=7)], {})
        with pytest.raises(CursorsMovedError):
            right.apply([booking(BOOKINGS[0], 1, "PENDING")], [Cursor(source="booking", horizon=5)], {})
        assert not BookingView.objects.exists()

"""Rebuilds on real PostgreSQL and Redis, beside projectors that run."""

import json
import threading
from contextlib import ExitStack
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from redis import Redis

from projections import queries
from projections.models import BookingView
from projections.rebuild import RebuildError, rebuild
from projections.views import VIEWS
from tests.messaging.events.following import PATIENCE
from tests.projections.projecting import SERVICES, Sources, converged, projecting, seat_sold, summed, tell
from tests.projections.story import BOOKINGS, booking, rows, story
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(databases=[*SERVICES, "projections"], transaction=True)


class TestRebuild:
    def test_a_rebuild_gives_the_same_rows(self, redis: Redis, sources: Sources) -> None:
        with ExitStack() as stack:
            for view in VIEWS.values():
                stack.enter_context(projecting(view, sources, redis))
            tell(sources, story())
            wait_until(lambda: converged() and seat_sold() and summed(), PATIENCE, "the views to converge")
        before = rows()
        output = StringIO()
        call_command("rebuild", json=True, stdout=output)
        assert rows() == before
        bookings, seat_map, *_ = (json.loads(line) for line in output.getvalue().splitlines())
        assert (bookings["view"], bookings["events"]) == ("bookings", len(story()))
        assert seat_map["sources"] == {"seats": 5}

    def test_a_projector_may_run_meanwhile(self, redis: Redis, sources: Sources) -> None:
        view = VIEWS["bookings"]
        tell(sources, story()[:8])
        with projecting(view, sources, redis):
            wait_until(lambda: queries.recent_bookings(), PATIENCE, "the first booking")
            BookingView.objects.update(state="GARBLED")
            rebuild(view, {name: source.api() for name, source in sources.items()})
            tell(sources, story()[8:])
            wait_until(converged, PATIENCE, "the view to converge")
        live = rows()
        call_command("rebuild", "bookings", stdout=StringIO())
        assert rows()["projections_bookingview"] == live["projections_bookingview"]

    def test_one_that_cannot_be_finished_leaves_the_view_as_it_is(self, redis: Redis, sources: Sources) -> None:
        """A source is away, or one of its transactions does not end."""
        view = VIEWS["bookings"]
        with projecting(view, sources, redis):
            tell(sources, story())
            wait_until(converged, PATIENCE, "the view to converge")
        before = rows()
        late = booking("019a0000-0002-7000-8000-000000000003", 1, "PENDING")
        with sources["booking"].slowly(late["type"], late["data"], 1):
            tell(sources, story()[1:2])  # a later transaction: the open one is among those to wait for
            with pytest.raises(RebuildError, match=r"a transaction of booking .* does not end"):
                rebuild(view, {name: source.api() for name, source in sources.items()}, patience=0)
            assert rows() == before
        for source in sources.values():
            source.down = True
        with pytest.raises(RebuildError):
            rebuild(view, {name: source.api() for name, source in sources.items()}, patience=0)
        assert rows() == before

    def test_readers_never_see_less_than_before(self, redis: Redis, sources: Sources) -> None:
        view = VIEWS["bookings"]
        tell(sources, story())
        rebuild(view, {name: source.api() for name, source in sources.items()})
        BookingView.objects.filter(id=BOOKINGS[0]).update(state="GARBLED")
        count = BookingView.objects.count()
        seen: list[int] = []
        done = threading.Event()

        def look() -> None:
            while not done.is_set():
                seen.append(BookingView.objects.count())
            connections.close_all()

        thread = threading.Thread(target=look)
        thread.start()
        wait_until(lambda: seen, PATIENCE, "a first look")
        try:
            for _ in range(3):
                rebuild(view, {name: source.api() for name, source in sources.items()})
        finally:
            done.set()
            thread.join()
        assert set(seen) == {count}
        assert not BookingView.objects.filter(state="GARBLED").exists()

    def test_a_row_that_no_event_made_is_gone(self, redis: Redis, sources: Sources) -> None:
        tell(sources, story())
        rebuild(VIEWS["bookings"], {name: source.api() for name, source in sources.items()})
        before = rows()
        BookingView.objects.filter(id=BOOKINGS[0]).update(id="019a0000-0000-7000-8000-00000000ffff")
        rebuild(VIEWS["bookings"], {name: source.api() for name, source in sources.items()})
        assert rows() == before

    def test_it_waits_for_transactions_that_were_open(self, redis: Redis, sources: Sources) -> None:
        placed = booking(BOOKINGS[0], 1, "PENDING")
        finished = threading.Event()

        def run() -> None:
            rebuild(VIEWS["bookings"], {name: source.api() for name, source in sources.items()})
            connections.close_all()
            finished.set()

        with sources["booking"].slowly(placed["type"], placed["data"], 1):
            tell(sources, story()[1:2])  # a later transaction has ended: the open one is among those to wait for
            thread = threading.Thread(target=run)
            thread.start()
            wait_until(lambda: len(sources["booking"].requests) > 2, PATIENCE, "the rebuild to ask again")
            assert not finished.is_set()
        wait_until(finished.is_set, PATIENCE, "the rebuild")
        thread.join()
        assert queries.booking(BOOKINGS[0]) is not None

    def test_a_bad_event_costs_only_itself(self, redis: Redis, sources: Sources) -> None:
        sources["booking"].emit("BookingPlaced", {"id": "no uuid"}, 1)
        tell(sources, story())
        done = rebuild(VIEWS["bookings"], {name: source.api() for name, source in sources.items()})
        assert (done.events, done.skipped) == (len(story()) + 1, 1)
        assert converged()

    def test_an_event_api_that_stays_away_is_told(self, redis: Redis, sources: Sources) -> None:
        sources["payments"].down = True
        with pytest.raises(RebuildError, match="payments"):
            rebuild(VIEWS["bookings"], {name: source.api() for name, source in sources.items()}, patience=0)

    @pytest.mark.parametrize("command", ["rebuild", "project"])
    def test_an_unknown_view_names_the_views(self, command: str) -> None:
        with pytest.raises(CommandError, match="bookings, seat_map"):
            call_command(command, "nonsense")

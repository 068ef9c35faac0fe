"""Projectors and rebuilds on real PostgreSQL and Redis, fed by real outboxes over real event APIs."""

import json
import logging
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import DataError, connections
from redis import Redis

from faults import Mechanism, switch
from messaging import outage
from messaging.cursor import Cursor
from messaging.follow import CursorsMovedError, follow
from messaging.reader import Reader
from messaging.skipped import SkippedEvents
from projections import queries, sums
from projections.models import BookingView, Checkpoint, DeadLetter
from projections.projector import Injected, Projector
from projections.rebuild import RebuildError, rebuild
from projections.views import VIEWS, View
from tests.breaking import read_only
from tests.event_source import EventSource, serving
from tests.projections.story import BOOKINGS, booking, rows, story
from tests.waiting import wait_until

SERVICES = ("booking", "seats", "payments", "tickets")
pytestmark = pytest.mark.django_db(databases=[*SERVICES, "projections"], transaction=True)
PATIENCE = 20
Sources = dict[str, EventSource]


@pytest.fixture
def sources(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sources]:
    """The four services, at the addresses the settings name."""
    found = {service: EventSource(service, redis) for service in SERVICES}
    with serving(*found.values()):
        monkeypatch.setattr(settings, "API_URLS", {name: source.url for name, source in found.items()})
        yield found


class Heard(logging.Handler):
    """What was logged, from any thread."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += record.getMessage() + "\n"

    def clear(self) -> None:
        self.text = ""


FOLLOWED = Heard()


@contextmanager
def projecting(view: View, sources: Sources, redis: Redis) -> Iterator[None]:
    """The projector of a view, as its process runs it."""
    projector = Projector(view, Injected(redis, "projector-bookings"))
    reader = Reader("test-projector", redis=redis, apis={name: sources[name].api() for name in view.sources})
    stop = threading.Event()

    FOLLOWED.clear()
    follow_log = logging.getLogger("messaging.outage")
    follow_log.addHandler(FOLLOWED)

    def run() -> None:
        try:
            skipped = SkippedEvents(DeadLetter, reader.name)
            follow(reader, projector.load, projector.apply, stop.is_set, skipped=skipped, check=projector.check)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(PATIENCE)
        follow_log.removeHandler(FOLLOWED)
        assert not thread.is_alive()


def tell(sources: Sources, events: list[dict[str, Any]], lose: tuple[str, ...] = ()) -> None:
    """Commit the events in their services, and publish them."""
    for event in events:
        sources[event["source"].strip("/")].emit(event["type"], event["data"], event["version"])
    for source in sources.values():
        source.publish(lose=lose)


def converged() -> bool:
    """Whether all services' events of the story are in the bookings view (a version is the sum of four)."""
    versions = [row["version"] for row in queries.recent_bookings()]
    checkpoints = Checkpoint.objects.values_list("horizon", "owed")
    return versions == [6, 8] and all(horizon >= owed for horizon, owed in checkpoints)


def seat_sold() -> bool:
    return [seat["status"] for seat in queries.seat_map("concert-2024")] == ["SOLD", "AVAILABLE", "AVAILABLE"]


def summed() -> bool:
    """Whether the sums are those of the whole story: paid twice, given back once, one seat sold."""
    customer, money = sums.customer(123), {"currency": "KRW", "spent": 300_000, "refunded": 150_000}
    sold = [(row["sold"], row["taken"], row["refunded"]) for row in sums.sales()]
    return bool(customer and customer["money"] == [{**money, "customer_id": 123}]) and sold == [(1, 300_000, 150_000)]


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
    projector = Projector(VIEWS["bookings"], Injected(redis, "projector-bookings"))
    projector.load()
    stale = booking(BOOKINGS[0], 1, "PENDING")
    projector.apply([booking(BOOKINGS[0], 4, "CANCELLED"), stale], [], {})
    assert queries.booking(BOOKINGS[0])["state"] == "CANCELLED"  # type: ignore[index]
    switch(redis, Mechanism.SEQUENCE_CHECK, off=True)
    projector.apply([stale], [], {})
    assert queries.booking(BOOKINGS[0])["state"] == "PENDING"  # type: ignore[index]


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


def refused(why: str) -> bool:
    """Whether the projectors' server has refused a statement, by its log."""
    return why in FOLLOWED.text


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


def test_an_event_at_fault_by_itself_is_a_letter_and_the_others_go_on(redis: Redis, sources: Sources) -> None:
    sources["booking"].emit("BookingPlaced", {"id": "no uuid"}, 1)
    with projecting(VIEWS["bookings"], sources, redis):
        tell(sources, story())
        wait_until(converged, PATIENCE, "the view to converge")
        letter = wait_until(lambda: DeadLetter.objects.all(), PATIENCE, "the letter")[0]
        assert (letter.type, letter.state) == ("BookingPlaced", "dead")


class TestAtomicity:
    def test_rows_that_fail_move_no_cursor(self) -> None:
        projector = Projector(VIEWS["bookings"])
        cursor = projector.load()[0]
        bad = booking("no uuid", 1, "PENDING")
        with pytest.raises(DataError):
            projector.apply([booking(BOOKINGS[0], 1, "PENDING"), bad], [replace(cursor, horizon=7)], {})
        assert not BookingView.objects.exists()
        assert Checkpoint.objects.get(view="bookings", source=cursor.source).horizon == 0

    def test_a_cursor_that_fails_writes_no_row(self) -> None:
        projector = Projector(VIEWS["bookings"])
        cursor = projector.load()[0]
        with pytest.raises(DataError):
            projector.apply([booking(BOOKINGS[0], 1, "PENDING")], [replace(cursor, horizon=2**80)], {})
        assert not BookingView.objects.exists()
        projector.apply([booking(BOOKINGS[0], 1, "PENDING")], [replace(cursor, horizon=7)], {})
        assert BookingView.objects.get().state == "PENDING"
        assert Checkpoint.objects.get(view="bookings", source=cursor.source).horizon == 7

    def test_a_projector_whose_checkpoints_were_moved_writes_nothing(self) -> None:
        left, right = Projector(VIEWS["bookings"]), Projector(VIEWS["bookings"])
        left.load()
        right.load()
        left.apply([], [Cursor(source="booking", horizon=7)], {})
        with pytest.raises(CursorsMovedError):
            right.apply([booking(BOOKINGS[0], 1, "PENDING")], [Cursor(source="booking", horizon=5)], {})
        assert not BookingView.objects.exists()


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

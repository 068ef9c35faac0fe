"""Ticket's copies: newer events win, a count is right however often an event comes, and a copy can be made again."""

from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from redis import Redis

from messaging.events.replication import UnknownReplica, of_service
from messaging.events.skipped import SkippedEvents
from tests.event_source import EventSource, serving
from tests.messages import new_id
from tickets.door import bookings_of, customer_of
from tickets.models import CustomerBooking, CustomerReplica, DeadLetter, ReplicaCheckpoint, ReplicaRebuild, SeatReplica
from tickets.replicas import REPLICATION

pytestmark = pytest.mark.django_db(databases=["tickets"])
DB = REPLICATION.db
SEAT = {"id": 7, "section": "Stalls", "row": "A", "number": 1, "price": 4500, "currency": "EUR", "status": "AVAILABLE",
        "booking_id": None, "version": 1}  # fmt: skip


def event(source: str, type_: str, data: dict[str, Any], version: int) -> dict[str, Any]:
    return {"id": new_id(), "source": f"/{source}", "type": type_, "kind": "event", "data": data, "version": version}


def customer(name: str, version: int, id: int = 1042) -> dict[str, Any]:
    type_ = "CustomerRegistered" if version == 1 else "CustomerRenamed"
    return event("booking", type_, {"id": id, "name": name, "email": f"{name.lower()}@example.com"}, version)


def booked(booking: str, state: str, version: int, id: int = 1042) -> dict[str, Any]:
    data = {"id": booking, "customer_id": id, "state": state.upper(), "performance_id": "concert", "seats": ["A-1"]}
    return event("booking", f"Booking{state}", data, version)


def announced(version: int, price: int = 4500, labels: tuple[str, ...] = ("A-1", "A-2")) -> dict[str, Any]:
    seats = [{**SEAT, "label": label, "price": price} for label in labels]
    return event("seats", "PerformanceAnnounced", {"id": "concert", "seats": seats}, version)


def apply(*events: dict[str, Any]) -> None:
    projector = REPLICATION.projector()
    projector.load()
    projector.apply(list(events), [], {})


def test_newer_wins_in_one_batch_and_over_several_and_no_other_column_is_copied() -> None:
    apply(customer("Bo", 2), customer("Ana", 1), announced(2, price=5000), announced(1))
    apply(customer("Ana", 1), announced(1))
    assert CustomerReplica.objects.values("id", "name", "email", "version").get() == {
        "id": 1042, "name": "Bo", "email": "bo@example.com", "version": 2
    }  # fmt: skip
    assert list(SeatReplica.objects.values_list("label", "price", "version").order_by("label")) == [
        ("A-1", 5000, 2), ("A-2", 5000, 2)
    ]  # fmt: skip
    columns = {field.column for field in SeatReplica._meta.concrete_fields}
    assert not columns & {"id", "status", "booking_id"}


def test_a_count_is_right_however_often_and_in_whatever_order_events_come() -> None:
    one, other = new_id(), new_id()
    confirmed = booked(one, "Confirmed", 5)
    apply(customer("Ana", 1), confirmed, booked(other, "Confirmed", 5))
    apply(confirmed)
    assert customer_of(DB, 1042) == {
        "id": 1042, "name": "Ana", "email": "ana@example.com", "version": 1, "bookings": 2
    }  # fmt: skip
    apply(booked(one, "Cancelled", 9))
    apply(confirmed)
    assert bookings_of(DB, {1042, 99}) == {1042: 1}


def test_the_control_a_running_total_counts_an_event_twice() -> None:
    """What is not done here: add one for each event."""
    confirmed = booked(new_id(), "Confirmed", 5)
    total = 0
    for envelope in (confirmed, confirmed):
        total += envelope["type"] == "BookingConfirmed"
        apply(envelope)
    assert (total, bookings_of(DB, {1042})) == (2, {1042: 1})


def test_a_batch_costs_the_same_statements_whatever_its_size(django_assert_num_queries: Any) -> None:
    projector = REPLICATION.projector()
    projector.load()
    many = [booked(new_id(), "Confirmed", 5, id=number) for number in range(200)]
    for events in (many[:2], many[2:]):
        # savepoint, lock timeout, checkpoints, the bookings, savepoint
        with django_assert_num_queries(5, connection=_connection()):
            projector.apply(events, [], {})
    assert CustomerBooking.objects.count() == 200


def _connection() -> Any:
    from django.db import connections

    return connections["tickets"]


@pytest.mark.django_db(databases=["booking", "seats", "tickets"], transaction=True)
class TestRebuild:
    """From the owner's event log, over HTTP."""

    @pytest.fixture
    def owners(self, redis: Redis, monkeypatch: pytest.MonkeyPatch) -> Any:
        booking, seats = EventSource("booking", redis), EventSource("seats", redis)
        with serving(booking, seats):
            urls = {**settings.API_URLS, "booking": booking.url, "seats": seats.url}
            monkeypatch.setattr(settings, "API_URLS", urls)
            yield booking, seats

    def rebuild(self, name: str) -> dict[str, Any]:
        assert REPLICATION.ask_to_rebuild(name)
        assert not REPLICATION.ask_to_rebuild(name), "it is under way"
        REPLICATION.rebuild_what_is_asked(SkippedEvents(DeadLetter, "test"))
        return REPLICATION.rebuilds()[name]

    def test_it_mends_what_events_alone_would_leave_and_spares_the_other_replica(
        self, owners: tuple[EventSource, EventSource]
    ) -> None:
        booking, seats = owners
        for name, version in (("Ana", 1), ("Bo", 2)):
            told = customer(name, version)
            booking.emit(told["type"], told["data"], version)
        seats.emit("PerformanceAnnounced", announced(1)["data"], 1)
        apply(customer("Wrong", 2), customer("Gone", 1, id=7), announced(1, price=1))
        ReplicaCheckpoint.objects.filter(source="seats").update(horizon=5, applied=3)
        done = self.rebuild("customers")
        assert (done["events"], done["skipped"], done["failure"]) == (2, 0, "")
        assert done["done_at"] is not None
        assert list(CustomerReplica.objects.values_list("id", "name")) == [(1042, "Bo")]
        assert set(SeatReplica.objects.values_list("price", flat=True)) == {1}
        rows = {row.source: row for row in ReplicaCheckpoint.objects.all()}
        assert (rows["booking"].applied, rows["seats"].applied, rows["seats"].horizon) == (2, 3, 5)
        assert rows["booking"].horizon > 0
        self.rebuild("seats")
        assert set(SeatReplica.objects.values_list("price", flat=True)) == {4500}

    def test_an_owner_that_is_down_leaves_the_copy_as_it_is(
        self, owners: tuple[EventSource, EventSource], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("messaging.events.replication.LOCKED_S", 0.3)
        booking, _ = owners
        apply(customer("Ana", 1))
        booking.down = True
        assert "503" in self.rebuild("customers")["failure"]
        assert CustomerReplica.objects.get().name == "Ana"
        booking.down = False
        assert self.rebuild("customers")["failure"] == ""
        assert not CustomerReplica.objects.exists(), "the owner has no customer"


def test_a_name_that_no_replica_has_is_told_with_those_there_are(redis: Redis) -> None:
    with pytest.raises(UnknownReplica, match="customers, seats"):
        REPLICATION.ask_to_rebuild("payments")
    assert not ReplicaRebuild.objects.exists()


def test_the_command_lists_and_refuses(
    redis: Redis, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(settings, "SERVICE", "tickets")
    call_command("replicas")
    assert capsys.readouterr().out.count("nothing read yet") == 2
    with pytest.raises(CommandError, match="which one"):
        call_command("replicas", "rebuild")
    with pytest.raises(CommandError, match="sandbox start replicator-tickets"):
        call_command("replicas", "rebuild", "customers")
    redis.set("alive:replicator-tickets", "1")
    with pytest.raises(CommandError, match="no replica 'halls'"):
        call_command("replicas", "rebuild", "halls")
    monkeypatch.setattr("messaging.management.commands.replicas.PATIENCE_S", 0.0)
    with pytest.raises(CommandError, match="has not rebuilt customers"):
        call_command("replicas", "rebuild", "customers")
    monkeypatch.setattr(settings, "SERVICE", "payments")
    with pytest.raises(CommandError, match="keeps no copies"):
        call_command("replicas")
    assert of_service("payments") is None

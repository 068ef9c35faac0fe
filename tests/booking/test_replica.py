"""Booking's copy of the performances: newer announcements win, whatever the order they come in."""

from typing import Any

import pytest

from booking.models import PerformanceReplica, ReplicaCheckpoint
from booking.replica import replica
from messaging.events.cursor import Cursor
from messaging.events.follow import CursorsMovedError
from tests.messages import new_id

pytestmark = pytest.mark.django_db(databases=["booking"])


def announced(version: int, title: str = "Concert", labels: tuple[str, ...] = ("A-1", "A-2")) -> dict[str, Any]:
    seats = [
        {
            "id": number,
            "label": label,
            "section": "Stalls",
            "row": "A",
            "number": number,
            "price": 150_000,
            "currency": "KRW",
            "status": "AVAILABLE",
            "booking_id": None,
            "version": 1,
        }
        for number, label in enumerate(labels)
    ]
    data = {
        "id": "concert",
        "title": title,
        "venue": "Hall",
        "starts_at": "2030-01-01T20:00:00+00:00",
        "currency": "KRW",
        "seats": seats,
    }
    return {
        "id": new_id(),
        "source": "/seats",
        "type": "PerformanceAnnounced",
        "kind": "event",
        "data": data,
        "version": version,
    }


def test_newer_wins_in_one_batch_and_over_several() -> None:
    replica().apply([announced(2, "Second"), announced(1, "First")], [], {})
    replica().apply([announced(1, "First")], [], {})
    assert PerformanceReplica.objects.get().title == "Second"
    replica().apply([announced(3, "Third", ("A-1", "A-2", "A-3"))], [], {})
    found = PerformanceReplica.objects.get()
    assert (found.title, found.labels, found.version) == ("Third", ["A-1", "A-2", "A-3"], 3)


def test_prices_come_with_the_seats_also_into_a_copy_from_before_there_were_any() -> None:
    replica().apply([announced(2)], [], {})
    PerformanceReplica.objects.update(prices=[], currency="")
    replica().apply([announced(2)], [], {})
    found = PerformanceReplica.objects.get()
    assert (found.labels, found.prices, found.currency) == (["A-1", "A-2"], [150_000, 150_000], "KRW")


def test_cursor_is_saved_with_the_rows_and_other_events_are_passed_over() -> None:
    projector = replica()
    assert projector.load() == [Cursor(source="seats")]
    cursor = Cursor(source="seats", stream_id="5-0", event_id=new_id(), horizon=7, pending=2**63 - 1)
    projector.apply([{**announced(1), "type": "SeatsReserved", "data": {}}], [cursor], {"seats": 3})
    assert replica().load() == [cursor]
    assert not PerformanceReplica.objects.exists()
    projector.apply([announced(1)], [cursor], {"seats": 0})
    assert ReplicaCheckpoint.objects.get().applied == 1


def test_a_replicator_whose_cursor_was_set_back_writes_nothing_and_reads_again_from_there() -> None:
    """As a migration does that needs the whole log read once more."""
    projector = replica()
    projector.load()
    projector.apply([announced(1, "First")], [Cursor(source="seats", horizon=7)], {})
    ReplicaCheckpoint.objects.update(horizon=0)
    for write in (projector.check, lambda: projector.apply([announced(2, "Second")], [], {})):
        with pytest.raises(CursorsMovedError):
            write()
    assert PerformanceReplica.objects.get().title == "First"
    assert projector.load() == [Cursor(source="seats")]
    projector.apply([announced(2, "Second")], [], {})
    assert PerformanceReplica.objects.get().title == "Second"

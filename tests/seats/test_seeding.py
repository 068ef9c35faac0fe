import pytest
from django.core.management import call_command
from django.db.models.functions import Now

from seats.models import Outbox, Performance, Seat

pytestmark = pytest.mark.django_db(databases=["seats"])


def test_the_demo_has_the_textbooks_seat_and_can_be_seeded_twice(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("seed_seats")
    call_command("seed_seats")
    assert Performance.objects.get(pk="concert-2024").seats.count() == 510
    assert Performance.objects.get(pk="studio-night").seats.count() == 96
    seat = Seat.objects.select_related("performance").get(performance="concert-2024", label="A-15")
    assert (seat.price, seat.performance.currency) == (150_000, "KRW")
    assert [row.pk for row in Performance.objects.filter(starts_at__lt=Now())] == ["concert-2019"]
    assert [row.type for row in Outbox.objects.all()] == ["PerformanceAnnounced"] * 3


def test_the_announcement_holds_every_seat() -> None:
    call_command("seed_seats")
    event = Outbox.objects.get(subject="studio-night")
    assert len(event.data["seats"]) == 96
    assert event.data["seats"][0] | {"id": 0} == {
        "id": 0, "label": "A-1", "section": "Floor", "row": "A", "number": 1, "price": 4_500, "currency": "EUR",
        "status": "AVAILABLE", "booking_id": None, "version": 1,
    }  # fmt: skip

"""manage.py seed_seats: the performances of the demo. Safe to repeat."""

from datetime import datetime, timedelta
from string import ascii_uppercase
from typing import Any

from django.core.management.base import BaseCommand

from messaging.database import Database
from seats.models import Outbox
from seats.transactions import Programme, SeatBlock, announce

ROWS = (*ascii_uppercase, "AA", "AB", "AC", "AD")
HALL = (
    # A-15, the textbook's seat, costs 150,000 KRW: a currency without minor unit
    SeatBlock("Stalls", ROWS[:10], 17, 150_000),
    SeatBlock("Mezzanine", ROWS[10:20], 17, 110_000),
    SeatBlock("Balcony", ROWS[20:], 17, 70_000),
)


def studio(floor: int, gallery: int) -> tuple[SeatBlock, ...]:
    return SeatBlock("Floor", ROWS[:5], 12, floor), SeatBlock("Gallery", ROWS[5:8], 12, gallery)


class Command(BaseCommand):
    help = "Announce the performances of the demo, unless they have been."

    def handle(self, *args: Any, **options: Any) -> None:
        db = Database.of(Outbox)
        today = _midnight(db)
        programmes = (
            Programme(
                id="concert-2024", title="Concert 2024", venue="Grand Hall", currency="KRW", blocks=HALL,
                starts_at=today + timedelta(days=60, hours=19, minutes=30),
            ),
            Programme(
                id="studio-night", title="Studio Night", venue="The Studio", currency="EUR", blocks=studio(4_500, 3_000),
                starts_at=today + timedelta(days=21, hours=20),
            ),
            Programme(
                id="concert-2019", title="Concert 2019", venue="The Studio", currency="KRW", blocks=studio(90_000, 60_000),
                starts_at=today - timedelta(days=365, hours=-19),
            ),
        )  # fmt: skip
        for programme in programmes:
            state = "announced" if announce(db, programme) else "was there"
            self.stdout.write(f"{programme.id}: {state}")


def _midnight(db: Database) -> datetime:
    """The day by the database's clock."""
    ((today,),) = db.rows("select date_trunc('day', clock_timestamp())")
    return today

"""manage.py replicate: keep Booking's copy of the performances up to date."""

from typing import Any

from django.core.management.base import BaseCommand

from booking.models import DeadLetter
from booking.replica import replica
from messaging.events.follow import follow
from messaging.events.reader import Reader, event_apis
from messaging.events.skipped import SkippedEvents
from messaging.postgresql.bounded import be_patient
from messaging.process.heartbeat import Heartbeat
from messaging.process.lifecycle import Stopping
from messaging.process.redis import impatient_redis


class Command(BaseCommand):
    help = "Follow Seat's events into Booking's replica of the performances. Ends on SIGTERM."

    def handle(self, *args: Any, **options: Any) -> None:
        be_patient(30)
        stopping, redis = Stopping(), impatient_redis()
        projector = replica()
        reader = Reader("replicator", redis=redis, apis=event_apis(projector.view.sources))
        skipped = SkippedEvents(DeadLetter, reader.name)
        follow(
            reader, projector.load, projector.apply, stopping,
            skipped=skipped, beat=Heartbeat(redis, "replicator").beat, check=projector.check,
        )  # fmt: skip

"""manage.py replicate: keep Booking's copy of the performances up to date."""

from typing import Any

from django.core.management.base import BaseCommand

from booking.replica import SOURCE, apply, load
from messaging.follow import follow
from messaging.heartbeat import Heartbeat
from messaging.process import Stopping, impatient_redis
from messaging.reader import Reader, event_apis


class Command(BaseCommand):
    help = "Follow Seat's events into Booking's replica of the performances. Ends on SIGTERM."

    def handle(self, *args: Any, **options: Any) -> None:
        stopping, redis = Stopping(), impatient_redis()
        reader = Reader("replicator", redis=redis, apis=event_apis([SOURCE]))
        follow(reader, load, apply, stopping, beat=Heartbeat(redis, "replicator").beat)

"""`manage.py project <view>`: the projector of one view, until SIGTERM."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from messaging.events.follow import follow
from messaging.events.projector import Injected, Projector
from messaging.events.reader import Reader, event_apis
from messaging.events.skipped import SkippedEvents
from messaging.postgresql.bounded import be_patient
from messaging.process.heartbeat import Heartbeat
from messaging.process.lifecycle import Stopping
from messaging.process.redis import impatient_redis
from projections.models import DeadLetter
from projections.views import checkpoints_of, named, program_of


class Command(BaseCommand):
    help = "Keep a view up to date with the events of its sources."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("view")

    def handle(self, *args: Any, **options: Any) -> None:
        view = named(options["view"])
        program = program_of(view)
        be_patient(30)
        stop, redis = Stopping(), impatient_redis()
        heartbeat = Heartbeat(redis, program)

        def alive() -> bool:
            heartbeat.beat()
            return not stop()

        projector = Projector(view, checkpoints_of(view), Injected(redis, "projections", program, alive))
        reader = Reader(program, redis=redis, apis=event_apis(view.sources))
        skipped = SkippedEvents(DeadLetter, program)
        follow(
            reader, projector.load, projector.apply, stop,
            skipped=skipped, beat=heartbeat.beat, check=projector.check,
        )  # fmt: skip

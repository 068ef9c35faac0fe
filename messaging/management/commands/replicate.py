"""`manage.py replicate`: keep the copies up to date that the service of SERVICE has of other services' rows."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from messaging.events.replication import of_service
from messaging.postgresql.bounded import be_patient
from messaging.process.lifecycle import Stopping
from messaging.process.redis import impatient_redis


class Command(BaseCommand):
    help = "Follow other services' events into the copies that a service keeps of their rows. Ends on SIGTERM."

    def handle(self, *args: Any, **options: Any) -> None:
        found = of_service(settings.SERVICE)
        if found is None:
            raise CommandError(f"SERVICE={settings.SERVICE} keeps no copies of other services' rows")
        replication, program = found
        be_patient(30)
        replication.run(program, impatient_redis(), Stopping())

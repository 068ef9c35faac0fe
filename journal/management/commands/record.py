"""`manage.py record`: the flight recorder."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from journal.recording.recorder import record
from messaging.process.lifecycle import Stopping
from messaging.process.redis import impatient_redis


class Command(BaseCommand):
    help = "Record every database's transactions, ordered by cause, from their write-ahead logs."

    def handle(self, *args: Any, **options: Any) -> None:
        missing = [alias for alias, url in settings.REPLICATION_URLS.items() if not url]
        if missing:
            raise CommandError("REPLICATION_URL_" + ", REPLICATION_URL_".join(missing).upper() + " not set")
        record(settings.REPLICATION_URLS, impatient_redis(), Stopping())

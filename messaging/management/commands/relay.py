"""`manage.py relay`: the relay of the service that SERVICE names."""

from typing import Any

from celery import current_app
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from messaging.database import Database
from messaging.outbox.relay import Relay
from messaging.process.lifecycle import Stopping
from messaging.process.redis import impatient_redis
from messaging.wal import WalStream


class Command(BaseCommand):
    help = "Relay the service's outbox: read it from the write-ahead log, publish to Redis Streams and Celery queues."

    def handle(self, *args: Any, **options: Any) -> None:
        service = next((one for one in settings.HOUSE.services if one.name == settings.SERVICE), None)
        if service is None:
            raise CommandError(f"SERVICE={settings.SERVICE} has no relay")
        url = settings.REPLICATION_URLS.get(service.database)
        if not url:
            raise CommandError(f"{settings.HOUSE.database(service.database).replication_url} is not set")
        stream = WalStream(url, slot=service.slot, publication=service.publication, name=f"relay-{service.name}")
        db = Database(service.database)
        Relay(service.name, stream, current_app, impatient_redis(), db).run(Stopping())

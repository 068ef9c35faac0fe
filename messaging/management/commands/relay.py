"""`manage.py relay`: the relay of the service that SERVICE names."""

from typing import Any

from celery import current_app
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from messaging.process import Stopping, impatient_redis
from messaging.relay import Relay
from messaging.wal import WalStream


class Command(BaseCommand):
    help = "Send the service's outbox: read it from the write-ahead log, publish to Redis Streams and Celery queues."

    def handle(self, *args: Any, **options: Any) -> None:
        service = settings.SERVICE
        url = settings.REPLICATION_URLS.get(service)
        if not url:
            raise CommandError(f"SERVICE={service} has no relay, or REPLICATION_URL_{service.upper()} is not set")
        stream = WalStream(url, slot="relay", publication="outbox", name=f"relay-{service}")
        Relay(service, stream, current_app, impatient_redis(), outbox=service).run(Stopping())

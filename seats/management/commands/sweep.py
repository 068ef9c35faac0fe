"""manage.py sweep: report expired holds to the orchestrator."""

import time
from typing import Any

from django.core.management.base import BaseCommand
from django.db import Error, close_old_connections

from messaging.database import Database
from messaging.postgresql.bounded import be_patient
from messaging.postgresql.kept import keep_connections
from messaging.process.heartbeat import Heartbeat
from messaging.process.lifecycle import Stopping
from messaging.process.outage import Outage, is_passing
from messaging.process.redis import impatient_redis
from seats.models import Outbox
from seats.transactions import report_expired
from topology.tuning import Seconds

EVERY_S: Seconds = 0.5  # between two looks for expired holds


class Command(BaseCommand):
    help = "Report expired holds to the orchestrator. Survives outages of PostgreSQL and Redis; ends on SIGTERM."

    def handle(self, *args: Any, **options: Any) -> None:
        be_patient(30)
        keep_connections()
        stopping, db = Stopping(), Database.of(Outbox)
        heartbeat, outage = Heartbeat(impatient_redis(), "sweeper-seats"), Outage("sweeper-seats: PostgreSQL")
        while not stopping():
            close_old_connections()
            try:
                report_expired(db)
                outage.over()
                heartbeat.beat()
            except Error as error:
                if not is_passing(error):
                    raise
                outage.failed(error)
                db.close()
            time.sleep(EVERY_S)

"""manage.py watchdog: report overdue sagas, and bookings whose saga has not started."""

import time
from typing import Any

from django.core.management.base import BaseCommand
from django.db import Error, close_old_connections, connections
from redis import RedisError

from booking.models import Outbox
from booking.watchdog import OWN_QUEUE, lags, patrol, services
from faults import held_bookings
from messaging.database import Database
from messaging.postgresql.bounded import be_patient
from messaging.postgresql.kept import keep_connections
from messaging.process.heartbeat import Heartbeat
from messaging.process.lifecycle import Stopping
from messaging.process.outage import Outage, is_passing
from messaging.process.redis import impatient_redis
from topology.tuning import Seconds

EVERY_S: Seconds = 0.3  # between two looks at what is overdue


class Command(BaseCommand):
    help = "Report overdue sagas to the orchestrator. Survives outages of PostgreSQL and Redis; ends on SIGTERM."

    def handle(self, *args: Any, **options: Any) -> None:
        be_patient(30)
        keep_connections()
        stopping, redis, db = Stopping(), impatient_redis(), Database.of(Outbox)
        heartbeat = Heartbeat(redis, "watchdog")
        redis_outage, database_outage = Outage("watchdog: Redis"), Outage("watchdog: PostgreSQL")
        while not stopping():
            close_old_connections()
            try:
                # Without Redis the load of the services is unknown, and nothing would arrive: wait for it.
                patrol(db, lags(redis, [OWN_QUEUE, *services()]), held_bookings(redis))
                redis_outage.over()
                database_outage.over()
                heartbeat.beat()
            except RedisError as error:
                redis_outage.failed(error)
            except Error as error:
                if not is_passing(error):
                    raise
                database_outage.failed(error)
                connections.close_all()
            time.sleep(EVERY_S)

"""The watchdog as a process: it says that it lives, reports, survives a broken connection, and ends when told."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connections
from redis import Redis

from booking.commands import handle
from booking.models import Outbox
from tests.booking.test_watchdog import time_passes
from tests.booking.world import place, start
from tests.waiting import wait_until

pytestmark = [pytest.mark.django_db(databases=["booking"], transaction=True), pytest.mark.usefixtures("shop", "redis")]

ROOT = Path(__file__).parents[2]


@pytest.fixture
def watchdog(shop: None) -> Iterator[subprocess.Popen[bytes]]:
    address = urlsplit(os.environ["DATABASE_URL_BOOKING"])
    database = connections["booking"].settings_dict["NAME"]
    environment = {
        "PATH": os.environ["PATH"],
        "SERVICE": "booking",
        "SECRET_KEY": "of-a-test",
        "DATABASE_URL_BOOKING": urlunsplit(address._replace(path=f"/{database}")),
        "REDIS_URL": os.environ["REDIS_URL"],
    }
    process = subprocess.Popen([sys.executable, "manage.py", "watchdog"], cwd=ROOT, env=environment)
    yield process
    process.kill()
    process.wait()


def break_its_connection() -> bool:
    with connections["booking"].cursor() as cursor:
        cursor.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where application_name = 'sagabox-booking' and datname = current_database()"
        )
        return bool(cursor.fetchall())


def reported() -> int:
    return Outbox.objects.filter(type="SagaOverdue").count()


def test_reports_survives_and_ends(watchdog: subprocess.Popen[bytes], redis: Redis) -> None:
    first, second = place(2)
    handle([start(first)])
    time_passes()
    wait_until(lambda: reported() == 1, 20, "the first overdue saga")
    wait_until(lambda: redis.exists("alive:watchdog"), 5, "a heartbeat")
    assert break_its_connection()
    handle([start(second)])
    with connections["booking"].cursor() as cursor:
        cursor.execute("update booking_saga set due_at = clock_timestamp() where booking_id = %s", [second.id])
    wait_until(lambda: reported() == 2, 20, "the second overdue saga")
    watchdog.terminate()
    assert watchdog.wait(timeout=5) == 0

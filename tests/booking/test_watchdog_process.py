"""The watchdog as a process: it says that it lives, reports, survives a broken connection, and ends when told."""

import subprocess
from collections.abc import Iterator

import pytest
from django.db import connections
from redis import Redis

from booking.commands import handle
from booking.models import Outbox
from tests.booking.test_watchdog import time_passes
from tests.booking.world import place, start
from tests.servers import cut_connections, program
from tests.waiting import wait_until

pytestmark = [pytest.mark.django_db(databases=["booking"], transaction=True), pytest.mark.usefixtures("shop", "redis")]


@pytest.fixture
def watchdog(shop: None) -> Iterator[subprocess.Popen[bytes]]:
    with program("booking", "watchdog") as process:
        yield process


def reported() -> int:
    return Outbox.objects.filter(type="SagaOverdue").count()


def test_reports_survives_and_ends(watchdog: subprocess.Popen[bytes], redis: Redis) -> None:
    first, second = place(2)
    handle([start(first)])
    time_passes()
    wait_until(lambda: reported() == 1, 20, "the first overdue saga")
    wait_until(lambda: redis.exists("alive:watchdog"), 5, "a heartbeat")
    assert cut_connections("booking")
    handle([start(second)])
    with connections["booking"].cursor() as cursor:
        cursor.execute("update booking_saga set due_at = clock_timestamp() where booking_id = %s", [second.id])
    wait_until(lambda: reported() == 2, 20, "the second overdue saga")
    watchdog.terminate()
    assert watchdog.wait(timeout=5) == 0

"""The sweeper as a process: it says that it lives, tells of expired holds, survives a broken connection, ends when told."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connections
from redis import Redis

from seats.models import Hold, Outbox
from tests.messages import new_id
from tests.waiting import wait_until

pytestmark = [pytest.mark.django_db(databases=["seats"], transaction=True), pytest.mark.usefixtures("redis")]

ROOT = Path(__file__).parents[2]


@pytest.fixture
def sweeper(performance: str) -> Iterator[subprocess.Popen[bytes]]:
    address = urlsplit(os.environ["DATABASE_URL_SEATS"])
    database = connections["seats"].settings_dict["NAME"]
    environment = {
        "PATH": os.environ["PATH"],
        "SERVICE": "seats",
        "SECRET_KEY": "of-a-test",
        "DATABASE_URL_SEATS": urlunsplit(address._replace(path=f"/{database}")),
        "REDIS_URL": os.environ["REDIS_URL"],
    }
    process = subprocess.Popen([sys.executable, "manage.py", "sweep"], cwd=ROOT, env=environment)
    yield process
    process.kill()
    process.wait()


def hold(performance: str, seconds: int) -> str:
    booking = new_id()
    with connections["seats"].cursor() as cursor:
        cursor.execute(
            "insert into seats_hold (id, performance_id, status, expires_at, amount, currency, version) "
            "values (%s, %s, 'HELD', clock_timestamp() + %s * interval '1 second', 1, 'KRW', 1)",
            [booking, performance, seconds],
        )
    return booking


def told() -> list[str]:
    return list(Outbox.objects.filter(type="HoldExpired").order_by("seq").values_list("correlation_id", flat=True))


def break_its_connection() -> bool:
    with connections["seats"].cursor() as cursor:
        cursor.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where application_name = 'sagabox-seats' and datname = current_database()"
        )
        return bool(cursor.fetchall())


def test_tells_survives_and_ends(sweeper: subprocess.Popen[bytes], redis: Redis, performance: str) -> None:
    first = hold(performance, -1)
    hold(performance, 600)
    wait_until(lambda: told() == [first], 20, "the first expired hold")
    wait_until(lambda: redis.exists("alive:sweeper-seats"), 5, "a heartbeat")
    assert break_its_connection()
    second = hold(performance, -1)
    wait_until(lambda: told() == [first, second], 20, "the second expired hold")
    assert set(Hold.objects.values_list("status", flat=True)) == {"HELD"}
    assert Outbox.objects.get(correlation_id=second).destination == "booking"
    sweeper.terminate()
    assert sweeper.wait(timeout=5) == 0

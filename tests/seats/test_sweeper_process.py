"""The sweeper as a process: it says that it lives, tells of expired holds, survives a broken connection, ends when told."""

import subprocess
from collections.abc import Iterator

import pytest
from django.db import connections
from redis import Redis

from seats.models import Hold, Outbox
from tests.messages import new_id
from tests.servers import cut_connections, program
from tests.waiting import wait_until

pytestmark = [pytest.mark.django_db(databases=["seats"], transaction=True), pytest.mark.usefixtures("redis")]


@pytest.fixture
def sweeper(performance: str) -> Iterator[subprocess.Popen[bytes]]:
    with program("seats", "sweep") as process:
        yield process


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


def test_tells_survives_and_ends(sweeper: subprocess.Popen[bytes], redis: Redis, performance: str) -> None:
    first = hold(performance, -1)
    hold(performance, 600)
    wait_until(lambda: told() == [first], 20, "the first expired hold")
    wait_until(lambda: redis.exists("alive:sweeper-seats"), 5, "a heartbeat")
    assert cut_connections("seats")
    second = hold(performance, -1)
    wait_until(lambda: told() == [first, second], 20, "the second expired hold")
    assert set(Hold.objects.values_list("status", flat=True)) == {"HELD"}
    assert Outbox.objects.get(correlation_id=second).destination == "booking"
    sweeper.terminate()
    assert sweeper.wait(timeout=5) == 0

"""The replicator as a process: it keeps Booking's copy of the performances, also when its cursor is set back."""

import subprocess
from collections.abc import Iterator

import pytest
from redis import Redis

from booking.models import PerformanceReplica, ReplicaCheckpoint
from tests.event_source import EventSource, serving
from tests.servers import cut_connections, program
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(databases=["booking", "seats"], transaction=True)
PATIENCE = 30


@pytest.fixture
def seats(redis: Redis) -> Iterator[EventSource]:
    source = EventSource("seats", redis)
    with serving(source):
        yield source


@pytest.fixture
def replicator(seats: EventSource) -> Iterator[subprocess.Popen[bytes]]:
    with program("booking", "replicate", API_URL_SEATS=seats.url) as process:
        yield process


def announce(seats: EventSource, title: str, version: int) -> None:
    data = {"id": "concert", "title": title, "venue": "Hall", "starts_at": "2030-01-01T20:00:00Z", "currency": "KRW"}
    seats.emit("PerformanceAnnounced", {**data, "seats": []}, version)
    seats.publish()


def titled(title: str) -> bool:
    return list(PerformanceReplica.objects.values_list("title", flat=True)) == [title]


def test_it_follows_survives_and_reads_again(
    seats: EventSource, replicator: subprocess.Popen[bytes], redis: Redis
) -> None:
    announce(seats, "First", 1)
    wait_until(lambda: titled("First"), PATIENCE, "the first announcement")
    assert cut_connections("booking")
    announce(seats, "Second", 2)
    wait_until(lambda: titled("Second"), PATIENCE, "the second announcement")
    wait_until(lambda: ReplicaCheckpoint.objects.get().stream_id != "0-0", PATIENCE, "its cursor")
    PerformanceReplica.objects.all().delete()
    ReplicaCheckpoint.objects.update(stream_id="0-0", event_id="", horizon=0, pending=2**63 - 1)
    wait_until(lambda: titled("Second"), PATIENCE, "both, read again, though no event comes")
    wait_until(lambda: redis.exists("alive:replicator"), PATIENCE, "a heartbeat")
    replicator.terminate()
    assert replicator.wait(timeout=10) == 0

"""The projector as a process: it says that it lives, outlives PostgreSQL and Redis, and goes when told."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis

from tests.event_source import EventSource, serving
from tests.projections.story import BOOKINGS, booking
from tests.servers import PostgresServer, postgres_servers, redis_server_in
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 30
pytestmark = pytest.mark.django_db(databases=["booking"], transaction=True)


def manage(environment: dict[str, str], *arguments: str) -> subprocess.Popen[bytes]:
    # Settings have been read by this process; the other one must find its own.
    cleared = {
        name: value for name, value in os.environ.items() if not name.startswith(("DATABASE_URL_", "ADMIN_URL_"))
    }
    return subprocess.Popen([sys.executable, "manage.py", *arguments], cwd=ROOT, env=cleared | environment)


@contextmanager
def projecting(environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    child = manage(environment, "project", "bookings")
    try:
        yield child
    finally:
        child.kill()
        child.wait()


def state_is(postgres: PostgresServer, state: str) -> bool:
    with postgres.connect() as connection:
        return connection.execute("select state from projections_bookingview").fetchall() == [(state,)]


def test_it_outlives_its_servers(redis: Redis, tmp_path: Path) -> None:
    source = EventSource("booking", redis)
    with serving(source), postgres_servers("projections") as servers, redis_server_in(tmp_path) as broker:
        postgres, source.redis = servers["projections"], broker.client()
        environment = {"SERVICE": "projections", "DATABASE_URL_PROJECTIONS": postgres.url, "REDIS_URL": broker.url}
        # Nobody listens at port 9: three of the four sources are away all the time.
        nowhere = {f"API_URL_{name}": "http://127.0.0.1:9" for name in ("SEATS", "PAYMENTS", "TICKETS")}
        environment |= nowhere | {"API_URL_BOOKING": source.url}
        assert manage(environment, "migrate", "--database=projections", "--verbosity=0").wait(60) == 0

        def happens(version: int, state: str) -> None:
            event = booking(BOOKINGS[0], version, state)
            source.emit(event["type"], event["data"], version)

        with projecting(environment) as child:
            happens(1, "PENDING")
            source.publish()
            wait_until(lambda: state_is(postgres, "PENDING"), PATIENCE, "the first event")
            wait_until(lambda: broker.client().get("alive:projector-bookings"), PATIENCE, "a heartbeat")

            postgres.crash()
            happens(2, "RESERVING")
            source.publish()
            postgres.start()
            wait_until(lambda: state_is(postgres, "RESERVING"), PATIENCE, "the view after PostgreSQL's crash")

            broker.end(signal.SIGKILL)
            broker.lose_data()
            happens(3, "PAYING")
            wait_until(lambda: state_is(postgres, "PAYING"), PATIENCE, "the view without Redis")
            broker.start()
            happens(4, "CONFIRMED")
            source.publish(restarted=True)
            wait_until(lambda: state_is(postgres, "CONFIRMED"), PATIENCE, "the view after Redis lost its data")

            asked = time.monotonic()
            child.terminate()
            assert child.wait(PATIENCE) == 0
            assert time.monotonic() - asked < 3

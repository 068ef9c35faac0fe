"""The replicator as a process, with its own role and nobody else's: it fills closed copies, and rebuilds one when it is asked."""

import os
import subprocess
from collections.abc import Iterator

import psycopg
import pytest
from django.db import connections
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from redis import Redis

from control.setup.closing import close_tables
from sandbox.testing import url_of
from tests.event_source import EventSource, serving
from tests.servers import program
from tests.tickets.test_replicas import announced, customer
from tests.waiting import wait_until
from tickets.models import CustomerReplica, SeatReplica
from tickets.replicas import REPLICATION
from tickets.topology import SERVICE

pytestmark = pytest.mark.django_db(databases=["booking", "seats", "tickets"], transaction=True)
PATIENCE = 30
ROLE = "tickets_replicator"


@pytest.fixture
def owners(redis: Redis) -> Iterator[tuple[EventSource, EventSource]]:
    booking, seats = EventSource("booking", redis), EventSource("seats", redis)
    with serving(booking, seats):
        yield booking, seats


@pytest.fixture
def closed() -> Iterator[psycopg.Connection]:
    """As the owner of the closed tables. They are opened again for the other tests."""
    name = str(connections["tickets"].settings_dict["NAME"])
    with psycopg.connect(url_of(os.environ, "tickets", "postgres", name), autocommit=True) as superuser:
        superuser.execute(sql.SQL("grant connect, temporary on database {} to {}").format(
            sql.Identifier(name), sql.Identifier(ROLE)))  # fmt: skip
    with psycopg.connect(url_of(os.environ, "tickets", "tickets", name), autocommit=True) as owner:
        close_tables(owner, "tickets")
        yield owner
        assert SERVICE.replicas is not None
        for table in SERVICE.replicas.tables:
            owner.execute(sql.SQL("grant all on {} to current_user").format(sql.Identifier(table)))


@pytest.fixture
def replicator(
    owners: tuple[EventSource, EventSource], closed: psycopg.Connection
) -> Iterator[subprocess.Popen[bytes]]:
    booking, seats = owners
    urls = {
        "DATABASE_URL_TICKETS": "",
        SERVICE.replica_url: as_url(url_of(os.environ, "tickets", ROLE, closed.info.dbname)),
        "API_URL_BOOKING": booking.url,
        "API_URL_SEATS": seats.url,
    }
    with program("tickets", "replicate", **urls) as process:
        yield process


def as_url(conninfo: str) -> str:
    return "postgresql://{user}:{password}@{host}:{port}/{dbname}".format_map(conninfo_to_dict(conninfo))


def named(*names: str) -> bool:
    return list(CustomerReplica.objects.order_by("id").values_list("name", flat=True)) == list(names)


def tell(booking: EventSource, name: str, version: int) -> None:
    told = customer(name, version)
    booking.emit(told["type"], told["data"], version)
    booking.publish()


def test_it_fills_follows_and_rebuilds(
    owners: tuple[EventSource, EventSource],
    replicator: subprocess.Popen[bytes],
    closed: psycopg.Connection,
    redis: Redis,
) -> None:
    booking, seats = owners
    seats.emit("PerformanceAnnounced", announced(1)["data"], 1)
    tell(booking, "Ana", 1)
    wait_until(lambda: named("Ana") and SeatReplica.objects.count() == 2, PATIENCE, "the copies")
    tell(booking, "Bo", 2)
    wait_until(lambda: named("Bo"), PATIENCE, "the new name")
    wait_until(lambda: [one.events for one in REPLICATION.state(redis)] == [0, 0], PATIENCE, "nothing left to read")
    with closed.transaction():
        closed.execute("grant all on tickets_customerreplica to current_user; delete from tickets_customerreplica")
        closed.execute("revoke insert, update, delete, truncate on tickets_customerreplica from current_user")
    assert REPLICATION.ask_to_rebuild("customers")
    wait_until(lambda: REPLICATION.rebuilds()["customers"]["done_at"], PATIENCE, "the rebuild")
    assert named("Bo")
    assert REPLICATION.rebuilds()["customers"]["events"] == 2
    tell(booking, "Cy", 3)
    wait_until(lambda: named("Cy"), PATIENCE, "an event after the rebuild")
    replicator.terminate()
    assert replicator.wait(timeout=10) == 0

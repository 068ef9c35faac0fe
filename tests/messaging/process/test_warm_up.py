"""The warm-up of a worker: it leaves nothing behind, and the first message after it is as quick as any."""

import os
import subprocess
import sys
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

import pytest
from celery import Celery
from django.apps import apps
from django.db import connections
from redis import Redis

from faults import Action, Fault, Point, arm, listing
from messaging.outbox.publisher import Publisher
from messaging.process.warm_up import warm_up
from tests.messaging.outbox.relaying import batch_of
from tests.servers import RedisServer
from topology.chosen import HOUSE

SERVICES = [one.name for one in HOUSE.services]
WORKER = """
import sys
import django
django.setup()
from importlib import import_module
from django.db import connections
from messaging.postgresql import base
from messaging.process.warm_up import warm_up
from redis.connection import Connection
opened = []
def counted(connect):
    def opens(*arguments, **options):
        opened.append(connect)
        return connect(*arguments, **options)
    return opens
base._Driver.connect = staticmethod(counted(base._Driver.connect))
Connection._connect = counted(Connection._connect)
commands = lambda: import_module("payments.commands")
if sys.argv[1] == "warm":
    warm_up("worker-payments", lambda: commands().rehearse())
for number in range(2):
    known = len(sys.modules), len(opened)
    module = commands()
    from messaging.process.warm_up import made_up
    booking = f"0198c0de-0000-7000-8000-00000000000{number}"
    module.handle([made_up(module.TakePayment(
        booking_id=booking, customer_id=1, amount=1, currency="KRW", payment_method="tok_visa"))])
    print(len(sys.modules) - known[0], len(opened) - known[1])
"""


def rows(service: str) -> dict[str, int]:
    return {one._meta.db_table: one._default_manager.count() for one in apps.get_app_config(service).get_models()}


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.django_db(databases=SERVICES, transaction=True)
def test_a_rehearsal_leaves_nothing_behind(service: str, redis: Redis) -> None:
    before = rows(service)
    written: set[str] = set()

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        written.update(table for table in before if f"insert into {table} " in sql and context["cursor"].rowcount)
        return result

    with connections[service].execute_wrapper(watch):
        import_module(f"{service}.commands").rehearse()
    assert f"{service}_outbox" in written, "the control: it did write what the first message writes"
    assert rows(service) == before
    assert redis.keys() == []


@pytest.mark.django_db(databases=["payments"], transaction=True)
def test_no_fault_strikes_a_rehearsal(redis: Redis) -> None:
    arm(redis, Fault(service="payments", point=Point.ANSWER, action=Action.REFUSE))
    import_module("payments.commands").rehearse()
    (armed,) = listing(redis)
    assert armed.fired == armed.passes == 0


@pytest.mark.django_db(databases=["payments"], transaction=True)
def test_a_relay_warms_up_the_way_through_the_broker_with_a_batch_of_none(
    redis: Redis, redis_server: RedisServer
) -> None:
    publisher = Publisher(Celery("test", broker=redis_server.url), redis, "payments")
    publisher.rehearse()
    message: Any = redis.rpop("payments")
    assert batch_of(message) == []
    before = rows("payments")
    import_module("payments.commands").handle(batch_of(message))
    assert rows("payments") == before
    assert not redis.exists("payments", "events.payments")


def test_a_process_starts_whose_servers_are_away(caplog: pytest.LogCaptureFixture) -> None:
    done = []

    def away() -> None:
        raise OSError("nobody there")

    warm_up("worker-seats", away, lambda: done.append("the step after"))
    assert "worker-seats starts without a warm-up" in caplog.text
    assert not done


@pytest.mark.django_db(databases=["payments"], transaction=True)
def test_the_first_message_after_a_warm_up_does_not_wait_for_imports_and_connections() -> None:
    """In a process of its own. The control is one that has not warmed up."""
    (modules, opened), second = first_and_second("cold")
    assert modules > 20
    assert opened >= 2, "PostgreSQL and Redis"
    assert second == (0, 0)
    assert first_and_second("warm") == [(0, 0), (0, 0)]


def first_and_second(how: str) -> list[tuple[int, int]]:
    """How many modules each message imports, and how many connections it opens."""
    name = connections["payments"].settings_dict["NAME"]
    url = urlsplit(os.environ["DATABASE_URL_PAYMENTS"])._replace(path=f"/{name}").geturl()
    environment = {**os.environ, "SERVICE": "payments", "DATABASE_URL_PAYMENTS": url}
    run = subprocess.run(
        [sys.executable, "-c", WORKER, how], env=environment, capture_output=True, text=True, check=True
    )
    first, second = (line.split() for line in run.stdout.splitlines())
    return [(int(modules), int(opened)) for modules, opened in (first, second)]

"""Connections that a program keeps: statements are planned once, and an ended connection is noticed before the next statement."""

import os
from collections.abc import Iterator

import psycopg
import pytest
from django.db import OperationalError, connections

from messaging.database import Database
from messaging.postgresql import kept
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(databases=["payments"], transaction=True)
PAYMENTS = Database("payments")


@pytest.fixture(autouse=True)
def _keep() -> Iterator[None]:
    before = connections["payments"]
    kept.keep_connection("payments")
    yield
    connections["payments"].close()
    connections["payments"] = before


def backend() -> int:
    ((pid,),) = PAYMENTS.rows("select pg_backend_pid()")
    return int(pid)


def end(pid: int) -> None:
    """As a restart of the server does."""
    with psycopg.connect(os.environ["ADMIN_URL_PAYMENTS"], autocommit=True) as admin:
        admin.execute("select pg_terminate_backend(%s)", [pid])
        running = "select from pg_stat_activity where pid = %s"
        wait_until(lambda: admin.execute(running, [pid]).fetchone() is None, 10, "the backend to end")


def test_a_connection_that_its_server_has_ended_is_replaced() -> None:
    first = backend()
    end(first)
    kept.close_if_cut("payments")
    assert backend() != first


def test_control_without_the_look_the_next_statement_fails() -> None:
    end(backend())
    with pytest.raises(OperationalError):
        backend()


def test_another_one_stays() -> None:
    first = backend()
    kept.close_if_cut("payments")
    assert backend() == first


def test_a_statement_is_planned_once_for_all_values() -> None:
    statement = "select status from payments_payment where booking_id = any (%s::uuid[])"
    for count in range(3):
        PAYMENTS.rows(statement, [["00000000-0000-4000-8000-000000000000"] * count])
    found = PAYMENTS.rows(
        "select generic_plans, custom_plans from pg_prepared_statements where statement like '%%payments_payment%%'"
        " and statement not like %s", ["%pg_prepared%"],
    )  # fmt: skip
    assert found == [(3, 0)]

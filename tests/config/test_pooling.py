"""A pool whose server had no free connections is of use again as soon as there are some."""

import os
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connections

from config import pooling
from messaging.process.outage import is_passing

pytestmark = pytest.mark.django_db(databases=["payments"], transaction=True)


@pytest.fixture
def pooled() -> Iterator[Any]:
    """A connection of Payment's, by a pool as its processes have it."""
    wrapper: Any = connections["payments"].copy("pooled-payments")
    wrapper.settings_dict["CONN_MAX_AGE"] = 0
    wrapper.settings_dict["OPTIONS"] = {
        **wrapper.settings_dict["OPTIONS"],
        "pool": {**pooling.options(2), "timeout": 2.5},
    }
    yield wrapper
    wrapper.close()
    wrapper.close_pool()


def allow(connections_of_payments: int) -> None:
    with psycopg.connect(os.environ["ADMIN_URL_PAYMENTS"], autocommit=True) as admin:
        admin.execute(f"alter role payments connection limit {connections_of_payments}".encode())


def test_a_pool_is_back_at_once(pooled: Any) -> None:
    role = connections["payments"].settings_dict["USER"]
    assert role == "payments"
    allow(0)
    try:
        for _ in range(3):  # by then psycopg_pool itself would rest for eight seconds
            began = time.monotonic()
            with pytest.raises(OperationalError) as refused:
                pooled.ensure_connection()
            assert is_passing(refused.value)
            assert time.monotonic() - began < pooling.WAIT_S + 1
    finally:
        allow(-1)
    began = time.monotonic()
    pooled.ensure_connection()
    assert time.monotonic() - began < 1.5

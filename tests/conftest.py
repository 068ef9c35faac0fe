"""Real PostgreSQL and Redis for all tests, started before Django reads its settings (which need their addresses).

The ini file names no settings module, because pytest-django would load it before this file. `transaction=True` tests commit for
real; what they leave is removed with DELETE, which takes 8 ms where Django's own TRUNCATE takes 84, and which spares the rows
that migrations put there.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import django
import pytest
from redis import Redis

from sandbox.testing import infrastructure

_running = ExitStack()
REFERENCE = {"payments_paymentmethod"}  # filled by a migration


def _start_servers() -> None:
    directory = Path(tempfile.mkdtemp(prefix="sagabox-tests-"))
    _running.callback(shutil.rmtree, directory, ignore_errors=True)
    os.environ.update(_running.enter_context(infrastructure(directory)))


def pytest_unconfigure() -> None:
    _running.close()


# At import, since conftest files further down import models. With pytest-xdist the workers inherit the controller's servers.
if "PYTEST_XDIST_WORKER" not in os.environ:
    _start_servers()
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
django.setup()

from django.db import connections, transaction  # noqa: E402
from django.test import TransactionTestCase  # noqa: E402

from messaging.inbox.dead_letters import OpenLetters  # noqa: E402
from messaging.process.redis import redis_client  # noqa: E402
from tests.covering import pytest_runtest_call  # noqa: E402, F401
from tests.live import live  # noqa: E402, F401


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The quick tests first; the browser's last: from then on Playwright keeps an event loop running in this thread."""
    items.sort(key=lambda item: ("flow" in item.path.parts) + 2 * ("browser" in item.path.parts))


def _delete_rows(test_case: TransactionTestCase) -> None:
    """Instead of TransactionTestCase's flush: delete all rows of the databases the test may use."""
    for alias in test_case.databases:
        tables = connections[alias].introspection.django_table_names(only_existing=True, include_views=False)
        statements = [f'delete from "{table}"' for table in sorted(set(tables) - REFERENCE)]
        with transaction.atomic(using=alias), connections[alias].cursor() as cursor:  # foreign keys wait for the commit
            cursor.execute("; ".join(statements))


TransactionTestCase._fixture_teardown = _delete_rows  # type: ignore[attr-defined]


@pytest.fixture
def no_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    """For counting statements: the look for open dead letters comes by the clock, once a second, not with the batch."""
    monkeypatch.setattr(OpenLetters, "succeeded", lambda self, db, envelopes: None)


@pytest.fixture
def redis() -> Iterator[Redis]:
    """The run's Redis, empty."""
    client = redis_client()
    client.flushdb()
    yield client
    client.flushdb()

"""The console when its PostgreSQL stands still (SIGSTOP): it connects, and answers nothing."""

import threading
import time
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.test import Client

from dashboard.console import query
from dashboard.console.query import Refusal, Result, run
from tests.breaking import frozen
from tests.servers import PostgresServer, postgres_servers
from tests.waiting import wait_until

pytestmark = [pytest.mark.django_db(databases=["journal", "projections"]), pytest.mark.urls("dashboard.urls")]
LONGEST_S = query.DEADLINE_S + 0.5


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_servers("frozen") as servers:
        yield servers["frozen"]


def test_a_frozen_server_is_not_waited_for(server: PostgresServer) -> None:
    with frozen(server.pid):
        began = time.monotonic()
        found = run(server.url, "select 1")
        assert time.monotonic() - began < LONGEST_S
    assert isinstance(found, Refusal)
    assert found.away
    assert "does not answer" in found.message
    assert run(server.url, "select 1").rows == [["1"]]  # type: ignore[union-attr]


def test_one_that_freezes_at_a_statement_is_not_waited_for(server: PostgresServer) -> None:
    found: list[Result | Refusal] = []
    thread = threading.Thread(target=lambda: found.append(run(server.url, "select pg_sleep(1)")))
    with server.connect() as watch:
        thread.start()
        asked = "select from pg_stat_activity where application_name = 'sagabox-console' and state = 'active'"
        wait_until(lambda: watch.execute(asked).rowcount, 5, "the statement to run")
        with frozen(server.pid):
            began = time.monotonic()
            thread.join(2 * LONGEST_S)
            assert not thread.is_alive()
            assert time.monotonic() - began < LONGEST_S
    assert isinstance(found[0], Refusal)
    assert found[0].away
    assert found[0].message == query.TOO_LONG


def test_the_page_says_so_with_503(server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.CONSOLE_URLS, "seats", server.url)
    ask = {"service": "seats", "sql": "select 1"}
    assert Client(HTTP_HOST="localhost").post("/console/run", ask).status_code == 200
    with frozen(server.pid):
        began = time.monotonic()
        answer = Client(HTTP_HOST="localhost").post("/console/run", ask)
        assert time.monotonic() - began < LONGEST_S
        assert answer.status_code == 503
        assert "does not answer" in answer.content.decode()
        assert Client(HTTP_HOST="localhost").get("/console").status_code == 200
        assert time.monotonic() - began < 2 * LONGEST_S
    assert Client(HTTP_HOST="localhost").post("/console/run", {**ask, "sql": "select 1 / 0"}).status_code == 200

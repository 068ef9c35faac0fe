"""Exports that nobody reads to their end give their connection back, wherever their reader went."""

import asyncio
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.core.asgi import get_asgi_application
from django.db import connections

from journal.archive import exporting
from journal.runs import lifecycle, runs_api
from journal.runs.runs_api import EXPORTS
from tests.journal.archive.world import begin, wipe
from tests.waiting import wait_until

pytestmark = [pytest.mark.django_db(databases=["journal"], transaction=True), pytest.mark.urls("tests.journal.urls")]
HELD = "select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'"


@pytest.fixture
def run() -> Iterator[UUID]:
    wipe()
    begin()
    yield lifecycle.start("abandoned", "", [])
    wipe()


def held() -> int:
    with connections["journal"].cursor() as cursor:
        cursor.execute(HELD)
        return int(cursor.fetchall()[0][0])


class Reader:
    """Reads an export over ASGI and goes away: after `parts` parts, or, where it takes none any more, while one is being sent."""

    def __init__(self, parts: int, *, deaf: bool) -> None:
        self._parts, self._deaf, self._asked = parts, deaf, False
        self.gone = asyncio.Event()
        self.taken = 0

    async def receive(self) -> Any:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, event: Any) -> None:
        self.taken += event["type"] == "http.response.body"
        if self.taken >= self._parts:
            self.gone.set()
            if self._deaf:
                await asyncio.Event().wait()


@pytest.mark.parametrize("deaf", [False, True], ids=["between two parts", "in the midst of one"])
def test_an_abandoned_export_holds_no_connection(run: UUID, monkeypatch: pytest.MonkeyPatch, deaf: bool) -> None:
    monkeypatch.setattr(runs_api, "export", lambda id: exporting.export(id, 1))  # a line a part
    path = f"/api/runs/{run}/export"
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": [(b"host", b"localhost")]}

    async def ten() -> None:
        application = get_asgi_application()
        for _ in range(10):  # more than there are places
            reader = Reader(2, deaf=deaf)
            await asyncio.wait_for(application(scope, reader.receive, reader.send), 10)
            assert reader.taken >= 2
            await asyncio.to_thread(
                wait_until, lambda: EXPORTS._places._value == EXPORTS._at_once, 5, "its place to be free"
            )

    asyncio.run(ten())
    assert held() == 0

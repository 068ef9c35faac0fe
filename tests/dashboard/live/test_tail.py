"""The journal's tail in a web process: from the stream, from the database when that fails it; pages share one text."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from redis import Redis

from dashboard.live import tail as module
from dashboard.live.tail import STATUS, STREAM, Tail
from journal.models import Entry, Epoch
from journal.reading import queries

pytestmark = pytest.mark.django_db(databases=["journal"], transaction=True)


class Journal:
    """What the recorder does: stores entries, then puts them on the stream, unless that is said to be away."""

    def __init__(self, redis: Redis) -> None:
        self.redis, self.pos = redis, 0
        self.begin()

    def begin(self) -> None:
        """A new journal: another epoch, from position 1."""
        Entry.objects.all().delete()
        Epoch.objects.all().delete()
        self.epoch = str(Epoch.objects.create(id=uuid.uuid4(), created_at=datetime.now(UTC)).id)
        self.pos = 0
        self.redis.delete(STREAM)
        self._stand()

    def write(self, count: int = 1, streamed: bool = True) -> None:
        now = datetime.now(UTC)
        for _ in range(count):
            self.pos += 1
            Entry.objects.create(
                pos=self.pos, kind="transaction", service="seats", xid=self.pos, lsn="0/1", committed_at=now, recorded_at=now,
                title=f"entry {self.pos}", causes=[], cause_pos=[], cause_known=True, emits=[], changes=[],
            )  # fmt: skip
            if streamed:
                (entry,) = queries.entries_after(self.pos - 1, 1)
                self.redis.xadd(STREAM, {"e": json.dumps(entry), "epoch": self.epoch}, id=f"{self.pos}-0")
        if streamed:
            self._stand()

    def _stand(self) -> None:
        self.redis.hset(STATUS, mapping={"epoch": self.epoch, "streamed": self.pos})


@pytest.fixture
def journal(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> Journal:
    monkeypatch.setattr(module, "BLOCK_MS", 50)
    return Journal(redis)


@asynccontextmanager
async def following() -> AsyncIterator[Tail]:
    tail = Tail()
    await tail.start()
    try:
        yield tail
    finally:
        await tail.stop()
        await sync_to_async(connections.close_all)()  # the thread's own, which would keep the test's database open


async def until(condition: Callable[[], bool | Awaitable[bool]], timeout: float = 10) -> None:
    async with asyncio.timeout(timeout):
        while not condition():
            await asyncio.sleep(0.01)


def positions(text: str) -> list[int]:
    return sorted(int(piece.split('"')[0]) for piece in text.split('data-pos="')[1:])


def text(tail: Tail, after: int) -> tuple[str, int]:
    found = tail.text(after, log=True, performance="")
    assert found is not None
    return found


async def write(journal: Journal, count: int = 1, **more: Any) -> None:
    await sync_to_async(journal.write)(count, **more)


async def test_what_is_streamed_is_shown_once_and_pages_at_one_cursor_share_one_text(journal: Journal) -> None:
    await write(journal, 2)
    async with following() as tail:
        assert (tail.epoch, tail.shown) == (journal.epoch, 2)
        bell = tail.bell
        await write(journal, 3)
        await until(lambda: tail.shown == 5)
        assert bell.is_set()
        one, pos = text(tail, 2)
        assert (positions(one), pos) == ([3, 4, 5], 5)
        assert text(tail, 2)[0] is one, "joined twice"
        assert positions(text(tail, 4)[0]) == [5]
        assert positions(text(tail, 5)[0]) == []


async def test_an_entry_the_stream_lost_is_read_from_the_database(journal: Journal) -> None:
    async with following() as tail:
        await write(journal, 2)
        await until(lambda: tail.shown == 2)
        await write(journal, 3, streamed=False)
        await write(journal, 1)
        await until(lambda: tail.shown == 6)
        assert positions(text(tail, 0)[0]) == [1, 2, 3, 4, 5, 6]


async def test_an_entry_of_another_epoch_is_not_shown_though_its_position_would_fit(journal: Journal) -> None:
    await write(journal, 2)
    async with following() as tail:
        journal.redis.xadd(STREAM, {"e": json.dumps({"pos": 3}), "epoch": "another"}, id="3-0")
        await write(journal, 1, streamed=False)
        await until(lambda: tail.shown == 3)
        assert 'data-service="seats"' in text(tail, 2)[0], "read from the database"


async def test_what_came_before_the_process_did_is_fetched_when_a_page_comes_back_for_it(journal: Journal) -> None:
    await write(journal, 20)
    async with following() as tail:
        assert tail.text(5, log=True, performance="") is None
        assert await asyncio.gather(*(tail.reach(after) for after in (5, 12, 5))) == [True, True, True]
        assert positions(text(tail, 5)[0]) == list(range(6, 21))
        assert positions(text(tail, 12)[0]) == list(range(13, 21))


async def test_a_page_too_far_back_is_not_patched(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT", 10)
    await write(journal, 20)
    async with following() as tail:
        assert not await tail.reach(5)
        assert await tail.reach(10)


async def test_a_new_journal_is_noticed_and_begins_anew(journal: Journal) -> None:
    await write(journal, 8)
    async with following() as tail:
        old = tail.epoch
        await sync_to_async(journal.begin)()
        await write(journal, 2)
        await until(lambda: tail.epoch != old)
        await until(lambda: tail.shown == 2)
        assert tail.epoch == journal.epoch


async def test_a_long_way_behind_is_brought_in_pieces(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FRAME", 4)
    async with following() as tail:
        await write(journal, 10)
        await until(lambda: tail.shown == 10)
        pos, seen = 0, []
        while pos < 10:
            piece, pos = text(tail, pos)
            assert len(positions(piece)) <= 4
            seen += positions(piece)
        assert seen == list(range(1, 11))

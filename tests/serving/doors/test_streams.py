"""A stream that nobody reads any more ends its generator, in the generator's own thread, wherever it stood."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from django.http import StreamingHttpResponse

from serving.in_one_thread import InOneThread, Streams
from serving.problems import Problem
from tests.waiting import wait_until


class Rows:
    """A blocking generator: `ended` is the thread that ended it, `step` lets it go on."""

    def __init__(self, count: int = 3) -> None:
        self.count, self.at, self.ended = count, 0, 0
        self.step = threading.Semaphore(count)

    def lines(self) -> Iterator[bytes]:
        self.thread = threading.get_ident()
        try:
            for _ in range(self.count):
                self.at += 1
                self.step.acquire(timeout=5)
                yield b"row"
        finally:
            self.ended = threading.get_ident()

    def is_over(self) -> bool:
        return self.ended == self.thread


def test_all_of_it_is_read_and_it_ends() -> None:
    rows = Rows()

    async def read() -> list[bytes]:
        return [chunk async for chunk in await InOneThread(rows.lines()).begin()]

    assert asyncio.run(read()) == [b"row"] * 3
    assert rows.is_over()


def test_it_ends_when_its_response_is_closed_half_way() -> None:
    rows = Rows()

    async def read() -> None:
        response = StreamingHttpResponse(await InOneThread(rows.lines()).begin())
        await anext(aiter(response))
        response.close()

    asyncio.run(read())
    wait_until(rows.is_over, 5, "the generator to end")


def test_it_ends_when_its_reader_is_cancelled_in_the_midst_of_a_step() -> None:
    rows = Rows()
    rows.step = threading.Semaphore(1)

    async def read() -> None:
        steps = await InOneThread(rows.lines()).begin()
        await anext(steps)
        waiting = asyncio.ensure_future(anext(steps))
        while rows.at < 2:
            await asyncio.sleep(0.001)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert not rows.ended, "it is at its step"
        rows.step.release()

    asyncio.run(read())
    wait_until(rows.is_over, 5, "the generator to end")


def test_it_ends_when_nobody_made_a_response_of_it() -> None:
    rows = Rows()

    async def forget() -> None:
        await InOneThread(rows.lines()).begin()

    asyncio.run(forget())
    wait_until(rows.is_over, 5, "the generator to end")


def test_so_many_at_once_and_the_next_is_told_to_come_again() -> None:
    exports = Streams("exports", 2)

    async def read() -> None:
        steps = [await exports.start(Rows().lines).begin() for _ in range(2)]
        with pytest.raises(Problem, match="at most 2 exports at once") as full:
            exports.start(Rows().lines)
        assert (full.value.status, full.value.headers) == (503, {"Retry-After": "5"})
        for one in steps:
            one.close()
            one.close()

    def starts() -> InOneThread | None:
        try:
            return exports.start(Rows().lines)
        except Problem:
            return None

    asyncio.run(read())
    wait_until(starts, 5, "a place to be free")


def test_one_that_fails_leaves_its_place() -> None:
    exports = Streams("exports", 1)

    def broken() -> Iterator[bytes]:
        raise OSError("the database has gone")
        yield b""

    async def read() -> None:
        for _ in range(3):
            with pytest.raises(OSError, match="gone"):
                await exports.start(broken).begin()
            while exports._places._value < 1:
                await asyncio.sleep(0.001)

    asyncio.run(asyncio.wait_for(read(), 10))

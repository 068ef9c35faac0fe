"""A stream made by a blocking generator, for an asynchronous server."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore, Lock
from typing import Any

from serving.problems import Problem


class Streams:
    """At most `at_once` streams. Each has its own connection and snapshot for as long as its reader reads."""

    def __init__(self, what: str, at_once: int) -> None:
        self._what, self._at_once = what, at_once
        self._places = BoundedSemaphore(at_once)

    def start(self, make: Callable[[], Iterator[bytes]]) -> "InOneThread":
        """Raises Problem 503 if there are that many already."""
        if not self._places.acquire(blocking=False):
            detail = f"at most {self._at_once} {self._what} at once; try again in a moment"
            raise Problem(503, "Too many at once", detail, headers={"Retry-After": "5"})
        return InOneThread(make(), self._places.release)


class InOneThread:
    """Runs a blocking generator in its own thread: a connection and its transaction belong to one thread.

    `async for` gives the chunks. `close` ends the generator, and with it its transaction, also in the middle of a step:
    Django calls it when the response is over, for whatever reason.
    """

    def __init__(self, lines: Iterator[bytes], ended: Callable[[], None] = lambda: None) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="stream")
        self._lines: Any = lines
        self._ended = ended
        self._first: bytes | None = None
        self._closing = Lock()
        self._closed = False

    async def begin(self) -> "InOneThread":
        """Produce the first chunk now, so that an exception of the generator is raised before the answer begins."""
        self._first = await self._next()
        return self

    def __aiter__(self) -> "InOneThread":
        return self

    async def __anext__(self) -> bytes:
        chunk, self._first = self._first, None
        if chunk is None:
            chunk = await self._next()
        if not chunk:
            raise StopAsyncIteration
        return chunk

    def close(self) -> None:
        """From any thread, and any number of times."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
        self._thread.submit(self._end)  # after its current step
        self._thread.shutdown(wait=False)

    async def _next(self) -> bytes:
        """b"" at the end. Exceptions of the generator are raised here."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, next, self._lines, b"")
        except BaseException:  # the reader has gone, too
            self.close()
            raise

    def _end(self) -> None:
        try:
            self._lines.close()
        finally:
            self._ended()

    def __del__(self) -> None:
        """For a stream that never became a response: the request was aborted in between."""
        self.close()

"""A stream made by a blocking generator, for an asynchronous server."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any


class InOneThread:
    """Takes a blocking generator's steps in a thread of its own: a connection and its transaction belong to one thread."""

    def __init__(self, make: Callable[[], Iterator[bytes]]) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="stream")
        self._lines: Any = make()

    async def next(self) -> bytes:
        """The next chunk, b"" at the end. What the generator raises is raised here."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, next, self._lines, b"")
        except BaseException:
            self._thread.shutdown(wait=False)
            raise

    async def rest(self, first: bytes) -> AsyncIterator[bytes]:
        try:
            chunk = first
            while chunk:
                yield chunk
                chunk = await self.next()
        finally:  # also when the reader has gone: end the transaction in the thread that holds it
            self._thread.submit(self._lines.close)
            self._thread.shutdown(wait=False)

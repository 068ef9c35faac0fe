"""Our own network between one program and one server: it passes, drops or delays everything. Loopback only.

with Network(port_of_the_server) as network:       # give the program network.port instead
    network.swallow()                              # nothing arrives any more, and nothing disconnects
    network.flow()                                 # what lost bytes is cut now; new connections get through
"""

import asyncio
import threading
from typing import Self

HOST = "127.0.0.1"


class Network:
    """Thread-safe. What is frozen comes late, whole. `swallow(answers=True)` loses the answers only."""

    def __init__(self, target: int) -> None:
        self._target, self.port, self.carries = target, 0, False  # whether anybody has used it
        self._mode, self._torn = "flow", set[asyncio.StreamWriter]()
        self._loop, self._changed = asyncio.new_event_loop(), asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_forever, name="network", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        server = asyncio.run_coroutine_threadsafe(asyncio.start_server(self._join, HOST, 0), self._loop).result(5)
        self.port = server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self.flow()
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def swallow(self, *, answers: bool = False) -> None:
        self.flow("answers" if answers else "swallow")

    def freeze(self) -> None:
        self.flow("freeze")

    def flow(self, mode: str = "flow") -> None:
        async def change() -> None:
            self._mode = mode
            self._changed.set()
            self._changed = asyncio.Event()
            for writer in self._torn if mode == "flow" else ():
                writer.transport.abort()

        asyncio.run_coroutine_threadsafe(change(), self._loop).result(5)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection(HOST, self._target)
            self.carries = True
            await asyncio.gather(
                self._carry(reader, back, writer, "asked"), self._carry(there, writer, writer, "answers")
            )
        except OSError:
            writer.transport.abort()
        self._torn.discard(writer)

    async def _carry(
        self, source: asyncio.StreamReader, to: asyncio.StreamWriter, client: asyncio.StreamWriter, way: str
    ) -> None:
        while data := await source.read(65536):
            while self._mode == "freeze":
                await self._changed.wait()
            if self._mode in ("swallow", way):
                self._torn.add(client)
            elif client not in self._torn:
                to.write(data)
                await to.drain()
        to.close()

    async def _end(self) -> None:
        tasks = asyncio.all_tasks(self._loop) - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

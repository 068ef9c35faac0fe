"""The live page's socket: it brings entries after the client's cursor, in order, none twice. Commands never come this way."""

import asyncio
from urllib.parse import parse_qs

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import DatabaseError

from dashboard.socket.frames import Frame, render
from dashboard.socket.tail import Tail, reload_frame
from journal import queries

PACE_S = 0.06  # at most one frame in this time; what happens meanwhile travels in the next
CATCH_UP = 500  # entries read from the journal's database before a whole new page is cheaper
TAIL = Tail()


class JournalConsumer(AsyncWebsocketConsumer):
    """`/ws/journal?after=<pos>&epoch=<epoch>&performance=<id>`: out-of-band swaps for each entry after `pos`.

    A cursor of another epoch, from the future, or too far back is answered by a frame that reloads the page.
    """

    sender: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        query = parse_qs(self.scope["query_string"].decode("ascii", "replace"))
        cursor = query.get("after", ["0"])[0]
        self.performance = query.get("performance", [""])[0]
        self.epoch = query.get("epoch", [""])[0]
        self.pos = int(cursor) if cursor.isascii() and cursor.isdigit() and len(cursor) < 16 else -1
        await TAIL.start()
        await self.accept()
        self.sender = asyncio.create_task(self._send_forever())

    async def disconnect(self, code: int) -> None:
        if self.sender is not None:
            self.sender.cancel()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Clients have nothing to say here."""
        await self.close(code=1008)

    async def _send_forever(self) -> None:
        if not await self._catch_up():
            await self.send(reload_frame())
            return
        while True:
            await TAIL.wait(self.pos, timeout=15)
            frames = TAIL.after(self.pos)
            if frames is None:
                await self.send(reload_frame())
                return
            if frames:
                await self._bring(frames)
                await asyncio.sleep(PACE_S)

    async def _bring(self, frames: list[Frame]) -> None:
        await self.send("".join(frame.for_page(self.performance) for frame in frames))
        self.pos = frames[-1].pos

    async def _catch_up(self) -> bool:
        """Send what the tail no longer holds from the journal's database; False if the page must start anew."""
        try:
            epoch = await database_sync_to_async(queries.epoch)()
            if (
                self.epoch != epoch
                or self.pos < 0
                or self.pos > max(TAIL.last, await database_sync_to_async(queries.last_pos)())
            ):
                return False
            if TAIL.after(self.pos) is not None:
                return True
            missed = await database_sync_to_async(queries.entries_after)(self.pos, CATCH_UP + 1)
        except DatabaseError:
            return True  # the stream may still serve; the page says what is down
        if len(missed) > CATCH_UP:
            return False
        if missed:
            await self._bring([render(raw) for raw in missed])
        return True

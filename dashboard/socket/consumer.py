"""The pages' socket: it brings entries after the page's cursor, in order, none twice. Commands never come this way."""

import asyncio
import logging

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import Error as DatabaseError  # InterfaceError too

from dashboard.socket.address import Address
from dashboard.socket.frames import start_anew
from dashboard.socket.presence import Presence
from dashboard.socket.tail import PACE_S, Tail
from journal import queries

SLOW_S = 15.0  # a page that has not taken a frame for so long is let go; it comes back with its cursor
NOT_YOURS_TO_SPEAK, TRY_AGAIN_LATER = 1008, 1013
log = logging.getLogger(__name__)

TAIL = Tail()


def _tell(count: int) -> None:
    TAIL.people = count
    TAIL.ring()


PRESENCE = Presence(_tell)


class JournalConsumer(AsyncWebsocketConsumer):
    """Frames (see `frames`) for one page, each continuing the last; the first at once, then at most one in PACE_S.

    A cursor of another epoch, from the future, too far back, or that is none, is answered by a frame that reloads the page.
    A frame is sent when the one before has been taken by the network, so a slow page costs one frame of memory.
    """

    sender: asyncio.Task[None] | None = None
    pos = 0

    async def connect(self) -> None:
        self.address = Address.read(self.scope["query_string"])
        await self.accept()
        PRESENCE.enter(self.address.who)
        self.sender = asyncio.create_task(self._serve())

    async def disconnect(self, code: int) -> None:
        if self.sender is not None:
            self.sender.cancel()
            PRESENCE.leave(self.address.who)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Pages have nothing to say here. (More than a few kilobytes the server refuses by itself, with 1009.)"""
        if self.sender is not None:
            self.sender.cancel()
        await self.close(code=NOT_YOURS_TO_SPEAK)

    async def _serve(self) -> None:
        try:
            await TAIL.start()
            if await self._may_begin():
                await self._follow()
            else:
                await self._send(start_anew())
        except (DatabaseError, TimeoutError) as error:
            log.info("a page is told to try again later: %s", type(error).__name__)
            await self.close(code=TRY_AGAIN_LATER)
        except OSError:  # the page has gone
            return

    async def _may_begin(self) -> bool:
        address = self.address
        if address.after is None:
            self.pos = TAIL.shown
            return True
        if address.epoch != TAIL.epoch or address.after < 0:
            return False
        self.pos = address.after
        # A page is made from the journal's database, which is a moment ahead of its stream.
        return self.pos <= TAIL.shown or self.pos <= await database_sync_to_async(queries.last_pos)()

    async def _follow(self) -> None:
        epoch = TAIL.epoch
        while True:
            bell = TAIL.bell
            found = TAIL.text(self.pos, log=self.address.log, performance=self.address.performance)
            if TAIL.epoch != epoch or (found is None and not await TAIL.reach(self.pos)):
                await self._send(start_anew())
                return
            if found is None:
                continue
            text, self.pos = found
            await self._send(text)
            if self.pos < TAIL.shown:
                await asyncio.sleep(PACE_S)
            else:
                await bell.wait()

    async def _send(self, text: str) -> None:
        """Raises TimeoutError when the page does not take it."""
        async with asyncio.timeout(SLOW_S):
            await self.send(text)

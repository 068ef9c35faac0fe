"""The pages' socket: it sends the entries after the page's cursor, in order, none twice. It carries no commands."""

import asyncio
import logging

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import Error as DatabaseError  # InterfaceError too

from dashboard.live.address import Address
from dashboard.live.frames import start_anew
from dashboard.live.presence import Presence
from dashboard.live.tail import PACE_S, Tail
from gateway.people.operator import is_operator_of
from journal.reading import queries
from topology.tuning import Seconds

SLOW_S: Seconds = 15.0
"""A page that has not accepted a frame for this long is disconnected; it reconnects with its cursor."""
NOT_YOURS_TO_SPEAK, TRY_AGAIN_LATER = 1008, 1013
log = logging.getLogger(__name__)

TAIL = Tail()


def _publish_count(count: int) -> None:
    TAIL.people = count
    TAIL.ring()


PRESENCE = Presence(_publish_count)


async def begin(address: Address) -> int | None:
    """The position after which this page resumes; None if it has to be reloaded. Raises DatabaseError."""
    await TAIL.start()
    if address.after is None:
        return TAIL.shown
    if address.epoch != TAIL.epoch or address.after < 0:
        return None
    # A page is rendered from the journal's database, which is a moment ahead of its stream.
    if address.after <= TAIL.shown or address.after <= await database_sync_to_async(queries.last_pos)():
        return address.after
    return None


async def following(address: Address, pos: int) -> tuple[str, int] | None:
    """(frame, new position) for a page at `pos`; None if that is too far back. Raises DatabaseError."""
    while True:
        found = TAIL.text(pos, log=address.log, performance=address.performance, full=address.full)
        if found is not None or not await TAIL.reach(pos):
            return found


class JournalConsumer(AsyncWebsocketConsumer):
    """Frames (see `frames`) for one page, each continuing the last; the first immediately, then at most one per PACE_S.

    A cursor of another epoch, from the future, too far back, or that is invalid, is answered by a frame that reloads
    the page. A frame is sent when the network has accepted the one before, so a slow page costs one frame of memory.
    """

    sender: asyncio.Task[None] | None = None
    pos = 0

    async def connect(self) -> None:
        self.address = Address.read(self.scope["query_string"], full=is_operator_of(self.scope))
        await self.accept()
        PRESENCE.enter(self.address.who)
        self.sender = asyncio.create_task(self._serve())

    async def disconnect(self, code: int) -> None:
        if self.sender is not None:
            self.sender.cancel()
            PRESENCE.leave(self.address.who)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Pages send nothing here. (The server refuses more than a few kilobytes by itself, with 1009.)"""
        if self.sender is not None:
            self.sender.cancel()
        await self.close(code=NOT_YOURS_TO_SPEAK)

    async def _serve(self) -> None:
        try:
            pos = await begin(self.address)
            if pos is None:
                await self._send(start_anew(TAIL.epoch))
            else:
                self.pos = pos
                await self._follow()
        except (DatabaseError, TimeoutError) as error:
            log.info("a page has to try again later: %s", type(error).__name__)
            await self.close(code=TRY_AGAIN_LATER)
        except OSError:  # the page has gone
            return

    async def _follow(self) -> None:
        epoch = TAIL.epoch
        while True:
            bell = TAIL.bell
            found = await following(self.address, self.pos)
            if TAIL.epoch != epoch or found is None:
                await self._send(start_anew(TAIL.epoch))
                return
            text, self.pos = found
            await self._send(text)
            if self.pos < TAIL.shown:
                await asyncio.sleep(PACE_S)
            else:
                await bell.wait()

    async def _send(self, text: str) -> None:
        """Raises TimeoutError if the page does not accept it."""
        async with asyncio.timeout(SLOW_S):
            await self.send(text)

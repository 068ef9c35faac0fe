"""Booking's hot path: an ordinary booking request goes to the group commit without Django, which would double its cost.

A request that is not ordinary (see `serving.fast_path`), is invalid, or arrives while a fault is armed for this API
goes to the view `booking.api.place`. Both use the same functions to read, place and answer.
"""

import json
from typing import Any

from pydantic import ValidationError

from booking.api import answer_to, rehearse, visitor_of, wanted_of
from booking.placing.transaction import PlaceBooking
from booking.schemas import BookingIn
from serving.api_faults import Watched
from serving.doors.headers import KEY as NAME
from serving.fast_path import KEY, PLACED_BY, Application, again, body_of, is_ordinary, send_answer, send_response
from serving.problems import problem_of

PATH = "/api/bookings"


class FastPath:
    """An ASGI application around Django's."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._watched = Watched()

    async def rehearse(self) -> None:
        """Do once, without effect, what delays the first booking."""
        await self._watched.armed()
        await rehearse()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        ours = scope["type"] == "http" and scope["path"] == PATH
        if (ours and await self._watched.armed()) or not is_ordinary(scope, "POST", PATH):
            await self._application(scope, receive, send)
            return
        body = await body_of(receive)
        if body is None:
            return
        headers = dict(scope["headers"])
        placed_by = visitor_of(headers.get(PLACED_BY.encode(), b"").decode("latin-1"))
        wanted = _read(headers.get(KEY, b"").decode("ascii"), body, placed_by)
        if wanted is None:
            await self._application(scope, again(body, receive), send)
            return
        try:
            accepted = await answer_to(wanted)
        except Exception as error:
            await send_response(send, problem_of(error, PATH, wanted.key).response())
            return
        answer = [(b"content-type", b"application/json; charset=utf-8"), (b"location", accepted["url"].encode())]
        await send_answer(send, 202, answer, json.dumps(accepted).encode())


def _read(key: str, body: bytes, placed_by: str) -> PlaceBooking | None:
    """None for a request that the view has to refuse."""
    if not NAME.fullmatch(key):
        return None
    try:
        return wanted_of(key, BookingIn.model_validate_json(body), placed_by)
    except ValidationError:
        return None

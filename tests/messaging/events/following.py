"""A reader that follows event streams in a thread, and the keeper of its cursors."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections
from redis import Redis

from messaging.events.catch_up import EventApi
from messaging.events.cursor import Cursor
from messaging.events.follow import Apply, CursorsMovedError, Load, follow
from messaging.events.reader import Reader
from messaging.events.skipped import SkippedEvents
from seats.models import DeadLetter
from tests.event_source import EventSource

PATIENCE = 20


class Keeper:
    """Keeps cursors and event types as a database would; `moved` and `refuse` make it difficult."""

    def __init__(self, *sources: str) -> None:
        self.cursors = {source: Cursor(source=source) for source in sources}
        self.types: list[str] = []
        self.saves = 0
        self.loads = 0
        self.moved = False
        self.refuse = ""
        self.why: type[Exception] = KeyError

    def load(self) -> list[Cursor]:
        self.loads += 1
        return list(self.cursors.values())

    def apply(self, envelopes: Any, cursors: Any, behind: dict[str, int]) -> None:
        if self.moved:
            self.moved = False
            raise CursorsMovedError("moved")
        types = [envelope["type"] for envelope in envelopes]
        if self.refuse in types:
            raise self.why(self.refuse)
        self.types += types
        self.cursors |= {cursor.source: cursor for cursor in cursors}
        self.saves += bool(cursors)

    def has(self, *types: str) -> Callable[[], bool]:
        return lambda: set(types) <= set(self.types)

    def whole(self, source: str = "seats") -> Callable[[], bool]:
        return lambda: self.cursors[source].complete and self.cursors[source].horizon > 0


@contextmanager
def in_a_thread(
    reader: Reader, load: Load, apply: Apply, letters: Any, check: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """`follow` in a thread until the block ends. `letters`: the model of the events that are skipped."""
    stop = threading.Event()

    def run() -> None:
        try:
            skipped = SkippedEvents(letters, reader.name)
            follow(reader, load, apply, stop.is_set, skipped=skipped, check=check)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(PATIENCE)
        assert not thread.is_alive()


@contextmanager
def following(keeper: Keeper, redis: Redis, *apis: EventApi) -> Iterator[None]:
    reader = Reader("test-reader", redis=redis, apis={api.source: api for api in apis})
    with in_a_thread(reader, keeper.load, keeper.apply, DeadLetter):
        yield


def emit(source: EventSource, *types: str) -> None:
    for version, type_ in enumerate(types, 1):
        source.emit(type_, {}, version)

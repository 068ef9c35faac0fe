"""The projector of a view in a thread, and what the views hold at the end of the story."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from redis import Redis

from messaging.events.projector import Injected, Projector
from messaging.events.reader import Reader
from messaging.events.view import View
from projections import queries, sums
from projections.models import Checkpoint, DeadLetter
from projections.views import checkpoints_of
from tests.event_source import EventSource
from tests.messaging.events.following import in_a_thread

SERVICES = ("booking", "seats", "payments", "tickets")
Sources = dict[str, EventSource]


class Heard(logging.Handler):
    """What was logged, from any thread."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += record.getMessage() + "\n"

    def clear(self) -> None:
        self.text = ""


FOLLOWED = Heard()


@contextmanager
def projecting(view: View, sources: Sources, redis: Redis) -> Iterator[None]:
    """The projector of a view, as its process runs it."""
    projector = Projector(view, checkpoints_of(view), Injected(redis, "projections", "projector-bookings"))
    reader = Reader("test-projector", redis=redis, apis={name: sources[name].api() for name in view.sources})
    FOLLOWED.clear()
    follow_log = logging.getLogger("messaging.process.outage")
    follow_log.addHandler(FOLLOWED)
    try:
        with in_a_thread(reader, projector.load, projector.apply, DeadLetter, projector.check):
            yield
    finally:
        follow_log.removeHandler(FOLLOWED)


def tell(sources: Sources, events: list[dict[str, Any]], lose: tuple[str, ...] = ()) -> None:
    """Commit the events in their services, and publish them."""
    for event in events:
        sources[event["source"].strip("/")].emit(event["type"], event["data"], event["version"])
    for source in sources.values():
        source.publish(lose=lose)


def converged() -> bool:
    """Whether all services' events of the story are in the bookings view (a version is the sum of four)."""
    versions = [row["version"] for row in queries.recent_bookings()]
    checkpoints = Checkpoint.objects.values_list("horizon", "pending")
    return versions == [6, 8] and all(horizon >= pending for horizon, pending in checkpoints)


def seat_sold() -> bool:
    return [seat["status"] for seat in queries.seat_map("concert-2024")] == ["SOLD", "AVAILABLE", "AVAILABLE"]


def summed() -> bool:
    """Whether the sums are those of the whole story: paid twice, given back once, one seat sold."""
    customer, money = sums.customer(123), {"currency": "KRW", "spent": 300_000, "refunded": 150_000}
    sold = [(row["sold"], row["taken"], row["refunded"]) for row in sums.sales()]
    return bool(customer and customer["money"] == [{**money, "customer_id": 123}]) and sold == [(1, 300_000, 150_000)]


def refused(why: str) -> bool:
    """Whether the projectors' server has refused a statement, by its log."""
    return why in FOLLOWED.text

"""The load on Sagabox: places bookings one a request, in batches or one by one, and waits until all views have converged.

Who waits asks seldom: each question runs on the machine that is measured. The times are in rows (see rows.py).
"""

import asyncio
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import httpx
import uvloop
from django.db import connections

from booking.models import PerformanceReplica
from booking.placing.transaction import PlaceBooking, Placed, place
from messaging.database import Database
from seats.models import Outbox
from seats.transactions.programme import Programme, SeatBlock, announce

BATCH = 20
ROW = 100
TIMEOUT_S = 300
POLL_S = 0.25
LONE_GAP_S = 1.0  # from one lone booking to the next: what follows the first has ended by then
# Each is a range of an index: ids are made in the order of time. A later one is asked only when those before it are complete.
_CONVERGED = (
    "select count(*) from projections_bookingview where id >= %(first)s::uuid and id = any(%(ids)s::uuid[])"
    " and state = 'CONFIRMED' and hold_status = 'CONFIRMED' and payment_status = 'COMPLETED' and tickets_status = 'ISSUED'",
    "select count(*) from projections_historybooking where id = any(%(ids)s::uuid[])"
    " and state = 'CONFIRMED' and payment_version is not null and tickets_status = 'ISSUED'",
    "select count(*) from projections_salesbooking where id = any(%(ids)s::uuid[])"
    " and hold_version is not null and payment_version is not null",
    "select count(distinct booking_id) from projections_seatmap where performance_id = %(performance)s and status = 'SOLD'"
    " and booking_id = any(%(ids)s::uuid[])",
)


def performance(seats: int) -> tuple[str, list[str]]:
    """Announce a performance with at least so many seats; return its id and labels once all services have it."""
    name = f"bench-{uuid.uuid4().hex[:8]}"
    rows = tuple(f"R{number}" for number in range(-(-seats // ROW)))
    announce(
        Database.of(Outbox),
        Programme(
            id=name,
            title="Bench",
            venue=f"Hall of {name}",
            starts_at=datetime.now(UTC) + timedelta(days=30),
            currency="KRW",
            blocks=(SeatBlock(section="Hall", rows=rows, seats_a_row=ROW, price=150_000),),
        ),
    )
    _until(lambda: PerformanceReplica.objects.filter(id=name).exists() and _seats_shown(name) >= seats, name)
    return name, [f"{row}-{number}" for row in rows for number in range(1, ROW + 1)][:seats]


def in_batches(name: str, labels: Sequence[str]) -> list[str]:
    """Place a booking for each seat, BATCH at a time, as the front door commits POSTs that wait; their ids."""
    ids = []
    for start in range(0, len(labels), BATCH):
        requests = [_request(name, label) for label in labels[start : start + BATCH]]
        for placed in place(Database.of(PerformanceReplica), requests):
            assert isinstance(placed, Placed), placed
            ids.append(placed.id)
    return ids


def by_request(url: str, name: str, labels: Sequence[str], clients: int) -> list[str]:
    """A POST to the front door for each seat, by so many clients at a time; the bookings' ids."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_buy_all(url, name, labels, clients))


async def _buy_all(url: str, name: str, labels: Sequence[str], clients: int) -> list[str]:
    ids = []
    async with aiohttp.ClientSession(url, connector=aiohttp.TCPConnector(limit=clients)) as session:

        async def buy(label: str) -> str:
            """Asked to come back later, a client does so with the same key, as any client of the API."""
            key, give_up = _key(), time.monotonic() + TIMEOUT_S
            while True:
                async with session.post("/api/bookings", json=_body(name, label), headers=key) as answer:
                    if answer.status == 202:
                        return str((await answer.json())["id"])
                    if answer.status not in (429, 503) or time.monotonic() > give_up:
                        raise RuntimeError(f"a booking was answered with {answer.status}: {await answer.text()}")
                await asyncio.sleep(float(answer.headers.get("Retry-After", "1")))

        async def client(mine: Sequence[str]) -> None:
            for label in mine:
                ids.append(await buy(label))

        async with asyncio.TaskGroup() as tasks:
            for one in range(clients):
                tasks.create_task(client(labels[one::clients]))
    return ids


def paced(url: str, name: str, labels: list[str], rate: float) -> float:
    """Book seat after seat through the front door, `rate` a second whatever they take; bookings confirmed per second."""

    began = time.perf_counter()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        ids = runner.run(_buy_paced(url, name, labels, rate, began))
    seconds = time.perf_counter() - began
    until_converged(name, ids)
    connections.close_all()
    return len(labels) / seconds


async def _buy_paced(url: str, name: str, labels: list[str], rate: float, began: float) -> list[str]:
    """In one loop, with a cheap client: the load generator must not be what is measured."""
    connections_at_once = aiohttp.TCPConnector(limit=16)
    ids = []
    async with aiohttp.ClientSession(url, connector=connections_at_once) as session, asyncio.TaskGroup() as tasks:

        async def buy(label: str) -> None:
            async with session.post("/api/bookings", json=_body(name, label), headers=_key()) as answer:
                assert answer.status == 202, await answer.text()
                ids.append(str((await answer.json())["id"]))

        for number, label in enumerate(labels):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            tasks.create_task(buy(label))
    return ids


def lone(url: str, name: str, labels: Sequence[str]) -> dict[str, float]:
    """Book one seat at a time through the front door; booking -> the moment of the click (seconds since 1970).

    Nothing is asked while a booking is under way: the next click comes LONE_GAP_S later, or later still where it had not ended.
    """
    clicks = {}
    with httpx.Client(base_url=url, timeout=60) as client:
        client.get("/healthz")  # the connection is there
        for label in labels:
            clicked = time.time()
            booking = client.post("/api/bookings", json=_body(name, label), headers=_key()).json()["id"]
            clicks[booking] = clicked
            time.sleep(max(0.0, clicked + LONE_GAP_S - time.time()))
            until_converged(name, [booking])
    return clicks


def until_converged(name: str, ids: Sequence[str]) -> None:
    """Wait until all views show these bookings of the performance as confirmed."""
    given: dict[str, Any] = {"performance": name, "ids": list(ids), "first": min(ids)}
    left = list(_CONVERGED)

    def converged() -> bool:
        with connections["projections"].cursor() as cursor:
            while left:
                cursor.execute(left[0], given)
                if cursor.fetchone()[0] < len(ids):
                    return False
                del left[0]
        return True

    _until(converged, f"{len(ids)} bookings of {name} in all views")


def _request(name: str, label: str) -> PlaceBooking:
    return PlaceBooking(key=uuid.uuid4().hex, customer=123, performance=name, seats=(label,), payment_method="tok_visa")


def _body(name: str, label: str) -> dict[str, object]:
    return {"performance": name, "seats": [label], "customer": 123, "payment_method": "tok_visa"}


def _key() -> dict[str, str]:
    return {"Idempotency-Key": uuid.uuid4().hex}


def _seats_shown(name: str) -> int:
    with connections["projections"].cursor() as cursor:
        cursor.execute("select count(*) from projections_seatmap where performance_id = %s", [name])
        return int(cursor.fetchone()[0])


def _until(condition: Callable[[], bool], what: str) -> None:
    give_up = time.monotonic() + TIMEOUT_S
    while not condition():
        if time.monotonic() > give_up:
            raise TimeoutError(f"after {TIMEOUT_S} s: {what}")
        time.sleep(POLL_S)

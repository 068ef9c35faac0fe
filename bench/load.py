"""The load on Sagabox: places bookings in batches or over HTTP, and waits until all of them are complete."""

import asyncio
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial

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
_CONVERGED = """
    select (select count(*) from projections_bookingview where performance_id = %(performance)s and state = 'CONFIRMED'
            and hold_status = 'CONFIRMED' and payment_status = 'COMPLETED' and tickets_status = 'ISSUED'),
           (select count(*) from projections_seatmap where performance_id = %(performance)s and status = 'SOLD')
"""


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


def in_batches(name: str, labels: list[str]) -> float:
    """Place a booking for each seat, BATCH at a time, as the front door commits POSTs that wait; seconds until all converged."""
    began = time.perf_counter()
    for start in range(0, len(labels), BATCH):
        placed = place(
            Database.of(PerformanceReplica), [_request(name, label) for label in labels[start : start + BATCH]]
        )
        assert all(isinstance(one, Placed) for one in placed), placed
    return _converged(name, len(labels), began)


def over_http(url: str, name: str, labels: list[str], clients: int) -> float:
    """The same through the booking service's HTTP API, by so many clients at a time."""

    def buy(mine: list[str]) -> None:
        with httpx.Client(base_url=url, timeout=60) as client:
            for label in mine:
                answer = client.post("/api/bookings", json=_body(name, label), headers=_key())
                assert answer.status_code == 202, answer.text

    began = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(buy, [labels[number::clients] for number in range(clients)]))
    return _converged(name, len(labels), began)


def paced(url: str, name: str, labels: list[str], rate: float) -> float:
    """Book seat after seat through the front door, `rate` a second whatever they take; bookings confirmed per second."""

    began = time.perf_counter()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_buy_paced(url, name, labels, rate, began))
    seconds = time.perf_counter() - began
    _converged(name, len(labels), began)
    connections.close_all()
    return len(labels) / seconds


async def _buy_paced(url: str, name: str, labels: list[str], rate: float, began: float) -> None:
    """In one loop, with a cheap client: the load generator must not be what is measured."""
    connections_at_once = aiohttp.TCPConnector(limit=16)
    async with aiohttp.ClientSession(url, connector=connections_at_once) as session, asyncio.TaskGroup() as tasks:

        async def buy(label: str) -> None:
            async with session.post("/api/bookings", json=_body(name, label), headers=_key()) as answer:
                assert answer.status == 202, await answer.text()

        for number, label in enumerate(labels):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            tasks.create_task(buy(label))


def lone(url: str, name: str, labels: list[str]) -> list[float]:
    """Book one seat at a time through the front door; milliseconds from the click to CONFIRMED in the read model, each."""
    samples = []
    with httpx.Client(base_url=url, timeout=60) as client:
        for label in labels:
            began = time.perf_counter()
            booking = client.post("/api/bookings", json=_body(name, label), headers=_key()).json()["id"]
            _until(partial(_confirmed, booking), booking, pause=0.001)
            samples.append((time.perf_counter() - began) * 1e3)
    return samples


def _request(name: str, label: str) -> PlaceBooking:
    return PlaceBooking(key=uuid.uuid4().hex, customer=123, performance=name, seats=(label,), payment_method="tok_visa")


def _body(name: str, label: str) -> dict[str, object]:
    return {"performance": name, "seats": [label], "customer": 123, "payment_method": "tok_visa"}


def _key() -> dict[str, str]:
    return {"Idempotency-Key": uuid.uuid4().hex}


def _converged(name: str, wanted: int, began: float) -> float:
    _until(lambda: min(_count(name)) >= wanted, f"{wanted} bookings of {name}: {_count(name)}")
    return time.perf_counter() - began


def _count(name: str) -> tuple[int, int]:
    with connections["projections"].cursor() as cursor:
        cursor.execute(_CONVERGED, {"performance": name})
        return cursor.fetchone()


def _seats_shown(name: str) -> int:
    with connections["projections"].cursor() as cursor:
        cursor.execute("select count(*) from projections_seatmap where performance_id = %s", [name])
        return cursor.fetchone()[0]


def _confirmed(booking: str) -> bool:
    with connections["projections"].cursor() as cursor:
        cursor.execute("select state from projections_bookingview where id = %s", [booking])
        return cursor.fetchone() == ("CONFIRMED",)


def _until(condition: Callable[[], bool], what: str, pause: float = 0.02) -> None:
    give_up = time.monotonic() + TIMEOUT_S
    while not condition():
        if time.monotonic() > give_up:
            raise TimeoutError(f"after {TIMEOUT_S} s: {what}")
        time.sleep(pause)

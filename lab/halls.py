"""Bookings to ask about, in a hall of the lab's own: real ones, which the orchestrated saga has carried out."""

import asyncio
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from django.conf import settings

from gateway.clients import BOOKING, SEATS, ServiceDown, call
from gateway.operate_api import ask
from lab import traffic
from projections.ordinary import LAB
from serving.problems import Problem
from topology.tuning import Seconds

MOST = 50  # bookings that an exhibit asks about
ROWS, SEATS_A_ROW, PRICE = 20, 20, 50_000
CUSTOMERS = (123, 99, 1042)
ENDED = ("CONFIRMED", "CANCELLED")
PATIENCE_S: Seconds = 30.0  # with the bookings that were placed
LOOK_S: Seconds = 0.1  # between two looks whether they have ended


@dataclass(frozen=True, slots=True)
class Hall:
    """`id`: of the performance."""

    id: str
    title: str


READS = Hall(f"{LAB}reads", "The lab: asking across services")


def ensure(hall: Hall, count: int) -> list[dict[str, Any]]:
    """See that the hall has so many confirmed bookings; the newest first, as Booking's API shows them.

    Raises Problem 422 for more than MOST, 503 where they are not confirmed in time; ServiceDown.
    """
    if not 1 <= count <= MOST:
        raise Problem(422, "Not so many", f"1 to {MOST} bookings, not {count}")
    give_up = time.monotonic() + PATIENCE_S
    found = _bookings(hall)
    while len(confirmed := [one for one in found if one["state"] == "CONFIRMED"]) < count:
        if time.monotonic() > give_up:
            detail = f"{len(confirmed)} of {count} bookings were confirmed within {PATIENCE_S:.0f} s; is a fault armed?"
            raise Problem(503, "Not enough bookings", detail, headers={"Retry-After": "5"})
        if all(one["state"] in ENDED for one in found):
            _announce(hall)
            _place(hall, count - len(confirmed))
        time.sleep(LOOK_S)
        found = _bookings(hall)
    return confirmed[:count]


def _bookings(hall: Hall) -> list[dict[str, Any]]:
    answer = call(BOOKING, "GET", f"/api/bookings?performance={hall.id}")
    return list(_good(answer, BOOKING).json())


def _announce(hall: Hall) -> None:
    """Unless it has been announced before."""
    starts = (datetime.now(UTC) + timedelta(days=365)).replace(hour=19, minute=30, second=0, microsecond=0)
    rows = [f"{chr(65 + number)}" for number in range(ROWS)]
    block = {"section": "Lab", "rows": rows, "seats_a_row": SEATS_A_ROW, "price": PRICE}
    body = {
        "id": hall.id, "title": hall.title, "venue": f"Hall of {hall.id}", "starts_at": starts.isoformat(),
        "currency": "KRW", "blocks": [block],
    }  # fmt: skip
    answer = ask("POST", SEATS, "/api/performances", json=body)
    if answer.status_code != 409:
        _good(answer, SEATS)


def _place(hall: Hall, count: int) -> None:
    """Book so many free seats, one each. What is refused is tried again by who waits for them."""
    answer = _good(call(SEATS, "GET", f"/api/performances/{hall.id}/seats"), SEATS)
    free = [seat["label"] for seat in answer.json() if seat["status"] == "AVAILABLE"][:count]
    if len(free) < count:
        raise Problem(409, "Sold out", f"the hall {hall.id} has {len(free)} free seats left: `make reset` empties it")
    asyncio.run(_booked(hall, free))


async def _booked(hall: Hall, seats: Sequence[str]) -> None:
    async with httpx.AsyncClient(base_url=settings.API_URLS[BOOKING], timeout=10) as http:

        async def book(number: int) -> str:
            customer = CUSTOMERS[number % len(CUSTOMERS)]
            body = {
                "performance": hall.id, "seats": [seats[number]], "customer": customer, "payment_method": "tok_visa",
            }  # fmt: skip
            answer = await http.post("/api/bookings", json=body, headers={"Idempotency-Key": str(uuid.uuid4())})
            return traffic.GOOD if answer.status_code == 202 else str(answer.status_code)

        pace = traffic.MOST_PER_S
        await traffic.run(book, way=hall.id, per_s=pace, seconds=len(seats) / pace)


def _good(answer: httpx.Response, service: str) -> httpx.Response:
    try:
        return answer.raise_for_status()
    except httpx.HTTPStatusError as error:
        raise ServiceDown(service, error) from error

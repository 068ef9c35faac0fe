"""API composition: one question, answered from the APIs of the services that own its parts.

The question: the bookings of a performance, each with its customer, held seats, payment and tickets. Three ways to ask it: they
differ in how many calls there are, and in which of them wait for others.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from lab.reads.viewers import may_see, owns, refusal
from lab.waterfall import Span

Row = dict[str, Any]
BOOKING, SEATS, PAYMENTS, TICKETS = "booking", "seats", "payments", "tickets"
SAY, FAIL = "say", "fail"
MISSING = (SAY, FAIL)
"""What to do where a part is missing: say so in its row, or answer nothing at all."""


class Incomplete(Exception):
    """The answer would not be whole, and was asked to be. The text says what is missing."""


@dataclass(frozen=True, slots=True)
class Gap:
    """In place of a part that did not come."""

    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """`limit`: of bookings, the newest first. `network_ms`: a simulated network, waited for before each call."""

    performance: str
    limit: int
    missing: str = SAY
    viewer: str = "support"
    customer: int = 0
    network_ms: int = 0


@dataclass(slots=True)
class Caller:
    """Calls the owners' APIs for one question, and notes a span for each call."""

    http: httpx.AsyncClient
    urls: Mapping[str, str]
    question: Question
    spans: list[Span] = field(default_factory=list)
    _began: float = field(default_factory=time.perf_counter)

    @property
    def took_ms(self) -> float:
        return round((time.perf_counter() - self._began) * 1000, 2)

    async def get(self, service: str, path: str) -> Any:
        """The JSON of its answer, or a Gap. Raises Incomplete for a gap where the answer has to be whole."""
        began, status = self.took_ms, 0
        try:
            if self.question.network_ms:
                await asyncio.sleep(self.question.network_ms / 1000)
            answer = await self._answer(self.urls[service] + path)
            status = answer.status_code
            found = answer.json() if answer.is_success else Gap(f"{service} answers {status}")
        except httpx.HTTPError as error:
            found = Gap(f"{service} does not answer: {type(error).__name__}")
        self.spans.append(Span(service, path, began, round(self.took_ms - began, 2), status))
        if isinstance(found, Gap) and self.question.missing == FAIL:
            raise Incomplete(found.why)
        return found

    async def _answer(self, address: str) -> httpx.Response:
        """Asked once more if a kept connection has ended: its server closes those that are idle, and may do so just now."""
        try:
            return await self.http.get(address)
        except (httpx.RemoteProtocolError, httpx.ReadError):
            return await self.http.get(address)

    async def part(self, part: str, service: str, path: str) -> Any:
        """The same for a part that not everybody may see: then nobody is asked."""
        if not may_see(self.question.viewer, part):
            return Gap(refusal(self.question.viewer, part))
        return await self.get(service, path)


async def sequential(call: Caller, bookings: list[Row]) -> list[Row]:
    """One call after another: 4 for each booking."""
    rows = []
    for booking in bookings:
        customer = await call.part("customer", BOOKING, f"/api/customers/{booking['customer_id']}")
        hold = await call.part("hold", SEATS, f"/api/seats/holds/{booking['id']}")
        payment = await call.part("payment", PAYMENTS, f"/api/payments?booking={booking['id']}")
        tickets = await call.part("tickets", TICKETS, f"/api/tickets?booking={booking['id']}")
        rows.append(row(booking, customer=customer, hold=hold, payment=first(payment), tickets=first(tickets)))
    return rows


async def parallel(call: Caller, bookings: list[Row]) -> list[Row]:
    """The same calls, all at once."""

    async def one(booking: Row) -> Row:
        customer, hold, payment, tickets = await together(
            call.part("customer", BOOKING, f"/api/customers/{booking['customer_id']}"),
            call.part("hold", SEATS, f"/api/seats/holds/{booking['id']}"),
            call.part("payment", PAYMENTS, f"/api/payments?booking={booking['id']}"),
            call.part("tickets", TICKETS, f"/api/tickets?booking={booking['id']}"),
        )
        return row(booking, customer=customer, hold=hold, payment=first(payment), tickets=first(tickets))

    return await together(*map(one, bookings))


async def batch(call: Caller, bookings: list[Row]) -> list[Row]:
    """One call to each owner, for all bookings together."""
    if not bookings:
        return []
    ids = ",".join(booking["id"] for booking in bookings)
    people = ",".join(map(str, sorted({booking["customer_id"] for booking in bookings})))
    customers, holds, payments, tickets = await together(
        call.part("customer", BOOKING, f"/api/customers?ids={people}"),
        call.part("hold", SEATS, f"/api/seats/holds?bookings={ids}"),
        call.part("payment", PAYMENTS, f"/api/payments?bookings={ids}"),
        call.part("tickets", TICKETS, f"/api/tickets?bookings={ids}"),
    )
    return [
        row(
            booking,
            customer=one_of(customers, "id", booking["customer_id"]),
            hold=one_of(holds, "booking_id", booking["id"]),
            payment=one_of(payments, "booking_id", booking["id"]),
            tickets=one_of(tickets, "booking_id", booking["id"]),
        )
        for booking in bookings
    ]


HOW: Mapping[str, Callable[[Caller, list[Row]], Awaitable[list[Row]]]] = {
    "sequential": sequential,
    "parallel": parallel,
    "batch": batch,
}


async def compose(call: Caller, how: str) -> list[Row]:
    """The rows, each with a list `missing`: what did not come, and why. Raises Incomplete; also for the list itself,
    without which there is no row to say anything in."""
    question = call.question
    found = await call.get(BOOKING, f"/api/bookings?performance={question.performance}&limit={question.limit}")
    if isinstance(found, Gap):
        raise Incomplete(found.why)
    mine = [booking for booking in found if owns(question.viewer, question.customer, booking)]
    return await HOW[how](call, mine)


async def together(*asks: Coroutine[Any, Any, Any]) -> list[Any]:
    """All at once. The first exception ends the others, too."""
    tasks = [asyncio.ensure_future(one) for one in asks]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


def row(booking: Row, **parts: Any) -> Row:
    gaps = [{"part": name, "why": part.why} for name, part in parts.items() if isinstance(part, Gap)]
    shown = {name: None if isinstance(part, Gap) else part for name, part in parts.items()}
    return {"booking": booking, **shown, "missing": gaps}


def first(found: Any) -> Any:
    """Of an answer that is a list of one or none."""
    return found if isinstance(found, Gap) else next(iter(found), None)


def one_of(found: Gap | Iterable[Row], key: str, value: Any) -> Any:
    return found if isinstance(found, Gap) else next((one for one in found if one[key] == value), None)

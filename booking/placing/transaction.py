"""Places bookings: a batch of requests in one local transaction, whatever the outcome of each.

A request is decided by its idempotency key first: the same key with the same body gives the same booking, even if the
performance has begun since; with another body it is refused. Only then is it checked, and a refused request leaves
nothing behind, not even its key.
"""

import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from booking import idempotency
from booking.contract import BookingPlaced, BookTickets
from booking.models import Outbox
from messaging.database import Database
from messaging.outbox.append import Message
from payments.contract import PaymentMethod
from topology.tuning import Seconds

START_WITHIN_S: Seconds = 5.0  # after that the watchdog requests a saga that has not started again


@dataclass(frozen=True, slots=True)
class Price:
    """A sum of money: `amount` in minor units of `currency`."""

    amount: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceBooking:
    """A well-formed request: 1 to 8 different seats. Whether what it names exists is checked later. `seen`: the total
    price of all seats that the buyer saw; None: any price.
    """

    key: str
    customer: int
    performance: str
    seats: tuple[str, ...]
    payment_method: str
    seen: Price | None = None
    placed_by: str = ""  # the visitor's pseudonym, "" for a script; not part of the fingerprint

    def fingerprint(self) -> str:
        """A digest of the request; the order of the seats does not matter. `seen` is a part of it: another sum makes
        another request. A request without `seen` has the same fingerprint as before `seen` existed.
        """
        asked: list[Any] = [self.customer, self.performance, sorted(self.seats), self.payment_method]
        if self.seen is not None:
            asked += [self.seen.amount, self.seen.currency]
        return idempotency.fingerprint(*asked)


@dataclass(frozen=True, slots=True)
class Placed:
    """A booking, new or found by its key."""

    id: str
    state: str
    new: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """Why there is no booking. `field` is the part of the request that is wrong ("" for the key).

    `price`: the current price, if that is the reason.
    """

    field: str
    title: str
    detail: str
    price: Price | None = None


Result = Placed | Refused

PRICES_UNKNOWN = Refused(
    "seen", "Prices not known yet", "the performance's prices are being read; try again in a moment"
)
REUSED = Refused("", "Idempotency key reused", idempotency.REUSED)

# Everything that decides a request, in one statement: the former use of its key, and the rows it names. `offset 0` has each row
# looked up by itself: a join would read a small table from one end to the other, and would still do so when it has grown.
_LOOK = """
    select r.key, k.fingerprint, k.booking_id::text, b.state, c.id is not null, p.id is not null,
        p.starts_at > clock_timestamp(), array(select seat from unnest(r.seats) seat where seat <> all (p.labels)),
        case when r.priced then (select sum(price)::bigint from unnest(p.labels, p.prices) as s (label, price)
            where label = any (r.seats)) end, p.currency
    from jsonb_to_recordset(%s::jsonb) as r (key text, customer bigint, performance text, seats text[], priced boolean)
    left join lateral (select * from booking_idempotencykey where key = r.key offset 0) k on true
    left join lateral (select * from booking_booking where id = k.booking_id offset 0) b on true
    left join lateral (select * from booking_customer where id = r.customer offset 0) c on true
    left join lateral (select * from booking_performancereplica where id = r.performance offset 0) p on true
"""
# Waits for another transaction with one of these keys; its keys are then not ours, and not among the rows returned.
_PLACE = """
    with asked as (
        select * from jsonb_to_recordset(%s::jsonb) as r (key text, fingerprint text, customer bigint, performance text,
            seats text[], payment_method text, placed_by text)
    ), taken as (
        insert into booking_idempotencykey (key, fingerprint) select key, fingerprint from asked order by key
        on conflict do nothing returning key, booking_id
    ), placed as (
        insert into booking_booking (id, customer_id, performance_id, seats, payment_method, placed_by, state, reason,
            currency, due_at, version)
        select booking_id, customer, performance, seats, payment_method, placed_by, 'PENDING', '', '',
            clock_timestamp() + %s * interval '1 second', 1
        from asked join taken using (key) returning id, saga_id
    )
    select key, id::text, saga_id::text from taken join placed on placed.id = taken.booking_id
"""


def place(db: Database, requests: Sequence[PlaceBooking]) -> list[Result]:
    """Place the bookings that can be placed; a result for each request, in order. One commit for all of them."""
    first = {request.key: request for request in reversed(requests)}  # if a key occurs twice, the first request decides
    with db.atomic():
        results = _look(db, first.values())
        todo = [request for request in first.values() if request.key not in results]
        results |= _place(db, todo)
        raced = [request for request in todo if request.key not in results]
        if raced:
            results |= _look(db, raced)
    return [_answer(request, first[request.key], results[request.key]) for request in requests]


def rehearse(db: Database) -> str:
    """Place a booking that nobody asked for, in a transaction that the caller rolls back; returns its id."""
    request = PlaceBooking(
        key=str(uuid.uuid4()), customer=0, performance="warm-up", seats=("A-1",), payment_method=PaymentMethod.VISA
    )
    _look(db, [request])
    (placed,) = _place(db, [request]).values()
    assert isinstance(placed, Placed)
    return placed.id


def _answer(request: PlaceBooking, first: PlaceBooking, result: Result) -> Result:
    """A key that occurs twice in one batch is settled by its first request, as if the second had arrived later."""
    if request is first:
        return result
    if request.fingerprint() != first.fingerprint():
        return REUSED
    return Placed(result.id, result.state, new=False) if isinstance(result, Placed) else result


def _look(db: Database, requests: Iterable[PlaceBooking]) -> dict[str, Result]:
    """Results, by key, of the requests that place nothing: known keys, and requests that name something that does not exist."""
    asked = {request.key: request for request in requests}
    rows = [
        {
            "key": r.key,
            "customer": r.customer,
            "performance": r.performance,
            "seats": list(r.seats),
            "priced": r.seen is not None,
        }
        for r in asked.values()
    ]
    results: dict[str, Result] = {}
    for key, fingerprint, booking_id, state, *judged in db.rows(_LOOK, [json.dumps(rows)]):
        if fingerprint is not None:
            same = fingerprint == asked[key].fingerprint()
            results[key] = Placed(booking_id, state, new=False) if same else REUSED
        elif refusal := _judge(asked[key], *judged):
            results[key] = refusal
    return results


def _judge(
    request: PlaceBooking,
    customer: bool,
    performance: bool,
    ahead: bool,
    unknown: list[str],
    amount: int | None,
    currency: str,
) -> Refused | None:
    if not customer:
        return Refused("customer", "Unknown customer", f"there is no customer {request.customer}")
    if not performance:
        return Refused("performance", "Unknown performance", f"there is no performance '{request.performance}'")
    if not ahead:
        return Refused("performance", "Past performance", f"performance '{request.performance}' has begun or is over")
    if unknown:
        labels = ", ".join(sorted(unknown))
        return Refused("seats", "Unknown seat", f"performance '{request.performance}' has no seat {labels}")
    if request.payment_method not in list(PaymentMethod):
        tokens = ", ".join(PaymentMethod)
        return Refused("payment_method", "Unknown payment method", f"use one of the test tokens {tokens}")
    if request.seen is None:
        return None
    if amount is None:
        return PRICES_UNKNOWN
    return _price_changed(request.seen, Price(amount, currency)) if request.seen != Price(amount, currency) else None


def _price_changed(seen: Price, now: Price) -> Refused:
    detail = f"these seats cost {now.amount} {now.currency} in minor units, not the {seen.amount} {seen.currency} that were seen"
    return Refused("seen", "The price has changed", detail, price=now)


def _place(db: Database, requests: Sequence[PlaceBooking]) -> dict[str, Result]:
    """Write keys, bookings and messages. Keys that another transaction took first are not in the result."""
    if not requests:
        return {}
    by_key = {request.key: request for request in requests}
    rows = [
        {
            "key": r.key,
            "fingerprint": r.fingerprint(),
            "customer": r.customer,
            "performance": r.performance,
            "seats": list(r.seats),
            "payment_method": r.payment_method,
            "placed_by": r.placed_by,
        }
        for r in requests
    ]
    placed = db.rows(_PLACE, [json.dumps(rows), START_WITHIN_S])
    messages = [
        message for key, booking, saga in placed for message in _messages(by_key[key], booking_id=booking, saga_id=saga)
    ]
    db.append(Outbox, messages)
    return {key: Placed(booking, "PENDING", new=True) for key, booking, _ in placed}


def _messages(request: PlaceBooking, *, booking_id: str, saga_id: str) -> list[Message]:
    event = BookingPlaced(
        id=booking_id,
        customer_id=request.customer,
        performance_id=request.performance,
        seats=list(request.seats),
        payment_method=request.payment_method,
        state="PENDING",
        reason="",
        amount=None,
        currency="",
        saga_id=saga_id,
        placed_by=request.placed_by,
    )
    common: dict[str, Any] = {"subject": booking_id, "correlation_id": booking_id, "saga_id": saga_id}
    return [
        Message(kind="event", type=event.type(), data=event.model_dump(mode="json"), version=1, **common),
        Message(
            kind="command",
            type=BookTickets.type(),
            data=BookTickets(booking_id=booking_id).model_dump(mode="json"),
            destination="booking",
            **common,
        ),
    ]

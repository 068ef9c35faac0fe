"""The scope of a reading: some bookings, seats and customers. Also that of an event, a row or a breach."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from audit.breach import Breach

LARGEST = 2**63
LONGEST = 100  # characters of a seat's name; a longer one is not ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """`bookings`: their ids; `seats`: "performance/label"; `customers`: their ids, as text."""

    bookings: frozenset[str] = frozenset()
    seats: frozenset[str] = frozenset()
    customers: frozenset[str] = frozenset()

    def __or__(self, other: Scope) -> Scope:
        return Scope(
            bookings=self.bookings | other.bookings,
            seats=self.seats | other.seats,
            customers=self.customers | other.customers,
        )

    def __sub__(self, other: Scope) -> Scope:
        return Scope(
            bookings=self.bookings - other.bookings,
            seats=self.seats - other.seats,
            customers=self.customers - other.customers,
        )

    def __bool__(self) -> bool:
        return bool(self.bookings or self.seats or self.customers)

    def first(self, most: int) -> Scope:
        """The same, with at most so many of each, the oldest bookings first (their ids are in order of time)."""
        return Scope(
            bookings=frozenset(sorted(self.bookings)[:most]),
            seats=frozenset(sorted(self.seats)[:most]),
            customers=frozenset(sorted(self.customers)[:most]),
        )

    def concerns(self, breach: Breach) -> bool:
        about = of_breach(breach)
        return bool(self.bookings & about.bookings or self.seats & about.seats or self.customers & about.customers)


def of_breach(breach: Breach) -> Scope:
    customers = () if breach.customer is None else (str(breach.customer),)
    seats = (breach.seat,) if breach.seat else ()
    return Scope(bookings=frozenset(breach.bookings), seats=frozenset(seats), customers=frozenset(customers))


def union(scopes: Iterable[Scope]) -> Scope:
    found = list(scopes)
    return Scope(
        bookings=frozenset().union(*(one.bookings for one in found)),
        seats=frozenset().union(*(one.seats for one in found)),
        customers=frozenset().union(*(one.customers for one in found)),
    )


def of_event(event: Mapping[str, Any]) -> Scope:
    """What the transaction of an event has changed: a booking, the seats it names, or a customer. Accepts any JSON."""
    data = event.get("data")
    data = data if isinstance(data, Mapping) else {}
    bookings = [str(one) for one in (event.get("correlationid"), data.get("booking_id")) if _is_id(one)]
    performance = data.get("performance_id") or data.get("id")
    seats = data.get("seats")
    labels = (
        [one.get("label") if isinstance(one, Mapping) else one for one in seats if one]
        if isinstance(seats, list)
        else []
    )
    customers = (
        [str(data["id"])] if "email" in data and isinstance(data.get("id"), int) and abs(data["id"]) < LARGEST else []
    )
    return Scope(
        bookings=frozenset(bookings),
        seats=frozenset(
            named for label in labels if len(named := f"{performance}/{label}") <= LONGEST and named.isprintable()
        ),
        customers=frozenset(customers),
    )


def _is_id(value: object) -> bool:
    try:
        return isinstance(value, str) and str(UUID(value)) == value
    except ValueError:
        return False

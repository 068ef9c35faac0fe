"""Events as the four services publish them: full state, a version per aggregate, and a time that grows with it."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connections

START = datetime(2030, 1, 1, tzinfo=UTC)
CONCERT = "concert-2024"
SEATS = ("A-1", "A-2", "A-3")
BOOKINGS = ("019a0000-0000-7000-8000-000000000001", "019a0000-0001-7000-8000-000000000002")
TABLES = (
    *("projections_bookingview", "projections_customer", "projections_seatmap", "projections_performance"),
    *("projections_historybooking", "projections_historycustomer"),
    *("projections_salesperformance", "projections_salesseat", "projections_salesbooking"),
)


def envelope(service: str, type_: str, version: int, data: dict[str, Any], at: int = 0) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{service} {type_} {version} {data}")),
        "source": f"/{service}",
        "type": type_,
        "kind": "event",
        "time": (START + timedelta(seconds=at)).isoformat(),
        "data": data,
        "version": version,
        "xid": "1",
        "horizon": "1",
    }


def announced() -> dict[str, Any]:
    seats = [
        {
            **{"id": number, "label": label, "section": "Stalls", "row": "A", "number": number},
            **{"price": 150_000, "currency": "KRW", "status": "AVAILABLE", "booking_id": None, "version": 1},
        }
        for number, label in enumerate(SEATS, 1)
    ]
    performance = {"id": CONCERT, "title": "Concert 2024", "venue": "Hall", "starts_at": "2031-01-01T19:00:00+00:00"}
    return envelope("seats", "PerformanceAnnounced", 1, {**performance, "currency": "KRW", "seats": seats})


def customer(name: str, version: int) -> dict[str, Any]:
    type_ = "CustomerRegistered" if version == 1 else "CustomerRenamed"
    return envelope("booking", type_, version, {"id": 123, "name": name, "email": "someone@example.org"})


def booking(booking_id: str, version: int, state: str, reason: str = "", at: int = 0) -> dict[str, Any]:
    types = {"PENDING": "BookingPlaced", "CONFIRMED": "BookingConfirmed", "CANCELLED": "BookingCancelled"}
    data = {
        **{"id": booking_id, "customer_id": 123, "performance_id": CONCERT, "seats": ["A-1"], "state": state},
        **{"payment_method": "tok_visa", "reason": reason, "amount": 150_000 if version > 1 else None},
        **{"currency": "KRW" if version > 1 else "", "saga_id": booking_id},
    }
    return envelope("booking", types.get(state, "BookingAdvanced"), version, data, at)


def hold(booking_id: str, version: int, status: str, seats: dict[str, tuple[str, int]], at: int = 0) -> dict[str, Any]:
    """`seats`: label -> (status, version) of each seat."""
    types = {"HELD": "SeatsReserved", "RELEASED": "SeatsReleased", "CONFIRMED": "SeatsSold"}
    changed = [
        {
            **{"id": SEATS.index(label) + 1, "label": label, "status": seat, "version": seat_version, "price": 150_000},
            "booking_id": None if seat == "AVAILABLE" else booking_id,
        }
        for label, (seat, seat_version) in seats.items()
    ]
    data = {
        **{"booking_id": booking_id, "performance_id": CONCERT, "status": status, "amount": 150_000},
        **{"expires_at": "2030-01-01T00:10:00+00:00", "currency": "KRW", "seats": changed},
    }
    return envelope("seats", types[status], version, data, at)


def payment(booking_id: str, version: int, status: str, at: int = 0) -> dict[str, Any]:
    data = {
        **{"id": booking_id, "booking_id": booking_id, "customer_id": 123, "amount": 150_000, "currency": "KRW"},
        **{"status": status, "reason": ""},
        "refund": {"id": booking_id, "amount": 150_000} if status == "REFUNDED" else None,
    }
    return envelope("payments", f"Payment{status.capitalize()}", version, data, at)


def tickets(booking_id: str, at: int = 0) -> dict[str, Any]:
    printed = [{"id": booking_id, "seat": "A-1", "code": "c0de"}]
    data = {"booking_id": booking_id, "status": "ISSUED", "reason": "", "tickets": printed}
    return envelope("tickets", "TicketsIssued", 1, data, at)


def story() -> list[dict[str, Any]]:
    """The first booking's payment is undone and its seat freed; the second buys that seat."""
    first, second = BOOKINGS
    return [
        announced(),
        customer("Mn-jun", 1),
        booking(first, 1, "PENDING", at=1),
        hold(first, 1, "HELD", {"A-1": ("RESERVED", 2), "A-2": ("RESERVED", 2)}, at=2),
        booking(first, 2, "PAYING", at=3),
        payment(first, 1, "COMPLETED", at=4),
        booking(first, 3, "COMPENSATING", "printer_refused", at=5),
        payment(first, 2, "REFUNDED", at=6),
        hold(first, 2, "RELEASED", {"A-1": ("AVAILABLE", 3), "A-2": ("AVAILABLE", 3)}, at=7),
        booking(first, 4, "CANCELLED", "printer_refused", at=8),
        customer("Min-jun", 2),
        booking(second, 1, "PENDING", at=9),
        hold(second, 1, "HELD", {"A-1": ("RESERVED", 4)}, at=10),
        payment(second, 1, "COMPLETED", at=11),
        tickets(second, at=12),
        hold(second, 2, "CONFIRMED", {"A-1": ("SOLD", 5)}, at=13),
        booking(second, 2, "CONFIRMED", at=14),
    ]


def rows() -> dict[str, list[Any]]:
    """All rows of the views, but for `caused_by`, which names the events of the last write."""
    found = {}
    with connections["projections"].cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"select to_jsonb(t) - 'caused_by' from {table} t order by 1")
            found[table] = [row for (row,) in cursor.fetchall()]
    return found

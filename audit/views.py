"""Checks that each view equals the truth: compares the read models' rows with those of the services that own the data."""

from collections.abc import Iterator, Mapping
from typing import Any

from audit.breach import Breach
from audit.truth import TELLER, Row, Standing, Truth

Shown = Mapping[str, Any]
Part = tuple[str, str, Row | None, dict[str, Any]]
"""A service's part of a view's row: (service, the part's version column, its owner's row, what the view should show)."""
BOOKING = ("customer_id", "performance_id", "seats", "payment_method", "state", "reason", "amount", "currency")
BOOKING_VIEW, SEAT_MAP, HISTORY, SALES = "bookings", "seat_map", "customer_history", "sales"
TABLES = {
    BOOKING_VIEW: ("projections_bookingview",),
    SEAT_MAP: ("projections_seatmap",),
    HISTORY: ("projections_historybooking",),
    SALES: ("projections_salesbooking", "projections_salesseat"),
}
BOOKINGS_OWNER, HOLDS_OWNER, PAYMENTS_OWNER, TICKETS_OWNER = map(
    TELLER.__getitem__, ("booking", "hold", "payment", "issuance")
)
SEATS_OWNER, CUSTOMERS_OWNER = TELLER["seat"], TELLER["customer"]
"""The services that own the rows."""
NAMES = {BOOKING_VIEW: ("projections_customer",), HISTORY: ("projections_historycustomer",)}


def views_differ(truth: Truth) -> Iterator[Breach]:
    """Rows of the four views that differ from the truth. Bookings still under way are not compared."""
    ended = {
        booking: row for booking, row in truth.bookings.items() if truth.standing(booking) == Standing.ENDED
    }  # fmt: skip
    for view, rows, parts in (
        (BOOKING_VIEW, truth.views.bookings, _booking_parts),
        (HISTORY, truth.views.history, _history_parts),
        (SALES, truth.views.sales, _sales_parts),
    ):
        for booking, row in ended.items():
            shown = rows.get(booking, {})
            for service, version, owner, expected in parts(booking, row, truth):
                yield from _part(truth, booking, view, service, shown, version, owner, expected)
    for view, rows in ((BOOKING_VIEW, truth.views.bookings), (HISTORY, truth.views.history)):
        for booking, shown in rows.items():
            if booking not in truth.bookings and shown["booking_version"] is not None:
                what = "the view shows a booking that Booking does not have"
                yield Breach(bookings=(booking,), what=what, tables=TABLES[view])
    yield from _seats(truth, SEAT_MAP, truth.views.seats, ("status", "booking_id", "price"))
    yield from _seats(truth, SALES, truth.views.sales_seats, ("status", "price"))
    yield from _names(truth)


def _booking_parts(booking: str, row: Row, truth: Truth) -> Iterator[Part]:
    yield BOOKINGS_OWNER, "booking_version", row, {name: row[name] for name in BOOKING}
    hold = truth.holds.get(booking)
    yield HOLDS_OWNER, "hold_version", hold, {"hold_status": hold and hold["status"]}
    payment = truth.payments.get(booking, [None])[-1]
    columns = {"payment_id": "id", "payment_status": "status", "payment_reason": "reason"}
    yield PAYMENTS_OWNER, "payment_version", payment, {name: payment and payment[own] for name, own in columns.items()}
    issuance = truth.issuances.get(booking)
    tickets = issuance and sorted(
        ({"id": one["id"], "seat": one["seat"], "code": one["code"]} for one in truth.tickets.get(booking, ())),
        key=lambda ticket: ticket["id"],
    )
    status = issuance and issuance["status"]
    yield TICKETS_OWNER, "tickets_version", issuance, {"tickets_status": status, "tickets": tickets}


def _history_parts(booking: str, row: Row, truth: Truth) -> Iterator[Part]:
    yield BOOKINGS_OWNER, "booking_version", row, {name: row[name] for name in ("customer_id", "state")}
    yield _money(booking, truth)
    issuance = truth.issuances.get(booking)
    count = issuance and len(truth.tickets.get(booking, ()))
    yield (
        TICKETS_OWNER,
        "tickets_version",
        issuance,
        {"tickets_status": issuance and issuance["status"], "tickets": count},
    )


def _sales_parts(booking: str, row: Row, truth: Truth) -> Iterator[Part]:
    hold = truth.holds.get(booking)
    yield HOLDS_OWNER, "hold_version", hold, {"performance_id": hold and hold["performance_id"]}
    yield _money(booking, truth)


def _money(booking: str, truth: Truth) -> Part:
    """The booking's contribution to a sum; nothing if Payment does not have it."""
    payment = truth.payments.get(booking, [None])[-1]
    if payment is None:
        return PAYMENTS_OWNER, "payment_version", None, {"taken": None, "refunded": None, "currency": None}
    expected = {
        "taken": 0 if payment["status"] == "DECLINED" else payment["amount"],
        "refunded": sum(refund["amount"] for refund in truth.refunds.get(payment["id"], ())),
        "currency": payment["currency"],
    }
    return PAYMENTS_OWNER, "payment_version", payment, expected


def _part(
    truth: Truth,
    booking: str,
    view: str,
    service: str,
    shown: Shown,
    version: str,
    owner: Row | None,
    expected: dict[str, Any],
) -> Iterator[Breach]:
    differing = [
        name
        for name, value in expected.items()
        if shown.get(name) != value and _comparable(shown.get(name)) != _comparable(value)
    ]
    if not differing:
        return
    what = _difference(differing[0], shown.get(differing[0]), expected[differing[0]])
    behind = owner is not None and (shown.get(version) or 0) < owner["version"]
    yield _breach(truth, (booking,), what, view, service, owner if behind else None, part=service)


def _seats(truth: Truth, view: str, rows: Mapping[tuple[str, str], Row], columns: tuple[str, ...]) -> Iterator[Breach]:
    for seat in truth.of("seat"):
        place = (seat["performance_id"], seat["label"])
        shown = rows.get(place, {})
        for name in columns:
            if shown.get(name) != seat[name]:
                bookings = tuple(sorted({str(row["booking_id"]) for row in (seat, shown) if row.get("booking_id")}))
                behind = (shown.get("version") or 0) < seat["version"]
                what = f"{seat['label']}: {_difference(name, shown.get(name), seat[name])}"
                at = "/".join(place)
                yield _breach(truth, bookings, what, view, SEATS_OWNER, seat if behind else None, at, part=at)
                break
    known = {(seat["performance_id"], seat["label"]) for seat in truth.of("seat")}
    for performance, label in rows.keys() - known:
        what = f"{label}: the view shows a seat that Seat does not have"
        yield Breach(bookings=(), seat=f"{performance}/{label}", what=what, tables=TABLES[view])


def _names(truth: Truth) -> Iterator[Breach]:
    for customer in truth.of("customer"):
        for view, tables in NAMES.items():
            shown = truth.views.names.get((view, customer["id"]), {})
            if shown.get("name") != customer["name"]:
                behind = (shown.get("version") or 0) < customer["version"]
                difference = _difference("name", shown.get("name"), customer["name"])
                what = f"customer {customer['id']}: {difference}"
                owner, part = customer if behind else None, str(customer["id"])
                yield _breach(
                    truth, (), what, view, CUSTOMERS_OWNER, owner, tables=tables, part=part, customer=customer["id"]
                )


def _breach(
    truth: Truth,
    bookings: tuple[str, ...],
    what: str,
    view: str,
    service: str,
    behind: Row | None,
    seat: str = "",
    tables: tuple[str, ...] = (),
    part: str = "",
    customer: int | None = None,
) -> Breach:
    """`behind`: the owner's row, if the view shows an older version of it: it may still be on its way."""
    excuse_gone = truth.has_been_read(view, service, behind, bookings) if behind else ""
    if behind and excuse_gone:
        what = f"{what} (an older version; {excuse_gone})"
    on_its_way = behind is not None and not excuse_gone
    what = what if view == BOOKING_VIEW else f"{view}: {what}"
    return Breach(
        bookings=bookings,
        seat=seat,
        what=what,
        tables=tables or TABLES[view],
        on_its_way=on_its_way,
        part=f"{view} {part}",
        customer=customer,
    )


def _difference(name: str, shown: object, true: object) -> str:
    return f"{name} is {_text(true)}, the view shows {_text(shown)}"


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(one["seat"]) if isinstance(one, dict) else str(one) for one in value) or "none"
    return "nothing" if value in (None, "") else str(value)


def _comparable(value: object) -> object:
    """Tickets in one order; a column without an event so far equals an empty text."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return sorted(value, key=lambda ticket: str(ticket["id"]))
    return None if value == "" else value

"""Each view equals the truth: the read models' rows beside the rows of the services that own the data."""

from collections.abc import Iterator, Mapping
from typing import Any

from audit.breach import Breach
from audit.truth import Row, Standing, Truth

Shown = Mapping[str, Any]
BOOKING = ("customer_id", "performance_id", "seats", "payment_method", "state", "reason", "amount", "currency")
BOOKING_VIEW, SEAT_MAP = "bookings", "seat_map"
TABLES = {BOOKING_VIEW: ("projections_bookingview",), SEAT_MAP: ("projections_seatmap",)}


def views_differ(truth: Truth) -> Iterator[Breach]:
    """Rows of the booking view and of the seat map that differ. Bookings still under way are not compared."""
    yield from _booking_view(truth)
    yield from _seat_map(truth)


def _booking_view(truth: Truth) -> Iterator[Breach]:
    for booking, row in truth.bookings.items():
        if truth.standing(booking) == Standing.ENDED:
            shown = truth.views.bookings.get(booking, {})
            for service, version, owner, expected in _parts(booking, row, truth):
                yield from _part(truth, booking, service, shown, version, owner, expected)
    for booking, shown in truth.views.bookings.items():
        if booking not in truth.bookings and shown["booking_version"] is not None:
            yield Breach(
                bookings=(booking,),
                what="the view shows a booking that Booking does not have",
                tables=TABLES[BOOKING_VIEW],
            )


def _parts(booking: str, row: Row, truth: Truth) -> Iterator[tuple[str, str, Row | None, dict[str, Any]]]:
    """Each service's part of the view's row: (service, the part's version column, its owner's row, what it should show)."""
    yield "booking", "booking_version", row, {name: row[name] for name in BOOKING}
    hold = truth.holds.get(booking)
    yield "seats", "hold_version", hold, {"hold_status": hold and hold["status"]}
    payment = truth.payments.get(booking, [None])[-1]
    columns = {"payment_id": "id", "payment_status": "status", "payment_reason": "reason"}
    yield "payments", "payment_version", payment, {name: payment and payment[own] for name, own in columns.items()}
    issuance = truth.issuances.get(booking)
    tickets = issuance and sorted(
        ({"id": one["id"], "seat": one["seat"], "code": one["code"]} for one in truth.tickets.get(booking, ())),
        key=lambda ticket: ticket["id"],
    )
    yield (
        "tickets",
        "tickets_version",
        issuance,
        {"tickets_status": issuance and issuance["status"], "tickets": tickets},
    )


def _part(
    truth: Truth, booking: str, service: str, shown: Shown, version: str, owner: Row | None, expected: dict[str, Any]
) -> Iterator[Breach]:
    differing = [name for name, value in expected.items() if _comparable(shown.get(name)) != _comparable(value)]
    if not differing:
        return
    what = _difference(differing[0], shown.get(differing[0]), expected[differing[0]])
    behind = owner is not None and (shown.get(version) or 0) < owner["version"]
    yield _breach(truth, (booking,), what, BOOKING_VIEW, service, owner if behind else None)


def _seat_map(truth: Truth) -> Iterator[Breach]:
    for seat in truth.rows("seats", "seat"):
        place = (seat["performance_id"], seat["label"])
        shown = truth.views.seats.get(place, {})
        for name in ("status", "booking_id", "price"):
            if shown.get(name) != seat[name]:
                bookings = tuple(sorted({str(row["booking_id"]) for row in (seat, shown) if row.get("booking_id")}))
                behind = (shown.get("version") or 0) < seat["version"]
                what = f"{seat['label']}: {_difference(name, shown.get(name), seat[name])}"
                yield _breach(truth, bookings, what, SEAT_MAP, "seats", seat if behind else None, "/".join(place))
                break
    known = {(seat["performance_id"], seat["label"]) for seat in truth.rows("seats", "seat")}
    for performance, label in truth.views.seats.keys() - known:
        what = f"{label}: the seat map shows a seat that Seat does not have"
        yield Breach(bookings=(), seat=f"{performance}/{label}", what=what, tables=TABLES[SEAT_MAP])


def _breach(
    truth: Truth, bookings: tuple[str, ...], what: str, view: str, service: str, behind: Row | None, seat: str = ""
) -> Breach:
    """`behind`: the owner's row, if the view shows an older version of it: it may be on its way, for a while."""
    excuse_gone = truth.has_been_read(view, service, behind, bookings) if behind else ""
    if behind and excuse_gone:
        what = f"{what} (an older version; {excuse_gone})"
    on_its_way = behind is not None and not excuse_gone
    return Breach(bookings=bookings, seat=seat, what=what, tables=TABLES[view], on_its_way=on_its_way)


def _difference(name: str, shown: object, true: object) -> str:
    return f"{name} is {_text(true)}, the view says {_text(shown)}"


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(one["seat"]) if isinstance(one, dict) else str(one) for one in value) or "none"
    return "nothing" if value in (None, "") else str(value)


def _comparable(value: object) -> object:
    """Tickets in one order; a column no service has spoken for is as empty as an empty text."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return sorted(value, key=lambda ticket: str(ticket["id"]))
    return None if value == "" else value

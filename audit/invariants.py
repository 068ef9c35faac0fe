"""The invariants over the services' own rows: pure functions from what was read to the breaches in it.

Each finds what would be wrong if every saga had ended; a breach that only concerns a running saga does not count yet
(verdict.py).
"""

from collections import Counter
from collections.abc import Iterator

from audit.breach import Breach
from audit.truth import SETTLED_STATES, Row, Standing, Truth, grouped

Place = tuple[str, str, str]
HELD = ("HELD", "CONFIRMED")
CHARGED = ("COMPLETED", "REFUNDED")

SOLD = ("booking_booking", "payments_payment", "tickets_issuance")
MONEY = ("payments_payment", "payments_refund")
HOLDS = ("seats_hold", "seats_seat")


def seats_sold_twice(truth: Truth) -> Iterator[Breach]:
    """Two bookings with tickets, or with a hold, for one seat. A seat's own row names only one booking, so it cannot
    show this."""
    ticketed, held = occupied(truth)
    told = set()
    for places, tables, what in (
        (ticketed, ("tickets_ticket", "tickets_issuance"), "tickets of {} bookings"),
        (held, ("seats_hold",), "held for {} bookings"),
    ):
        for (performance, label), bookings in _shared(places).items():
            ended = [one for one in bookings if truth.standing(one) == Standing.ENDED]
            concerned = tuple(
                ended if len(ended) > 1 else bookings
            )  # a booking that is still under way may yet release it
            if (performance, label, concerned) not in told:
                told.add((performance, label, concerned))
                seat = f"{performance}/{label}"
                yield Breach(
                    bookings=concerned, seat=seat, tables=tables, what=f"{label}: {what.format(len(concerned))}"
                )


def occupied(truth: Truth) -> tuple[list[Place], list[Place]]:
    """Seats with tickets, and seats held or sold: (performance, label, booking)."""
    ticketed = [
        (issuance["performance_id"], ticket["seat"], booking)
        for booking, issuance in truth.issuances.items()
        if issuance["status"] == "ISSUED"
        for ticket in truth.tickets.get(booking, ())
    ]
    held = [
        (hold["performance_id"], label, booking)
        for booking, hold in truth.holds.items()
        if hold["status"] in HELD and booking in truth.bookings
        for label in truth.bookings[booking]["seats"]
    ]
    return ticketed, held


def _shared(places: list[Place]) -> dict[tuple[str, str], list[str]]:
    """(performance, label) -> the bookings that have it, if there are several."""
    counts = Counter((performance, label) for performance, label, _ in places)
    shared: dict[tuple[str, str], set[str]] = {place: set() for place, count in counts.items() if count > 1}
    for performance, label, booking in places:
        if (performance, label) in shared:
            shared[performance, label].add(booking)
    return {place: sorted(bookings) for place, bookings in shared.items() if len(bookings) > 1}


def paid_and_ticketed_differ(truth: Truth) -> Iterator[Breach]:
    """Paid without tickets, tickets without payment; confirmed without both, cancelled with both; tickets for other seats."""
    for booking in truth.bookings.keys() | truth.payments.keys() | truth.issuances.keys():
        paid = any(payment["status"] == "COMPLETED" for payment in truth.payments.get(booking, ()))
        issued = truth.issuances.get(booking, {}).get("status") == "ISSUED"
        row = truth.bookings.get(booking)
        if paid and not issued:
            yield Breach(bookings=(booking,), what="paid, no tickets", tables=SOLD, step="Payment", passing=True)
        elif issued and not paid:
            yield Breach(bookings=(booking,), what="tickets, not paid", tables=SOLD, step="Tickets", passing=True)
        elif row and row["state"] == "CONFIRMED" and not paid:
            what = "confirmed, neither paid nor with tickets"
            yield Breach(bookings=(booking,), what=what, tables=SOLD, step="Tickets", passing=True)
        elif row and row["state"] == "CANCELLED" and paid:
            what = "cancelled, yet paid and with tickets"
            yield Breach(bookings=(booking,), what=what, tables=SOLD, step="Tickets", passing=True)
        if row and issued:
            yield from _other_seats(row, truth.tickets.get(booking, []))


def _other_seats(booking: Row, tickets: list[Row]) -> Iterator[Breach]:
    labels = sorted(ticket["seat"] for ticket in tickets)
    if labels != sorted(booking["seats"]):
        what = f"tickets for {', '.join(labels) or 'no seat'}, booked {', '.join(booking['seats'])}"
        yield Breach(bookings=(booking["booking_id"],), what=what, tables=("tickets_ticket",))


def charged_twice(truth: Truth) -> Iterator[Breach]:
    """More than one payment taken for a booking, refunded or not; more than one booking placed for one request."""
    for booking, payments in truth.payments.items():
        charges = sum(payment["status"] in CHARGED for payment in payments)
        if charges > 1:
            yield Breach(bookings=(booking,), what=f"charged {charges} times", tables=MONEY)
    requests = grouped(truth.of("request"), lambda request: request["request"])
    for twice in requests.values():
        if len(twice) > 1:
            bookings = tuple(sorted(request["booking_id"] for request in twice))
            what = f"one request (one idempotency key) placed {len(bookings)} bookings"
            yield Breach(bookings=bookings, what=what, tables=("booking_booking",))


def orphan_holds(truth: Truth) -> Iterator[Breach]:
    """A hold that no saga will end, a taken seat without a hold, a confirmed hold without its seats."""
    for booking, hold in truth.holds.items():
        if hold["status"] == "HELD":
            yield Breach(bookings=(booking,), what="its seats are still held", tables=HOLDS, step="Seats", passing=True)
        elif hold["status"] == "CONFIRMED":
            yield from _confirmed(booking, truth)
    taken = [seat for seat in truth.of("seat") if seat["status"] != "AVAILABLE"]
    by_place = {(seat["performance_id"], seat["label"]) for seat in taken}
    for seat in taken:
        hold_of = truth.holds.get(seat["booking_id"], {}).get("status", "missing")
        if (seat["status"], hold_of) not in (("RESERVED", "HELD"), ("SOLD", "CONFIRMED")):
            what = f"{seat['label']} is {seat['status']}, its hold {hold_of}"
            yield _seat(seat["booking_id"], seat["performance_id"], seat["label"], what)
    for booking, hold in truth.holds.items():
        for label in truth.bookings.get(booking, {}).get("seats", ()) if hold["status"] == "CONFIRMED" else ():
            if (hold["performance_id"], label) not in by_place:
                yield _seat(booking, hold["performance_id"], label, f"{label} is free, though its hold is CONFIRMED")


def _confirmed(booking: str, truth: Truth) -> Iterator[Breach]:
    state = truth.bookings.get(booking, {}).get("state", "unknown")
    if state != "CONFIRMED":
        what = f"its seats are sold, the booking is {state}"
        yield Breach(bookings=(booking,), what=what, tables=HOLDS, step="Seats", passing=True)


def _seat(booking: str | None, performance: str, label: str, what: str) -> Breach:
    bookings = (booking,) if booking else ()
    return Breach(bookings=bookings, seat=f"{performance}/{label}", what=what, tables=HOLDS, step="Seats")


def refunds_without_payment(truth: Truth) -> Iterator[Breach]:
    """A refund whose payment is missing or not REFUNDED, and a REFUNDED payment with any number of refunds but one."""
    payments = {payment["id"]: payment for payment in truth.of("payment")}
    for payment_id, refunds in truth.refunds.items():
        payment = payments.get(payment_id)
        bookings = (payment["booking_id"],) if payment else ()
        if payment is None:
            yield Breach(bookings=bookings, what=f"a refund of payment {payment_id}, which is missing", tables=MONEY)
        elif payment["status"] != "REFUNDED":
            what = f"a refund, though its payment is {payment['status']}"
            yield Breach(bookings=bookings, what=what, tables=MONEY)
        elif len(refunds) > 1:
            yield Breach(bookings=bookings, what=f"refunded {len(refunds)} times", tables=MONEY)
    for payment in payments.values():
        if payment["status"] == "REFUNDED" and payment["id"] not in truth.refunds:
            what = "its payment is REFUNDED without a refund"
            yield Breach(bookings=(payment["booking_id"],), what=what, tables=MONEY)


def money_lost_or_made(truth: Truth) -> Iterator[Breach]:
    """For each payment: the money taken is held or was returned, and equals the price of the booking."""
    for booking, payments in truth.payments.items():
        price = truth.bookings.get(booking, {}).get("amount")
        for payment in payments:
            came_in, held, returned = money_of(payment, truth)
            if came_in != held + returned:
                what = f"{came_in} {payment['currency']} came in, {held} held and {returned} returned"
                yield Breach(bookings=(booking,), what=what, tables=MONEY)
            if came_in and price is not None and came_in != price:
                what = f"charged {came_in} {payment['currency']}, the booking costs {price}"
                yield Breach(bookings=(booking,), what=what, tables=MONEY)


def money_of(payment: Row, truth: Truth) -> tuple[int, int, int]:
    """The money taken by a payment, held of it, and returned; in minor units."""
    came_in = payment["amount"] if payment["status"] in CHARGED else 0
    held = payment["amount"] if payment["status"] == "COMPLETED" else 0
    return came_in, held, sum(refund["amount"] for refund in truth.refunds.get(payment["id"], ()))


def totals(truth: Truth) -> dict[str, dict[str, int]]:
    """Money in minor units by currency: {"KRW": {"in", "held", "returned"}}."""
    sums: dict[str, dict[str, int]] = {}
    for currency, payments in sorted(grouped(truth.of("payment"), lambda row: row["currency"]).items()):
        columns = list(zip(*(money_of(payment, truth) for payment in payments), strict=True))
        sums[currency] = dict(zip(("in", "held", "returned"), map(sum, columns), strict=True))
    return sums


def sagas_without_end(truth: Truth) -> Iterator[Breach]:
    """Sagas that have not ended, and those that never will: nothing will wake them, or they ended without their
    booking. A STUCK saga waits for a person on purpose; it is not a breach, so it is reported as pending.
    """
    for booking, row in truth.bookings.items():
        sagas = truth.sagas.get(booking, [])
        active = [saga for saga in sagas if saga["state"] not in ("COMPLETED", "COMPENSATED")]
        for saga in active:
            if saga["state"] == "STUCK":
                what, asleep = f"stuck at {saga['step']} ({saga['reason'] or 'no answer'}): waits for a person", False
            else:
                what, asleep = f"{saga['state'].lower()} at {saga['step']}", saga["due_at"] is None
            yield _unended(booking, what, asleep, ("booking_saga",))
        if not active and row["state"] not in SETTLED_STATES:
            if sagas:
                yield _unended(
                    booking, f"its saga has ended, the booking is {row['state']}", True, ("booking_booking",)
                )
            else:
                yield _unended(booking, "its saga has not started", row["due_at"] is None, ("booking_booking",))


def _unended(booking: str, what: str, never: bool, tables: tuple[str, ...]) -> Breach:
    return Breach(
        bookings=(booking,),
        what=f"will never end: {what}" if never else what,
        tables=tables,
        certain=never,
        passing=True,
    )

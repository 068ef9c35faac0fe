"""A small world that is in order: confirmed, declined and refunded bookings, as the services and the views tell them."""

import copy
from typing import Any

from audit.truth import Answer, Truth, Views
from audit.verdict import Finding, judge

CONFIRMED, DECLINED, REFUNDED = (f"00000000-0000-7000-8000-00000000000{number}" for number in (1, 2, 3))
NOW, EARLIER = "2030-01-01T00:00:30+00:00", "2030-01-01T00:00:29.5+00:00"
Row = Any


class World:
    """Rows by service and kind, to be damaged; `verdict(name)` judges one invariant."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, list[Row]]] = {
            "booking": {"customer": [], "booking": [], "saga": [], "request": []},
            "seats": {"seat": [], "hold": []},
            "payments": {"payment": [], "refund": []},
            "tickets": {"issuance": [], "ticket": []},
        }
        self.meta: dict[str, Row] = {
            service: {"xmax": "1000", "horizon": "1000", "last_event": f"last-{service}", "at": NOW}
            for service in self.rows
        }
        self.bookings: dict[str, Row] = {}
        self.seats: dict[tuple[str, str], Row] = {}
        self.history: dict[str, Row] = {}
        self.sales: dict[str, Row] = {}
        self.sales_seats: dict[tuple[str, str], Row] = {}
        self.names: dict[tuple[str, int], Row] = {}
        self.checkpoints: dict[tuple[str, str], Row] = {}
        self.unavailable: dict[str, str] = {}
        self.moved: frozenset[str] = frozenset()
        self._book(CONFIRMED, "A-1", "CONFIRMED", "CONFIRMED", "COMPLETED", "ISSUED")
        self._book(DECLINED, "A-2", "CANCELLED", "RELEASED", "DECLINED", None)
        self._book(REFUNDED, "A-3", "CANCELLED", "RELEASED", "REFUNDED", "REFUSED")
        self.rows["booking"]["customer"].append(
            {"booking_id": None, "id": 1, "name": "Ana", "version": 2, "xid": 600}
        )  # fmt: skip
        fed = {"bookings": tuple(self.rows), "seat_map": ("seats",), "sales": ("seats", "payments")}
        for view, sources in {**fed, "customer_history": ("booking", "payments", "tickets")}.items():
            for source in sources:
                self.checkpoints[view, source] = {"event_id": f"last-{source}", "horizon": 500, "complete": True}
        self._show()

    def _book(self, booking: str, label: str, state: str, hold: str, payment: str, issuance: str | None) -> None:
        common = {"booking_id": booking, "version": 2, "xid": 600}
        self.rows["booking"]["booking"].append(
            {**common, "customer_id": 1, "performance_id": "concert", "seats": [label], "payment_method": "tok_visa",
             "state": state, "reason": "", "amount": 100, "currency": "KRW", "due_at": None}
        )  # fmt: skip
        ended = "COMPLETED" if state == "CONFIRMED" else "COMPENSATED"
        self.rows["booking"]["saga"].append(
            {**common, "id": f"saga-{booking}", "state": ended, "step": "ConfirmSeats", "reason": "", "due_at": None,
             "waived": None, "last_at": EARLIER}
        )  # fmt: skip
        sold = state == "CONFIRMED"
        self.rows["seats"]["seat"].append(
            {**common, "booking_id": booking if sold else None, "performance_id": "concert", "label": label,
             "status": "SOLD" if sold else "AVAILABLE", "price": 100}
        )  # fmt: skip
        self.rows["seats"]["hold"].append({**common, "performance_id": "concert", "status": hold})
        self.rows["payments"]["payment"].append(
            {**common, "id": f"pay-{booking}", "amount": 100, "currency": "KRW", "status": payment, "reason": ""}
        )
        if payment == "REFUNDED":
            self.rows["payments"]["refund"].append({**common, "id": "r", "payment_id": f"pay-{booking}", "amount": 100})
        if issuance:
            self.rows["tickets"]["issuance"].append({**common, "performance_id": "concert", "status": issuance})
        if issuance == "ISSUED":
            self.rows["tickets"]["ticket"].append({**common, "id": f"t-{booking}", "seat": label, "code": "c"})

    def _show(self) -> None:
        """What the views show when they have read everything."""
        truth = self.truth()
        for booking, row in truth.bookings.items():
            payment, issuance = truth.payments[booking][0], truth.issuances.get(booking)
            shown = {
                name: copy.copy(value) for name, value in row.items() if name not in ("booking_id", "version", "xid")
            }
            self.bookings[booking] = {
                **shown, "booking_version": 2, "hold_status": truth.holds[booking]["status"], "hold_version": 2,
                "payment_id": payment["id"], "payment_status": payment["status"], "payment_reason": "",
                "payment_version": 2, "tickets_status": issuance and issuance["status"],
                "tickets": issuance and [
                    {name: ticket[name] for name in ("id", "seat", "code")} for ticket in truth.tickets.get(booking, [])
                ],
                "tickets_version": issuance and 2,
            }  # fmt: skip
            money = {
                "taken": 0 if payment["status"] == "DECLINED" else 100, "currency": "KRW", "payment_version": 2,
                "refunded": 100 if payment["status"] == "REFUNDED" else 0,
            }  # fmt: skip
            self.history[booking] = {
                **money, "customer_id": 1, "state": row["state"], "booking_version": 2,
                "tickets_status": issuance and issuance["status"], "tickets_version": issuance and 2,
                "tickets": issuance and len(truth.tickets.get(booking, [])),
            }  # fmt: skip
            self.sales[booking] = {**money, "performance_id": "concert", "hold_version": 2}
        self.sales_seats = {(seat["performance_id"], seat["label"]): dict(seat) for seat in truth.rows("seats", "seat")}
        self.names = {(view, 1): {"name": "Ana", "version": 2} for view in ("bookings", "customer_history")}
        self.seats = {(seat["performance_id"], seat["label"]): dict(seat) for seat in truth.rows("seats", "seat")}

    def row(self, service: str, kind: str, booking: str) -> Row:
        return next(row for row in self.rows[service][kind] if row["booking_id"] == booking)

    def truth(self) -> Truth:
        return Truth(
            answers={service: Answer(meta=self.meta[service], rows=rows) for service, rows in self.rows.items()},
            views=self.views(),
            unavailable=self.unavailable,
            moved=self.moved,
        )

    def views(self) -> Views:
        return Views(
            bookings=self.bookings, seats=self.seats, history=self.history, sales=self.sales,
            sales_seats=self.sales_seats, names=self.names, checkpoints=self.checkpoints,
        )  # fmt: skip

    def verdict(self, name: str) -> Finding:
        return next(one for one in judge(self.truth()).findings if one.invariant.name == name)

    def violated(self) -> set[str]:
        return {one.invariant.name for one in judge(self.truth()).findings if one.status == "violated"}

    def runs(self, booking: str, state: str = "RUNNING", due_at: str | None = "2030-01-01T00:00:00Z") -> None:
        """Set the booking's saga going again."""
        self.row("booking", "saga", booking).update(state=state, due_at=due_at)
        self.row("booking", "booking", booking).update(state="STUCK" if state == "STUCK" else "PAYING")

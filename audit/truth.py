"""What the auditor has read: the services' rows, indexed by booking. Rows are plain dictionaries."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any

from topology.chosen import HOUSE
from topology.tuning import Seconds

Row = Mapping[str, Any]
LATE_S: Seconds = 10
"""Seconds after the end of a booking by which every read model should show it."""
WHOLE = "whole saga"
"""The step in a saga's row when a person has ended it manually: everything that was left is waived."""
SETTLED_STATES = ("CONFIRMED", "CANCELLED")
ENDED_SAGAS = ("COMPLETED", "COMPENSATED")


TELLER = {kind: service.name for service in HOUSE.services for kind in service.truth}
"""Kind of row -> the service that reports it."""
ORCHESTRATOR = HOUSE.orchestrator.name


def tellers(*kinds: str) -> tuple[str, ...]:
    """The services that report rows of these kinds."""
    return tuple(dict.fromkeys(TELLER[kind] for kind in kinds))


class Standing(StrEnum):
    """The standing of a booking before anything else was read. Only ended bookings are judged."""

    ENDED = "ended"
    RUNNING = "running"
    STUCK = "stuck"  # waits for a person: both outcomes are possible
    UNKNOWN = "unknown"  # Booking does not have it


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One service's answer: the meta line, and the rows by kind."""

    meta: Row = field(default_factory=dict)
    rows: Mapping[str, list[Row]] = field(default_factory=dict)

    def of(self, kind: str) -> list[Row]:
        return self.rows.get(kind, [])


@dataclass(frozen=True, kw_only=True)
class Views:
    """The read models in one snapshot: rows, and the progress of each view.

    `bookings`, `history`, `sales`: booking's id -> row; `seats`, `sales_seats`: (performance_id, label) -> row; `names`:
    (view, customer's id) -> row; `checkpoints`: (view, source) -> row.
    """

    bookings: Mapping[str, Row] = field(default_factory=dict)
    seats: Mapping[tuple[str, str], Row] = field(default_factory=dict)
    history: Mapping[str, Row] = field(default_factory=dict)
    sales: Mapping[str, Row] = field(default_factory=dict)
    sales_seats: Mapping[tuple[str, str], Row] = field(default_factory=dict)
    names: Mapping[tuple[str, int], Row] = field(default_factory=dict)
    checkpoints: Mapping[tuple[str, str], Row] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Truth:
    """Everything read for one verdict. `unavailable`: service (or "views") -> why it gave no answer.

    `moved`: bookings that have changed since Booking was read first; they count as running. `stopped`: services on demand that do
    not run, and so were not asked.
    """

    answers: Mapping[str, Answer] = field(default_factory=dict)
    views: Views = field(default_factory=Views)
    unavailable: Mapping[str, str] = field(default_factory=dict)
    moved: frozenset[str] = frozenset()
    stopped: frozenset[str] = frozenset()

    def rows(self, service: str, kind: str) -> list[Row]:
        answer = self.answers.get(service)
        return answer.of(kind) if answer else []

    def of(self, kind: str) -> list[Row]:
        """The rows of a kind, from the service that reports it."""
        return self.rows(TELLER[kind], kind)

    @cached_property
    def bookings(self) -> dict[str, Row]:
        return _by_booking(self.of("booking"))

    @cached_property
    def sagas(self) -> dict[str, list[Row]]:
        return grouped(self.of("saga"), lambda saga: saga["booking_id"])

    @cached_property
    def holds(self) -> dict[str, Row]:
        return _by_booking(self.of("hold"))

    @cached_property
    def payments(self) -> dict[str, list[Row]]:
        return grouped(self.of("payment"), lambda payment: payment["booking_id"])

    @cached_property
    def refunds(self) -> dict[str, list[Row]]:
        """By payment's id."""
        return grouped(self.of("refund"), lambda refund: refund["payment_id"])

    @cached_property
    def issuances(self) -> dict[str, Row]:
        return _by_booking(self.of("issuance"))

    @cached_property
    def tickets(self) -> dict[str, list[Row]]:
        return grouped(self.of("ticket"), lambda ticket: ticket["booking_id"])

    @cached_property
    def standings(self) -> dict[str, Standing]:
        return {booking: self._standing(row) for booking, row in self.bookings.items()}

    def standing(self, booking: str) -> Standing:
        if booking in self.moved:
            return Standing.RUNNING
        return self.standings.get(booking, Standing.UNKNOWN)

    def _standing(self, booking: Row) -> Standing:
        states = [saga["state"] for saga in self.sagas.get(booking["booking_id"], ())]
        if "STUCK" in states:
            return Standing.STUCK
        if booking["state"] in SETTLED_STATES and all(state in ENDED_SAGAS for state in states):
            return Standing.ENDED
        return Standing.RUNNING

    @cached_property
    def waived(self) -> dict[str, list[Row]]:
        """Booking -> the steps that a person skipped: {"step", "action", "reason"}."""
        return {
            booking: steps
            for booking, sagas in self.sagas.items()
            if (steps := [step for saga in sagas for step in saga["waived"] or ()])
        }

    def xid(self, service: str, row: Row) -> int:
        """The transaction that wrote the row last, counted like a horizon (a row keeps only the lower 32 bits)."""
        newest = int(self.answers[service].meta["xmax"])
        full = (newest >> 32 << 32) + int(row["xid"])
        return full if full <= newest else full - (1 << 32)

    def has_been_read(self, view: str, service: str, row: Row, bookings: Iterable[str]) -> str:
        """Why the view should show this row by now; "" while the event may still be on its way. There is no excuse if
        the projector has read all events, or all up to the row's transaction, nor LATE_S seconds after the `bookings`
        concerned have ended: then a message was lost, or the projector is stopped.
        """
        checkpoint = self.views.checkpoints.get((view, service))
        if checkpoint and self.xid(service, row) < int(checkpoint["horizon"]):
            return "all events of that transaction have been read"
        if checkpoint and checkpoint["complete"] and checkpoint["event_id"] == self.answers[service].meta["last_event"]:
            return "all events have been read"
        ended = [self._ended_s(booking) for booking in bookings]
        if ended and min(ended) > LATE_S:
            return f"it ended {min(ended):.0f} s ago"
        return ""

    def _ended_s(self, booking: str) -> float:
        """Seconds from the last change of the booking's sagas to the moment Booking was read; 0 if there is none."""
        now = datetime.fromisoformat(self.answers[ORCHESTRATOR].meta["at"])
        said = [saga["last_at"] for saga in self.sagas.get(booking, ()) if saga["last_at"]]
        return max(((now - datetime.fromisoformat(max(said))).total_seconds() if said else 0.0), 0.0)


def grouped(rows: Iterable[Row], key: Callable[[Row], Any]) -> dict[Any, list[Row]]:
    groups: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return dict(groups)


def _by_booking(rows: Iterable[Row]) -> dict[str, Row]:
    return {row["booking_id"]: row for row in rows}

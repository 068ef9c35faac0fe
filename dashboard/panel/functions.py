"""Which function runs in a local transaction, and which test covers it. The tests compare this table with the code:
each function exists, and its test, run in the suite, really calls it (tests/covering.py)."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.conf import settings

from drawing.present import VIEWS


@dataclass(frozen=True, slots=True)
class Work:
    """`function`: dotted name; `test`: pytest's node id, without parameters."""

    function: str
    test: str


@dataclass(frozen=True, slots=True)
class Source:
    """A function's text and its place."""

    path: str
    line: int
    text: str


_SEATS, _PAYMENTS, _TICKETS = (
    "tests/seats/test_reserving.py",
    "tests/payments/test_payments.py",
    "tests/tickets/test_tickets.py",
)
_CANCEL = "tests/saga/test_cancelling.py::test_a_confirmed_booking_is_cancelled_by_a_second_saga"
WORK = {
    "ReserveSeats": Work(
        "seats.transactions.reserving.reserve",
        f"{_SEATS}::test_bookings_in_one_batch_get_all_their_seats_or_none_in_arrival_order",
    ),
    "ReleaseSeats": Work(
        "seats.transactions.ending.release", f"{_SEATS}::test_released_seats_are_free_again_and_say_so"
    ),
    "ReleaseSeats forward": Work("seats.transactions.ending.give_back", _CANCEL),
    "ConfirmSeats": Work(
        "seats.transactions.ending.confirm", f"{_SEATS}::test_confirming_sells_and_confirming_again_changes_nothing"
    ),
    "TakePayment": Work("payments.transactions.take", f"{_PAYMENTS}::test_a_payment_is_recorded_answered_and_told"),
    "RefundPayment": Work(
        "payments.transactions.refund", f"{_PAYMENTS}::test_a_refund_gives_the_whole_amount_back_once"
    ),
    "IssueTickets": Work(
        "tickets.transactions.issue", f"{_TICKETS}::test_a_ticket_for_each_seat_with_a_code_of_its_own"
    ),
    "VoidTickets": Work("tickets.transactions.void", _CANCEL),
    "FenceTickets": Work(
        "messaging.inbox.barrier.take",
        f"{_TICKETS}::test_an_overdue_issue_is_fenced_and_refused_when_it_comes_after_all",
    ),
    "FenceVoidTickets": Work(
        "messaging.inbox.barrier.take",
        "tests/saga/test_wishes.py::test_a_wish_whose_first_command_is_lost_stays_and_is_granted",
    ),
    "BookTickets": Work(
        "booking.placing.transaction.place",
        "tests/booking/placing/test_placing.py::test_booking_event_and_command_are_written_together",
    ),
    "CancelRequested": Work("booking.cancelling.request_cancel", _CANCEL),
    "SagaOverdue": Work(
        "booking.watchdog.patrol",
        "tests/booking/test_watchdog.py::test_overdue_saga_is_reported_once_with_its_attempt_and_a_lease",
    ),
    "HoldExpired": Work(
        "seats.transactions.expiry.report_expired", "tests/saga/test_hold_expiry.py::test_each_hold_is_told_of_once"
    ),
    "orchestrator": Work(
        "booking.orchestrator.process.process",
        "tests/booking/orchestrator/test_orchestrator.py::test_one_booking_from_start_to_end",
    ),
    "dead letter": Work(
        "messaging.inbox.dead_letters.record",
        f"{_PAYMENTS}::test_an_unknown_token_is_a_dead_letter_and_takes_nothing",
    ),
    "view": Work(
        "projections.views.view.View.write",
        "tests/projections/test_views.py::test_the_rows_tell_the_end_of_the_story",
    ),
}
"""What ran -> the function that ran it."""
_BEGINNINGS = ("BookTickets", "CancelRequested", "SagaOverdue", "HoldExpired")


def work_of(entry: dict[str, Any], messages: Sequence[dict[str, Any]]) -> Work | None:
    """Derived from what a transaction wrote; `messages`: the outbox rows it inserted. None if no rule fits, as for
    observations."""
    if entry["kind"] != "transaction":
        return None
    if entry["service"] in VIEWS:
        return WORK["view"]
    for message in messages:
        if message["kind"] == "reply":
            command = message["type"].removesuffix("Reply")
            return WORK.get(f"{command} {message.get('action')}") or WORK.get(command)
    if not entry["causes"]:
        for message in messages:
            if message["type"] in _BEGINNINGS:
                return WORK[message["type"]]
    tables = {change["table"] for change in entry["changes"]}
    if "booking_saga" in tables or "booking_sagalog" in tables:
        return WORK["orchestrator"]
    if any(table.endswith("_deadletter") for table in tables):
        return WORK["dead letter"]
    return None


@cache
def source(function: str) -> Source:
    """The text of a function or method, read from its module's file. Raises LookupError if there is none."""
    names = function.split(".")
    for length in range(len(names) - 1, 0, -1):
        module = ".".join(names[:length])
        try:
            spec = find_spec(module)
        except ModuleNotFoundError:
            continue
        if spec is not None and spec.origin:
            path = Path(spec.origin)
            text = path.read_text()
            node = _find(ast.parse(text), names[length:])
            if node is None:
                raise LookupError(f"{module} has no {'.'.join(names[length:])}")
            lines = text.splitlines()[node.lineno - 1 : node.end_lineno]
            return Source(str(path.relative_to(settings.BASE_DIR)), node.lineno, "\n".join(lines))
    raise LookupError(f"there is no module for {function}")


def _find(tree: ast.AST, names: Sequence[str]) -> ast.FunctionDef | None:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == names[0]:
            if len(names) > 1:
                return _find(node, names[1:])
            return node if isinstance(node, ast.FunctionDef) else None
    return None

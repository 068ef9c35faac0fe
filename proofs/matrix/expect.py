"""The designed outcome of a cell: how its booking ends, and how often the command must have been sent. Pure."""

from dataclasses import dataclass
from typing import Any

from booking.saga.definition import Kind
from faults import Action
from faults.catalogue import REASONS
from faults.points import IN_A_TRANSACTION
from proofs.matrix.cells import CANCEL, CANCELLATION, COMPENSATION, FENCE, FORWARD, Cell

CANCEL_BOOKING = "CancelBooking"
PRINTER, NO_ANSWER, WISHED, BY_CUSTOMER = "printer_refused", "no_answer", "cancel_requested", "cancelled_by_customer"
CONFIRMED, CANCELLED = "CONFIRMED", "CANCELLED"


@dataclass(frozen=True, kw_only=True)
class Expected:
    """`attempts`: at least so many of the command. `given_up`: how it ends instead if all attempts are used up (a slow
    machine)."""

    state: str
    reason: str = ""
    attempts: int = 1
    given_up: tuple[tuple[str, str], ...] = ()

    def text(self) -> str:
        return f"{self.state} {self.reason}".strip()


def expected(cell: Cell) -> Expected:
    """By the rules of docs/decisions (3, 5 and 6); nothing here is copied from a run."""
    state, reason = _ending(cell)
    return Expected(state=state, reason=reason, attempts=2 if _asked_again(cell) else 1, given_up=_given_up(cell))


def _ending(cell: Cell) -> tuple[str, str]:
    row = cell.row
    may_refuse = row.way in (FORWARD, CANCELLATION) and row.kind != Kind.RETRIABLE
    if cell.action == Action.REFUSE and may_refuse:
        # A cancellation whose tickets cannot be void leaves the booking as it was.
        return (CANCELLED if row.way == FORWARD else CONFIRMED), refusal(cell)
    if cell.action == CANCEL:
        return _cancelled(cell)
    return _undisturbed(cell)


def _undisturbed(cell: Cell) -> tuple[str, str]:
    """A message that is lost, duplicated, late or struck once changes only the duration."""
    match cell.row.way:
        case "compensation":
            return CANCELLED, PRINTER
        case "cancellation":
            return CANCELLED, BY_CUSTOMER
        case "fence" if cell.row.saga == CANCEL_BOOKING:  # not refused: the wish stays, a second saga grants it
            return CANCELLED, BY_CUSTOMER
        case "fence":  # the pivot never arrived; its fence did
            return CANCELLED, NO_ANSWER
    return CONFIRMED, ""


def _cancelled(cell: Cell) -> tuple[str, str]:
    """The customer cancels while the command is held before it arrives, or its reply on the way back."""
    row = cell.row
    if row.way in (COMPENSATION, CANCELLATION, FENCE):
        return _undisturbed(cell)  # on its way already: nothing to add
    over = row.kind == Kind.RETRIABLE or (row.kind == Kind.PIVOT and cell.on == "reply")
    return CANCELLED, BY_CUSTOMER if over else WISHED


def refusal(cell: Cell) -> str:
    """The reason the fault gives."""
    return REASONS.get(cell.row.command, ("refused",))[0]


def _asked_again(cell: Cell) -> bool:
    """Whether the first attempt cannot succeed: the command, or its reply, or the transaction that takes it, is lost."""
    if cell.row.way not in (FORWARD, COMPENSATION, CANCELLATION, FENCE):
        return False
    if cell.action == Action.REFUSE:
        return _ending(cell) == _undisturbed(cell)
    if cell.action == Action.DROP:
        return True
    return cell.action == Action.ERROR and cell.point in IN_A_TRANSACTION


def _given_up(cell: Cell) -> tuple[tuple[str, str], ...]:
    """Unknown is not failed: a compensatable step is undone then, a pivot is fenced, which may find it done or not."""
    row = cell.row
    if row.kind == Kind.RETRIABLE or row.way not in (FORWARD, CANCELLATION):
        return ()
    if row.way == CANCELLATION:
        return ((CANCELLED, BY_CUSTOMER),)
    return ((CANCELLED, NO_ANSWER), *(((CONFIRMED, ""),) if row.kind == Kind.PIVOT else ()))


def as_designed(cell: Cell, ended: tuple[str, str], attempts: int, ran_out: bool) -> bool:
    """Whether it ended so. `ran_out`: according to the saga's log all attempts of the command went unanswered."""
    wanted = expected(cell)
    if ran_out and ended in wanted.given_up:
        return True
    return ended == (wanted.state, wanted.reason) and attempts >= wanted.attempts


def ran_out(cell: Cell, log: list[dict[str, Any]], limit: int) -> bool:
    """Whether the saga waited in vain for each attempt of the step."""
    return any(line["what"] == "overdue" and line["step"] == cell.row.step and line["attempt"] >= limit for line in log)

"""Which cells the matrix has, and what it expects of them: by the design's rules, not by what was seen."""

import pytest

from booking.saga.definitions import DEFINITIONS
from faults import ALLOWED, Point, parse
from faults.points import PROJECTORS
from proofs.matrix.cells import CANCEL, PROJECTOR, Cell, cells, one_for_each_point
from proofs.matrix.expect import as_designed, expected, ran_out
from proofs.matrix.grid import complaint, grids
from proofs.matrix.run import Result, _fault

ALL = cells()


def cell(row: str, column: str) -> Cell:
    (found,) = [one for one in ALL if (one.row.name, one.column) == (row, column)]
    return found


def test_each_action_at_each_point_is_there_for_each_command_of_each_saga() -> None:
    struck = {(one.point, one.action) for one in ALL if one.action != CANCEL}
    assert struck == {(point, action) for point, actions in ALLOWED.items() for action in actions}
    commands = {
        command.type()
        for definition in DEFINITIONS.values()
        for step in definition.steps
        for command in (step.forward, step.compensation, step.fence)
        if command
    }
    assert commands <= {one.row.command for one in ALL}
    assert len({(one.row, one.column) for one in ALL}) == len(ALL)


def test_each_command_is_run_twice_and_cancelled_at() -> None:
    steps = [one for one in ALL if one.row.step]
    twice = {one.row.name for one in steps if one.column == "bus duplicate"}
    assert twice == {one.row.name for one in steps}
    assert {one.row.name for one in ALL if one.action == CANCEL and one.on == "command"} == twice | {
        "start: BookTickets"
    }


def test_each_view_is_struck_before_and_after_its_commit() -> None:
    struck = {(one.at, one.point, one.action) for one in ALL if one.point in PROJECTOR}
    assert struck == {(name, point, action) for name in PROJECTORS for point in PROJECTOR for action in ALLOWED[point]}
    assert all(expected(one).text() == "CONFIRMED" for one in ALL if one.point in PROJECTOR)


def test_each_cell_can_be_armed() -> None:
    for one in ALL:
        parse(_fault(one))


def test_the_sample_has_a_cell_for_each_point() -> None:
    assert {one.point for one in one_for_each_point(ALL)} == set(Point)


@pytest.mark.parametrize(
    ("row", "column", "ends", "attempts"),
    [
        ("forward: ReserveSeats", "bus drop", "CONFIRMED", 2),
        ("forward: TakePayment", "answer refuse", "CANCELLED card_declined", 1),
        ("forward: TakePayment", "transaction.committed crash", "CONFIRMED", 1),
        ("forward: IssueTickets", "reply relay.before_publish drop", "CONFIRMED", 2),
        ("forward: ConfirmSeats", "answer refuse", "CONFIRMED", 2),
        ("compensation: RefundPayment", "answer refuse", "CANCELLED printer_refused", 2),
        ("compensation: ReleaseSeats", "bus duplicate", "CANCELLED printer_refused", 1),
        ("fence: FenceTickets", "transaction.inside error", "CANCELLED no_answer", 2),
        ("cancellation: VoidTickets", "answer refuse", "CONFIRMED no_tickets", 1),
        ("fence: FenceVoidTickets", "bus drop", "CANCELLED cancelled_by_customer", 2),
        ("forward: IssueTickets", "relay.before_publish cancel", "CANCELLED cancel_requested", 1),
        ("forward: IssueTickets", "reply relay.before_publish cancel", "CANCELLED cancelled_by_customer", 1),
        ("start: BookTickets", "relay.before_publish cancel", "CANCELLED cancel_requested", 1),
    ],
)
def test_what_the_design_says(row: str, column: str, ends: str, attempts: int) -> None:
    wanted = expected(cell(row, column))
    assert (wanted.text(), wanted.attempts) == (ends, attempts)


def test_another_end_than_the_designs_is_not_as_designed() -> None:
    lost = cell("forward: TakePayment", "bus drop")
    assert as_designed(lost, ("CONFIRMED", ""), attempts=2, ran_out=False)
    assert not as_designed(lost, ("CONFIRMED", ""), attempts=1, ran_out=False)  # it cannot have been lost
    assert not as_designed(lost, ("CANCELLED", "no_answer"), attempts=2, ran_out=False)
    assert not as_designed(lost, ("STUCK", ""), attempts=2, ran_out=True)
    # a slow machine: given up by the rules
    assert as_designed(lost, ("CANCELLED", "no_answer"), attempts=4, ran_out=True)
    assert not as_designed(cell("forward: ConfirmSeats", "bus drop"), ("CANCELLED", "no_answer"), 8, ran_out=True)


def test_patience_has_run_out_when_the_last_attempt_went_unanswered() -> None:
    lost = cell("forward: TakePayment", "bus drop")
    log = [{"what": "overdue", "step": "TakePayment", "attempt": 3}]
    assert not ran_out(lost, log, limit=4)
    assert ran_out(lost, [*log, {"what": "overdue", "step": "TakePayment", "attempt": 4}], limit=4)


def test_a_cell_that_broke_an_invariant_is_red_however_it_ended() -> None:
    one = cell("forward: TakePayment", "bus drop")
    result = Result(
        row=one.row.name, column=one.column, way="forward", message=one.message, point=one.point, action=one.action,
        on=one.on, expected="CONFIRMED", ended="CONFIRMED", as_designed=True, verdict=["no_seat_sold_twice"],
    )  # fmt: skip
    assert not result.good
    assert "no_seat_sold_twice" in complaint(result.as_dict())
    assert len(list(grids([result.as_dict()]))) == 1

"""The saga that cancels a confirmed booking, as a conversation; and a command that a person sends again."""

from dataclasses import replace

from booking.saga.cancel_booking import CANCEL_BOOKING
from booking.saga.events import ResentByHand
from booking.saga.policy import Policies
from tests.booking.saga.protocol import AT, TWICE, Conversation, issued, paid

IMPATIENT = replace(CANCEL_BOOKING, policies=Policies(pivot=TWICE, retriable=TWICE, fence=TWICE))


def cancelling() -> Conversation:
    return Conversation(IMPATIENT).expect("VoidTickets").is_in("CANCELLING")


def test_tickets_first_then_money_then_seats() -> None:
    (
        cancelling().succeeded().expect("RefundPayment").succeeded().expect("ReleaseSeats").succeeded()
        .expect_nothing().is_in("CANCELLED", "cancelled_by_customer")
    )  # fmt: skip


def test_no_tickets_to_void_leave_the_booking_as_it_was() -> None:
    cancelling().refused("no_tickets").expect_nothing().is_in("CONFIRMED", "no_tickets")


def test_an_overdue_void_is_fenced_either_way() -> None:
    unanswered = cancelling().overdue().expect("VoidTickets").overdue().expect("FenceVoidTickets")
    unanswered.refused("fenced").expect_nothing().is_in("CONFIRMED", "no_answer")
    unanswered = cancelling().overdue().expect("VoidTickets").overdue().expect("FenceVoidTickets")
    unanswered.succeeded().expect("RefundPayment").is_in("CANCELLING")


def test_nothing_interrupts_it() -> None:
    for reason in ("hold_expired", "cancel_requested"):
        cancelling().interrupted(reason).absorbed().expect_nothing().is_in("CANCELLING")


def test_a_refund_that_keeps_failing_gets_stuck_and_is_retried() -> None:
    stuck = cancelling().succeeded().expect("RefundPayment").refused("bank_closed")
    stuck = stuck.overdue().expect("RefundPayment").refused("bank_closed").expect_nothing()
    stuck.is_in("STUCK", "RefundPayment: bank_closed after 2 attempts")
    stuck.retried_by_hand().expect("RefundPayment").succeeded().expect("ReleaseSeats").is_in("CANCELLING")


def test_a_command_sent_again_by_hand_is_one_attempt_more() -> None:
    saga = paid().expect("IssueTickets")
    saga.tell(ResentByHand(at=AT, why="printer was off", **saga.seen())).expect("IssueTickets")
    assert (saga.notes[-1].what, saga.notes[-1].error) == ("resent by hand", "printer was off")
    saga.overdue().expect("IssueTickets").overdue().expect("FenceTickets")  # it has its own two attempts all the same


def test_what_has_ended_or_is_stuck_sends_nothing_again() -> None:
    done = issued().expect("ConfirmSeats").succeeded()
    done.tell(ResentByHand(at=AT, **done.seen())).absorbed()
    stuck = issued().expect("ConfirmSeats").overdue().expect("ConfirmSeats").overdue()
    stuck.is_in("STUCK", "ConfirmSeats: no_answer after 2 attempts")
    stuck.tell(ResentByHand(at=AT, **stuck.seen())).absorbed()

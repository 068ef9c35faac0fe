"""The booking saga as a protocol: every step failing in turn, unknown outcomes, the fence both ways, late answers."""

import pytest

from booking.saga.book_tickets import BOOK_TICKETS
from booking.saga.engine import advance
from booking.saga.events import Overdue, Started
from booking.saga.state import Known, SagaState, Status, dump_tracks, load_tracks
from tests.booking.saga.protocol import AT, BOOKING, CONTEXT, PRICE, Conversation, issued, paid, reserved


def test_all_goes_well() -> None:
    saga = Conversation().is_in("RESERVING")
    saga.expect("ReserveSeats", booking_id=BOOKING, performance_id="concert-2024", seats=["A-15"]).succeeded()
    saga.is_in("PAYING").expect("TakePayment", customer_id=123, payment_method="tok_visa", **PRICE).succeeded()
    saga.is_in("ISSUING").expect("IssueTickets", customer_id=123, seats=["A-15"]).succeeded()
    saga.is_in("CONFIRMING").expect("ConfirmSeats", booking_id=BOOKING).succeeded()
    saga.is_in("CONFIRMED").expect_nothing()
    assert saga.state.status == Status.COMPLETED


def test_the_engine_is_pure() -> None:
    state = SagaState(id="0198c0de-0000-7000-8000-0000000000aa", context=CONTEXT)
    assert advance(BOOK_TICKETS, state, Started(at=AT)) == advance(BOOK_TICKETS, state, Started(at=AT))
    assert state.tracks == {}


# Every step refusing in turn


def test_seats_taken_leaves_nothing_to_undo() -> None:
    Conversation().expect("ReserveSeats").refused("seat_taken").expect_nothing().is_in("CANCELLED", "seat_taken")


def test_declined_card_releases_the_seats() -> None:
    saga = reserved().expect("TakePayment").refused("card_declined").is_in("COMPENSATING", "card_declined")
    saga.expect("ReleaseSeats", booking_id=BOOKING).succeeded().expect_nothing().is_in("CANCELLED", "card_declined")


def test_printer_refusing_refunds_then_releases() -> None:
    saga = paid().expect("IssueTickets").refused("printer_refused").is_in("COMPENSATING", "printer_refused")
    saga.expect("RefundPayment").succeeded().expect("ReleaseSeats").succeeded().is_in("CANCELLED", "printer_refused")


def test_retriable_step_is_tried_again_after_a_backoff_and_never_undone() -> None:
    saga = issued().expect("ConfirmSeats").refused("no_hold").expect_nothing().is_in("CONFIRMING")
    assert 0.5 <= saga.waits[-1] < 0.7
    saga.overdue().expect("ConfirmSeats").succeeded().is_in("CONFIRMED")


def test_refused_again_while_it_backs_off_is_no_second_failure() -> None:
    issued().expect("ConfirmSeats").refused("no_hold").refused("no_hold").absorbed()


# What must succeed and does not


def test_retriable_step_that_keeps_failing_is_stuck() -> None:
    saga = issued().expect("ConfirmSeats").refused("no_hold").overdue().expect("ConfirmSeats").refused("no_hold")
    saga.expect_nothing().is_in("STUCK", "ConfirmSeats: no_hold after 2 attempts")
    saga.overdue().absorbed()


def test_compensation_that_keeps_failing_is_stuck_and_keeps_its_reason() -> None:
    saga = paid().expect("IssueTickets").refused("printer_refused").expect("RefundPayment").overdue()
    saga.expect("RefundPayment").overdue().expect_nothing().is_in("STUCK", "printer_refused")


def stuck_confirming() -> Conversation:
    return issued().expect("ConfirmSeats").overdue().expect("ConfirmSeats").overdue()


def stuck_refunding() -> Conversation:
    saga = paid().expect("IssueTickets").refused("printer_refused").expect("RefundPayment").overdue()
    return saga.expect("RefundPayment").overdue()


def stuck_fencing() -> Conversation:
    saga = paid().expect("IssueTickets").overdue().expect("IssueTickets").overdue().expect("FenceTickets").overdue()
    return saga.expect("FenceTickets").overdue().is_in("STUCK", "no_answer")


def test_retry_by_hand_gives_all_the_attempts_again() -> None:
    saga = stuck_confirming().retried_by_hand().is_in("CONFIRMING", "ConfirmSeats: no_answer after 2 attempts")
    saga.expect("ConfirmSeats").overdue().expect("ConfirmSeats").overdue().expect_nothing()
    assert saga.state.status == Status.STUCK
    saga.retried_by_hand().expect("ConfirmSeats").succeeded().is_in("CONFIRMED")


def test_retry_by_hand_of_a_compensation_and_of_a_fence() -> None:
    saga = stuck_refunding().retried_by_hand().is_in("COMPENSATING", "printer_refused").expect("RefundPayment")
    saga.succeeded().expect("ReleaseSeats").succeeded().is_in("CANCELLED", "printer_refused")
    saga = stuck_fencing().retried_by_hand().is_in("ISSUING", "no_answer").expect("FenceTickets")
    saga.succeeded().is_in("CONFIRMING").expect("ConfirmSeats")


def test_skip_by_hand_goes_on_and_is_remembered() -> None:
    saga = stuck_confirming().skipped_by_hand("sold at the box office").is_in("CONFIRMED").expect_nothing()
    track = saga.state.track("ConfirmSeats", "forward")
    assert (track.known, track.note) == (Known.SKIPPED, "sold at the box office")
    saga = stuck_refunding().skipped_by_hand("refunded in cash").is_in("COMPENSATING", "printer_refused")
    saga.expect("ReleaseSeats").succeeded().is_in("CANCELLED", "printer_refused")


def test_a_fence_cannot_be_skipped() -> None:
    stuck_fencing().skipped_by_hand("let it be").absorbed()


def test_by_hand_only_what_is_stuck() -> None:
    reserved().expect("TakePayment").retried_by_hand().absorbed().skipped_by_hand("hurry").absorbed()


def test_answer_that_comes_after_all_frees_a_stuck_saga() -> None:
    stuck_confirming().succeeded().is_in("CONFIRMED")
    stuck_refunding().succeeded().is_in("COMPENSATING", "printer_refused").expect("ReleaseSeats")
    stuck_fencing().succeeded().is_in("CONFIRMING").expect("ConfirmSeats")
    stuck_fencing().refused("printer_refused").is_in("COMPENSATING", "printer_refused").expect("RefundPayment")
    stuck_confirming().refused("no_hold").absorbed()


# Unknown is not failed


def test_no_answer_is_asked_for_again_with_more_patience() -> None:
    saga = (
        Conversation(BOOK_TICKETS)
        .expect("ReserveSeats")
        .overdue()
        .expect("ReserveSeats")
        .overdue()
        .expect("ReserveSeats")
    )
    assert 3 <= saga.waits[0] < saga.waits[1] < saga.waits[2] <= 12 * 1.2
    saga.succeeded().expect("TakePayment")


def test_step_given_up_is_undone_too_because_it_may_have_happened() -> None:
    saga = reserved().expect("TakePayment").overdue().expect("TakePayment").overdue().is_in("COMPENSATING", "no_answer")
    saga.expect("RefundPayment").succeeded().expect("ReleaseSeats").succeeded().is_in("CANCELLED", "no_answer")


def test_step_refused_after_it_was_sent_again_is_not_undone() -> None:
    saga = reserved().expect("TakePayment").overdue().expect("TakePayment").refused("card_declined")
    saga.expect("ReleaseSeats").succeeded().is_in("CANCELLED", "card_declined")


def overdue_pivot() -> Conversation:
    saga = paid().expect("IssueTickets").overdue().expect("IssueTickets").overdue().is_in("ISSUING")
    assert saga.state.status == Status.FENCING
    return saga.expect("FenceTickets", booking_id=BOOKING)


def test_overdue_pivot_is_fenced_and_an_issued_ticket_goes_forward() -> None:
    overdue_pivot().succeeded().is_in("CONFIRMING").expect("ConfirmSeats").succeeded().is_in("CONFIRMED")


def test_overdue_pivot_is_fenced_and_a_free_key_turns_back() -> None:
    saga = overdue_pivot().refused("fenced").is_in("COMPENSATING", "no_answer")
    saga.expect("RefundPayment").succeeded().expect("ReleaseSeats").succeeded().is_in("CANCELLED", "no_answer")


def test_fenced_pivot_that_had_refused_says_why() -> None:
    overdue_pivot().refused("printer_refused").is_in("COMPENSATING", "printer_refused").expect("RefundPayment")


def test_overdue_fence_is_sent_again() -> None:
    overdue_pivot().overdue().expect("FenceTickets").succeeded().is_in("CONFIRMING").expect("ConfirmSeats")


# The hold expires, or somebody cancels


@pytest.mark.parametrize("reason", ["hold_expired", "cancel_requested"])
def test_interrupted_before_the_pivot_turns_back(reason: str) -> None:
    saga = reserved().expect("TakePayment").interrupted(reason).is_in("COMPENSATING", reason)
    saga.expect("RefundPayment").succeeded().expect("ReleaseSeats").succeeded().is_in("CANCELLED", reason)


def test_interrupted_at_the_pivot_asks_first() -> None:
    saga = paid().expect("IssueTickets").interrupted("hold_expired").expect("FenceTickets")
    saga.refused("fenced").is_in("COMPENSATING", "hold_expired").expect("RefundPayment")
    saga = paid().expect("IssueTickets").interrupted("hold_expired").expect("FenceTickets")
    saga.succeeded().is_in("CONFIRMING").expect("ConfirmSeats")


def test_interrupted_too_late_changes_nothing() -> None:
    issued().expect("ConfirmSeats").interrupted("hold_expired").absorbed().succeeded().is_in("CONFIRMED")
    overdue_pivot().interrupted("hold_expired").absorbed()
    reserved().expect("TakePayment").refused("card_declined").expect("ReleaseSeats").interrupted(
        "hold_expired"
    ).absorbed()


# Duplicates and late answers


def test_duplicates_are_absorbed() -> None:
    saga = Conversation().expect("ReserveSeats")
    saga.tell(Started(at=AT)).absorbed()
    saga.succeeded().expect("TakePayment").succeeded("ReserveSeats").absorbed().refused(
        "seat_taken", "ReserveSeats"
    ).absorbed()
    saga.succeeded().expect("IssueTickets").succeeded().expect("ConfirmSeats").succeeded().succeeded().absorbed()


def test_late_forward_answer_does_not_stop_the_compensation() -> None:
    saga = reserved().expect("TakePayment").overdue().expect("TakePayment").overdue().expect("RefundPayment")
    saga.succeeded("TakePayment").absorbed().refused("card_declined", "TakePayment").absorbed()
    saga.succeeded("RefundPayment").expect("ReleaseSeats")


def test_overdue_means_exactly_this_attempt() -> None:
    saga = reserved().expect("TakePayment").overdue().expect("TakePayment")
    saga.tell(Overdue(at=AT, step="TakePayment", action="forward", attempt=1)).absorbed()
    saga.tell(Overdue(at=AT, step="ReserveSeats", action="forward", attempt=1)).absorbed()
    saga.tell(Overdue(at=AT, step="TakePayment", action="compensation", attempt=2)).absorbed()


def test_state_survives_its_json() -> None:
    state = stuck_fencing().skipped_by_hand("x").state
    assert load_tracks(dump_tracks(state.tracks)) == state.tracks

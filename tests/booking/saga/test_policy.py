"""Patience is the same in every run: no dice."""

from booking.saga.policy import Policy

POLICY = Policy(attempts=5, deadline=3.0, cap=30.0, jitter=0.2)


def test_waits_double_up_to_the_cap_and_stay_within_the_jitter() -> None:
    for attempt, base in enumerate([3, 6, 12, 24, 30, 30], 1):
        assert base <= POLICY.wait_for_answer("saga", "TakePayment", attempt) <= base * 1.2


def test_same_saga_same_wait_and_sagas_are_spread_out() -> None:
    waits = [POLICY.wait_for_answer(f"saga-{number}", "TakePayment", 1) for number in range(200)]
    assert waits == [POLICY.wait_for_answer(f"saga-{number}", "TakePayment", 1) for number in range(200)]
    assert len(set(waits)) > 150
    assert max(waits) - min(waits) > 0.4


def test_a_huge_attempt_number_is_no_overflow() -> None:
    assert POLICY.wait_for_answer("saga", "TakePayment", 10_000) <= 36

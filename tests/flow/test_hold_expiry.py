"""A hold runs out in the running house while its payment stands still: the seat stays taken until the money is back."""

from pathlib import Path

import pytest

from tests.flow.test_faults import arm, book, held_at
from tests.flow.test_mechanisms_off import all_holds, second_seats_worker
from tests.live import Live
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(180)


def test_only_the_orchestrator_ends_a_hold_that_has_expired(live: Live, tmp_path: Path) -> None:
    all_holds(live)
    fault = arm(live, "transaction.before", "hold", service="payments", message="TakePayment")
    with second_seats_worker(live, tmp_path / "worker.log", HOLD_SECONDS="1"):
        live.sandbox.stop_process("worker-seats")
        try:
            booking = book(live)
            held_at(live, "transaction.before")
        finally:
            live.sandbox.start_process("worker-seats")
        seat = "select status, booking_id::text from seats_seat where booking_id = %s"
        compensating = "select state = 'COMPENSATING' from booking_booking where id = %s"
        wait_until(lambda: live.rows("booking", compensating, booking)[0][0], 20, "the orchestrator to hear of it")
        assert live.rows("seats", seat, booking) == [("RESERVED", booking)]
        live.http.post(f"/api/faults/{fault}/resume")
        (row,) = live.ended(booking)
    assert (row["state"], row["reason"]) == ("CANCELLED", "hold_expired")
    assert live.rows("seats", seat, booking) == []
    paid = "select status from payments_payment where booking_id = %s"
    assert live.rows("payments", paid, booking) in ([], [("REFUNDED",)])
    all_holds(live)

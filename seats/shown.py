"""What pages show of Seat."""

from topology.shown import Example, Shown, Work

_RESERVING = "tests/seats/test_reserving.py"
SHOWN = Shown(
    columns={
        "seats_seat": ("label", "status", "version"),
        "seats_hold": ("status", "expires_at", "version"),
    },
    examples=(
        Example(
            "status",
            "Seats by status: RESERVED is the semantic lock",
            """select performance_id, status, count(*)
from seats_seat group by 1, 2 order by 1, 2;""",
        ),
        Example(
            "holds",
            "The latest holds, and when they expire",
            """select id, status, expires_at, amount, currency, version
from seats_hold order by id desc;""",
        ),
    ),
    write="update seats_seat set status = 'AVAILABLE', booking_id = null;",
    work={
        "ReserveSeats": Work(
            "seats.transactions.reserving.reserve",
            f"{_RESERVING}::test_bookings_in_one_batch_get_all_their_seats_or_none_in_arrival_order",
        ),
        "ReleaseSeats": Work(
            "seats.transactions.ending.release", f"{_RESERVING}::test_released_seats_are_free_again_and_say_so"
        ),
        "ReleaseSeats forward": Work(
            "seats.transactions.ending.give_back",
            "tests/saga/test_cancelling.py::test_a_confirmed_booking_is_cancelled_by_a_second_saga",
        ),
        "ConfirmSeats": Work(
            "seats.transactions.ending.confirm",
            f"{_RESERVING}::test_confirming_sells_and_confirming_again_changes_nothing",
        ),
        "HoldExpired": Work(
            "seats.transactions.expiry.report_expired",
            "tests/saga/test_hold_expiry.py::test_each_hold_is_told_of_once",
        ),
    },
)

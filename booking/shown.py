"""What pages show of Booking."""

from topology.shown import Example, Shown, Work

SHOWN = Shown(
    columns={"booking_booking": ("state", "amount", "version")},
    examples=(
        Example(
            "sagas",
            "The state of each saga",
            """select definition, state, step, action, attempt, due_at
from booking_saga order by id desc;""",
        ),
        Example(
            "log",
            "The orchestrator's log",
            """select at, who, what, step, action, attempt, error, state
from booking_sagalog order by id desc;""",
        ),
    ),
    write="update booking_booking set state = 'CONFIRMED';",
    work={
        "BookTickets": Work(
            "booking.placing.transaction.place",
            "tests/booking/placing/test_placing.py::test_booking_event_and_command_are_written_together",
        ),
        "CancelRequested": Work(
            "booking.cancelling.request_cancel",
            "tests/saga/test_cancelling.py::test_a_confirmed_booking_is_cancelled_by_a_second_saga",
        ),
        "SagaOverdue": Work(
            "booking.watchdog.patrol",
            "tests/booking/test_watchdog.py::test_overdue_saga_is_reported_once_with_its_attempt_and_a_lease",
        ),
        "orchestrator": Work(
            "booking.orchestrator.transaction.process",
            "tests/booking/orchestrator/test_orchestrator.py::test_one_booking_from_start_to_end",
        ),
    },
)

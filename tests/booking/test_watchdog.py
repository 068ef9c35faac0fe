"""The watchdog reports what is overdue, but no more than helps."""

import pytest
from django.core.management import call_command
from django.db import connections

from booking import watchdog
from booking.commands import handle
from booking.models import Booking, Outbox, Saga
from booking.watchdog import IN_FLIGHT, patrol
from messaging.database import Database
from tests.booking.world import commands, place, reply, start, up_to

pytestmark = [pytest.mark.django_db(databases=["booking"]), pytest.mark.usefixtures("shop", "redis")]

BOOKING = Database("booking")
QUIET = {"booking": 0, "seats": 0, "payments": 0, "tickets": 0}


def started(count: int) -> list[Booking]:
    bookings = place(count)
    handle([start(booking) for booking in bookings])
    return bookings


def time_passes(seconds: int = 60) -> None:
    with connections["booking"].cursor() as cursor:
        cursor.execute(f"update booking_saga set due_at = due_at - interval '{seconds} s'")
        cursor.execute(f"update booking_booking set due_at = due_at - interval '{seconds} s'")


def reported(type_: str = "SagaOverdue") -> list[Outbox]:
    return list(Outbox.objects.filter(type=type_).order_by("seq"))


def test_nothing_is_overdue() -> None:
    started(2)
    assert patrol(BOOKING, QUIET) == 0


def test_overdue_saga_is_reported_once_with_its_attempt_and_a_lease() -> None:
    (booking,) = started(1)
    time_passes()
    assert (patrol(BOOKING, QUIET), patrol(BOOKING, QUIET)) == (1, 0)
    (message,) = reported()
    assert (message.kind, message.destination, message.correlation_id) == ("command", "booking", str(booking.id))
    assert message.data == {
        "saga_id": str(booking.saga_id),
        "step": "ReserveSeats",
        "action": "forward",
        "attempt": 1,
    }
    time_passes()  # the report got lost: the lease is over
    assert patrol(BOOKING, QUIET) == 1


def test_report_sends_the_command_again() -> None:
    started(1)
    time_passes()
    patrol(BOOKING, QUIET)
    (message,) = reported()
    handle(
        [{"id": str(message.id), "source": "/booking", "type": message.type, "kind": "command", "data": message.data}]
    )
    assert commands() == ["ReserveSeats", "ReserveSeats"]
    assert Saga.objects.get().overdue is False


def test_nothing_while_our_own_queue_is_not_empty() -> None:
    started(1)
    time_passes()
    assert patrol(BOOKING, {**QUIET, "booking": 1}) == 0
    assert patrol(BOOKING, QUIET) == 1


def test_nothing_for_a_service_whose_queue_is_not_empty() -> None:
    waiting, paying = started(2)
    handle([reply(paying, "ReserveSeats")])
    time_passes()
    assert patrol(BOOKING, {**QUIET, "seats": 3}) == 1
    assert [message.data["step"] for message in reported()] == ["TakePayment"]
    assert patrol(BOOKING, QUIET) == 1
    assert reported()[-1].correlation_id == str(waiting.id)


def test_in_flight_is_bounded_for_each_service() -> None:
    bookings = started(IN_FLIGHT + 10)
    (paying,) = bookings[:1]
    handle([reply(paying, "ReserveSeats")])
    time_passes()
    assert patrol(BOOKING, QUIET) == IN_FLIGHT + 1
    assert patrol(BOOKING, QUIET) == 0  # 9 are left, but those in flight have not been answered
    overdue = [message for message in reported() if message.data["step"] == "ReserveSeats"]
    handle(
        [{"id": str(m.id), "source": "/booking", "type": m.type, "kind": "command", "data": m.data} for m in overdue]
    )
    assert patrol(BOOKING, QUIET) == 0  # sent again, still not answered
    answered = Booking.objects.filter(saga_id__in=[str(message.saga_id) for message in overdue[:5]])
    handle([reply(booking, "ReserveSeats") for booking in answered])
    assert patrol(BOOKING, QUIET) == 5


def test_ended_and_stuck_sagas_are_left_alone() -> None:
    (booking,) = place()
    handle([*up_to("ConfirmSeats", booking), reply(booking, "ConfirmSeats")])
    time_passes()
    assert patrol(BOOKING, QUIET) == 0


def test_lost_start_is_sent_again() -> None:
    (booking,) = place()
    assert patrol(BOOKING, QUIET) == 0
    time_passes()
    assert (patrol(BOOKING, QUIET), patrol(BOOKING, QUIET)) == (1, 0)
    lost, again = reported("BookTickets")
    assert (again.data, again.saga_id, again.correlation_id) == (lost.data, lost.saga_id, str(booking.id))
    handle([start(booking)])
    time_passes()
    patrol(BOOKING, QUIET)
    assert len(reported("BookTickets")) == 2


def test_queues_are_measured(redis) -> None:
    redis.rpush("seats", "x", "y")
    assert watchdog.lags(redis, ["booking", "seats"]) == {"booking": 0, "seats": 2}


def test_seed_can_run_again() -> None:
    call_command("seed_booking")
    call_command("seed_booking")
    subjects = [row.subject for row in reported("CustomerRegistered")]
    assert sorted(subjects) == ["1042", "123", "99"]

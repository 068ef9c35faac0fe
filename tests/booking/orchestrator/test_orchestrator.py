"""The orchestrator on a real PostgreSQL: rows, log, events and commands of a batch commit together."""

from typing import Any

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from redis import Redis

from booking import contract
from booking.commands import handle
from booking.contract import CancelRequested, RetryNow, SkipStep
from booking.models import Booking, DeadLetter, Outbox, Saga, SagaLog
from booking.orchestrator import process
from faults import Plan
from messaging.database import Database
from seats.contract import HoldExpired
from tests.booking.world import commands, events, overdue, place, reply, seen, start, up_to
from tests.messages import command, new_id

pytestmark = [pytest.mark.django_db(databases=["booking"]), pytest.mark.usefixtures("shop", "redis")]


def test_one_booking_from_start_to_end() -> None:
    (booking,) = place()
    for step in ("", "ReserveSeats", "TakePayment", "IssueTickets", "ConfirmSeats"):
        handle([reply(booking, step) if step else start(booking)])
    booking.refresh_from_db()
    assert (booking.state, booking.amount, booking.currency, booking.due_at) == ("CONFIRMED", 150000, "KRW", None)
    assert commands() == ["ReserveSeats", "TakePayment", "IssueTickets", "ConfirmSeats"]
    assert events(booking) == [
        ("BookingPlaced", "PENDING", 1),
        ("BookingAdvanced", "RESERVING", 2),
        ("BookingAdvanced", "PAYING", 3),
        ("BookingAdvanced", "ISSUING", 4),
        ("BookingAdvanced", "CONFIRMING", 5),
        ("BookingConfirmed", "CONFIRMED", 6),
    ]
    saga = Saga.objects.get()
    assert (saga.state, saga.awaiting, saga.due_at, saga.version) == ("COMPLETED", "", None, 5)


def test_commands_say_where_they_come_from() -> None:
    (booking,) = place()
    envelope = start(booking)
    handle([envelope])
    sent = Outbox.objects.get(type="ReserveSeats")
    assert (sent.kind, sent.destination, sent.step, sent.action) == ("command", "seats", "ReserveSeats", "forward")
    assert (sent.correlation_id, sent.saga_id) == (str(booking.id), booking.saga_id)
    assert str(sent.causation_id) == envelope["id"]
    assert sent.data == {"booking_id": str(booking.id), "performance_id": "concert-2030", "seats": ["A-1"]}


def test_events_have_the_shape_of_the_contract() -> None:
    good, bad = place(2)
    handle([*up_to("ConfirmSeats", good), reply(good, "ConfirmSeats")])
    handle([start(bad), reply(bad, "ReserveSeats", "refused", "seat_taken")])
    found = Outbox.objects.filter(kind="event", correlation_id__gt="")
    for row in found:
        assert getattr(contract, row.type).parse(row.data).model_dump(mode="json") == row.data
    assert {row.type for row in found} == {"BookingPlaced", "BookingAdvanced", "BookingConfirmed", "BookingCancelled"}


def test_several_messages_of_one_saga_in_one_batch() -> None:
    (booking,) = place()
    handle([*up_to("ConfirmSeats", booking), reply(booking, "ConfirmSeats")])
    booking.refresh_from_db()
    assert (booking.state, booking.version) == ("CONFIRMED", 6)
    assert Saga.objects.get().state == "COMPLETED"


@pytest.mark.parametrize("count", [1, 40])
def test_a_batch_takes_a_fixed_number_of_statements(redis: Redis, count: int) -> None:
    bookings = place(count)
    plan = Plan(redis, "booking").refresh()
    with CaptureQueriesContext(connections["booking"]) as started:
        process(Database("booking"), [start(booking) for booking in bookings], plan)
    with CaptureQueriesContext(connections["booking"]) as advanced:
        process(Database("booking"), [reply(booking, "ReserveSeats") for booking in bookings], plan)
    assert (len(started), len(advanced)) == (2, 2)
    assert commands() == ["ReserveSeats"] * count + ["TakePayment"] * count


def test_bookings_of_a_batch_go_their_own_ways() -> None:
    going, declined, late = place(3)
    handle([*up_to("TakePayment", going), *up_to("TakePayment", declined), start(late)])
    handle([reply(declined, "TakePayment", "refused", "card_declined"), overdue(late), reply(going, "TakePayment")])
    assert commands(going)[-1] == "IssueTickets"
    assert commands(declined)[-1] == "ReleaseSeats"
    assert commands(late) == ["ReserveSeats", "ReserveSeats"]
    handle([reply(declined, "ReserveSeats", action="compensation")])
    declined.refresh_from_db()
    assert (declined.state, declined.reason) == ("CANCELLED", "card_declined")
    assert events(declined)[-1][0] == "BookingCancelled"


def test_overdue_pivot_is_fenced_and_an_issued_ticket_goes_forward() -> None:
    (booking,) = place()
    handle(up_to("IssueTickets", booking))
    handle([overdue(booking)])
    handle([overdue(booking)])
    assert commands()[-3:] == ["IssueTickets", "IssueTickets", "FenceTickets"]
    saga = Saga.objects.get()
    assert (saga.state, saga.action, saga.awaiting, saga.attempt) == ("FENCING", "fence", "tickets", 1)
    fence = Outbox.objects.get(type="FenceTickets")
    assert (fence.step, fence.action) == ("IssueTickets", "fence")
    handle([reply(booking, "IssueTickets")])  # the fence finds the tickets, and gives their answer again
    booking.refresh_from_db()
    assert (booking.state, commands()[-1]) == ("CONFIRMING", "ConfirmSeats")


def test_overdue_pivot_is_fenced_and_a_free_key_turns_back() -> None:
    (booking,) = place()
    handle(up_to("IssueTickets", booking))
    handle([overdue(booking)])
    handle([overdue(booking)])
    handle([reply(booking, "IssueTickets", "refused", "fenced")])
    handle([reply(booking, "TakePayment", action="compensation")])
    handle([reply(booking, "ReserveSeats", action="compensation")])
    booking.refresh_from_db()
    assert (booking.state, booking.reason) == ("CANCELLED", "no_answer")
    assert commands()[-2:] == ["RefundPayment", "ReleaseSeats"]


def test_duplicates_change_nothing_and_are_observed(redis: Redis) -> None:
    (booking,) = place()
    begun, answered = start(booking), reply(booking, "ReserveSeats")
    handle([begun, begun, answered, answered])
    handle([begun])
    handle([answered])
    assert commands() == ["ReserveSeats", "TakePayment"]
    assert Saga.objects.get().version == 2
    assert redis.xlen("observations") == 4


def test_timer_follows_the_policy_and_the_databases_clock() -> None:
    (booking,) = place()
    handle([start(booking)])
    with connections["booking"].cursor() as cursor:
        cursor.execute("select extract(epoch from due_at - clock_timestamp())::float8 from booking_saga")
        (seconds,) = cursor.fetchone()
    assert 2.0 < seconds <= 3.6


@pytest.mark.parametrize(("message", "reason"), [(HoldExpired, "hold_expired"), (CancelRequested, "cancel_requested")])
def test_interruptions_name_only_the_booking(message: Any, reason: str) -> None:
    (booking,) = place()
    handle(up_to("TakePayment", booking))
    handle([command(message(booking_id=str(booking.id)))])
    booking.refresh_from_db()
    assert (booking.state, booking.reason, commands()[-1]) == ("COMPENSATING", reason, "RefundPayment")


def test_interruption_of_a_booking_without_a_running_saga_is_absorbed() -> None:
    (booking,) = place()
    handle([command(HoldExpired(booking_id=str(booking.id)))])
    handle([start(booking), reply(booking, "ReserveSeats", "refused", "seat_taken")])
    handle([command(HoldExpired(booking_id=str(booking.id)))])
    booking.refresh_from_db()
    assert (booking.state, booking.reason) == ("CANCELLED", "seat_taken")
    assert not DeadLetter.objects.exists()


def test_stuck_is_retried_or_skipped_by_hand() -> None:
    first, second = place(2)
    for booking in (first, second):
        handle(up_to("ConfirmSeats", booking))
        for _ in range(8):
            handle([overdue(booking)])
        booking.refresh_from_db()
        assert (booking.state, booking.reason) == ("STUCK", "ConfirmSeats: no_answer after 8 attempts")
    assert Saga.objects.filter(state="STUCK", due_at=None, awaiting="").count() == 2
    handle([command(RetryNow(**seen(first)))])
    handle([reply(first, "ConfirmSeats"), command(SkipStep(**seen(second), reason="sold by hand"))])
    assert set(Booking.objects.values_list("state", flat=True)) == {"CONFIRMED"}


def test_each_transition_is_logged() -> None:
    (booking,) = place()
    refusal = reply(booking, "TakePayment", "refused", "card_declined")
    handle([*up_to("TakePayment", booking), refusal, reply(booking, "ReserveSeats", action="compensation")])
    lines = SagaLog.objects.order_by("id").values_list("what", "step", "action", "error")
    assert list(lines) == [
        ("started", "ReserveSeats", "forward", ""),
        ("succeeded", "ReserveSeats", "forward", ""),
        ("refused", "TakePayment", "forward", "card_declined"),
        ("succeeded", "ReserveSeats", "compensation", ""),
        ("compensated", "ReserveSeats", "compensation", ""),
    ]
    line = SagaLog.objects.get(error="card_declined")
    assert (line.who, str(line.message_id)) == ("/somebody TakePaymentReply", refusal["id"])


def test_bad_message_harms_no_other() -> None:
    good, bad = place(2)
    nonsense = {**start(bad), "type": "EatSeats"}
    unpriced = {**reply(good, "ReserveSeats"), "data": {"status": "succeeded", "reason": ""}}
    unknown = {**reply(bad, "ReserveSeats"), "sagaid": new_id()}
    handle([start(good), nonsense, unpriced, unknown, start(bad)])
    assert commands() == ["ReserveSeats", "ReserveSeats"]
    letters = {letter.attempts[0]["error"] for letter in DeadLetter.objects.all()}
    assert len(letters) == 3
    assert any("booking knows no message 'EatSeats'" in letter for letter in letters)
    assert any("there is no saga" in letter for letter in letters)

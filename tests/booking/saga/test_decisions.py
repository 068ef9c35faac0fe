"""A person's decision is for the attempt that the person saw: late, doubled or retried from a letter it changes nothing else."""

import json
from typing import Any

import pytest
from django.test import Client
from redis import Redis

from booking.commands import handle
from booking.contract import CancelRequested, ResendCommand, RetryNow, SkipStep
from booking.models import Booking, DeadLetter, Outbox, Saga, SagaLog
from messaging.database import Database
from messaging.envelope import from_row
from messaging.inbox import dead_letters
from messaging.message import Body
from tests.booking.test_operator import OPERATOR_ACTION, TOKEN, act, stuck
from tests.booking.world import commands, overdue, place, reply, seen, up_to
from tests.messages import command, new_id

pytestmark = [
    pytest.mark.django_db(databases=["booking"]),
    pytest.mark.urls("tests.booking.urls"),
    pytest.mark.usefixtures("shop", "redis"),
]


@pytest.fixture(autouse=True)
def _token(settings: Any) -> None:
    settings.OPERATOR_TOKEN = "of-a-test"


def stuck_at_refund() -> Booking:
    """The printer refuses, and so does the bank: STUCK while it undoes the payment."""
    (booking,) = place()
    handle([*up_to("IssueTickets", booking), reply(booking, "IssueTickets", "refused", "printer_refused")])
    get_stuck(booking)
    return booking


def get_stuck(booking: Booking) -> None:
    while Saga.objects.get(booking=booking).state != "STUCK":
        handle([overdue(booking)])


def sent() -> list[dict[str, Any]]:
    """The decisions in Booking's outbox, as the relay would deliver them."""
    names = [one.type() for one in (SkipStep, RetryNow, ResendCommand)]
    return [from_row("booking", vars(row)) for row in Outbox.objects.filter(type__in=names).order_by("seq")]


def where(booking: Booking) -> tuple[str, str, str, int]:
    saga = Saga.objects.get(booking=booking)
    return saga.state, saga.step, saga.action, saga.attempt


def test_a_skip_that_comes_late_skips_no_other_step(client: Client, redis: Redis) -> None:
    booking = stuck_at_refund()
    assert [act(client, booking, "skip").status_code for _ in range(2)] == [202, 202]
    late, early = sent()
    handle([early])
    assert where(booking) == ("COMPENSATING", "ReserveSeats", "compensation", 1)
    get_stuck(booking)
    stood = where(booking)
    handle([late])
    assert where(booking) == stood
    line = SagaLog.objects.latest("id")
    assert (line.who, line.what, line.error) == (
        "Ines", "decided too late", "SkipStep: the saga has moved on since",
    )  # fmt: skip
    assert (line.step, line.action, line.attempt) == ("TakePayment", "compensation", 8)
    entries: Any = redis.xrange("observations")
    told = [json.loads(fields[b"o"]) for _, fields in entries]
    assert any(one["kind"] == "absorbed" and "moved on since" in one["text"] for one in told)
    assert not DeadLetter.objects.exists()


def test_the_same_step_stuck_a_second_time_is_another_decision(client: Client) -> None:
    booking = stuck()
    act(client, booking, "retry-now")
    act(client, booking, "retry-now")
    first, second = sent()
    handle([first])
    get_stuck(booking)
    handle([second])
    assert where(booking) == ("STUCK", "ConfirmSeats", "forward", 16)


def test_a_command_sent_again_twice_by_one_click_is_sent_once(client: Client) -> None:
    (booking,) = place()
    handle(up_to("TakePayment", booking))
    act(client, booking, "resend")
    (decided,) = sent()
    handle([decided])
    handle([decided])
    assert commands(booking) == ["ReserveSeats", "TakePayment", "TakePayment"]


@pytest.mark.parametrize("verb", ["skip", "retry-now"])
def test_a_dead_letter_with_a_decision_that_is_retried_later_changes_nothing(client: Client, verb: str) -> None:
    booking = stuck_at_refund()
    act(client, booking, verb)
    (decided,) = sent()
    dead_letters.record(Database.of(DeadLetter), DeadLetter, decided, "its worker died 3 times", dead=True)
    handle([command(SkipStep(**seen(booking), reason="refunded in cash"))])
    get_stuck(booking)
    stood = where(booking)
    url = f"/api/booking/dead-letters/{decided['id']}/retry"
    assert (
        client.post(url, json.dumps(OPERATOR_ACTION), content_type="application/json", headers=TOKEN).status_code == 200
    )
    handle([sent()[-1]])
    assert where(booking) == stood


def test_a_decision_for_the_bookings_earlier_saga_does_not_touch_its_present_one() -> None:
    booking = stuck()
    decided = command(SkipStep(**seen(booking), reason="sold by hand"))
    handle([reply(booking, "ConfirmSeats")])
    Booking.objects.filter(id=booking.id).update(cancel_requested_at="2030-01-01T00:00Z")
    handle([command(CancelRequested(booking_id=str(booking.id)))])
    now = Saga.objects.filter(booking=booking).latest("id")
    assert now.definition == "CancelBooking"
    handle([decided])
    assert Saga.objects.get(id=now.id).version == now.version


@pytest.mark.parametrize("decision", [SkipStep, RetryNow, ResendCommand])
def test_a_decision_that_names_no_step_decides_nothing(decision: type[Body]) -> None:
    """As an older version wrote it."""
    booking = stuck_at_refund()
    stood = where(booking)
    why = {"reason": "x"} if decision is SkipStep else {"why": "x"}
    handle([command(decision.parse({"booking_id": str(booking.id), **why}))])
    assert where(booking) == stood
    assert not DeadLetter.objects.exists()


def test_a_decision_that_names_another_bookings_saga_is_a_letter() -> None:
    mine, other = stuck_at_refund(), stuck_at_refund()
    mixed = {**seen(mine), "saga_id": seen(other)["saga_id"]}
    handle([command(SkipStep(**mixed, reason="x"))])
    assert (where(mine)[0], where(other)[0]) == ("STUCK", "STUCK")
    assert "is not of booking" in DeadLetter.objects.get().attempts[0]["error"]


def test_what_a_person_saw_is_checked_when_they_ask(client: Client) -> None:
    booking = stuck_at_refund()
    saw = {name: value for name, value in seen(booking).items() if name != "booking_id"}
    handle([command(SkipStep(**seen(booking), reason="refunded in cash"))])
    get_stuck(booking)
    answer = act(client, booking, "skip", {**OPERATOR_ACTION, **saw})
    assert (answer.status_code, answer.json()["title"]) == (409, "The saga has moved on since")
    assert "attempt 8 of TakePayment (compensation)" in answer.json()["detail"]
    assert not sent()
    for name, other in [("saga_id", new_id()), ("step", "EatSeats"), ("action", "fence"), ("attempt", 7)]:
        assert act(client, booking, "skip", {**OPERATOR_ACTION, name: other}).status_code == 409, name
    assert act(client, booking, "skip", {**OPERATOR_ACTION, "attempt": "many"}).status_code == 422
    saw = {name: value for name, value in seen(booking).items() if name != "booking_id"}
    assert act(client, booking, "skip", {**OPERATOR_ACTION, **saw}).status_code == 202
    assert sent()[0]["data"] == {"booking_id": str(booking.id), **saw, "who": "Ines", "reason": "the printer is back"}


def test_the_list_says_what_a_decision_has_to_name(client: Client) -> None:
    booking = stuck_at_refund()
    (saga,) = client.get("/api/operator/stuck", headers=TOKEN).json()["sagas"]
    assert {"saga_id": saga["id"], **{name: saga[name] for name in ("step", "action", "attempt")}} == {
        name: value for name, value in seen(booking).items() if name != "booking_id"
    }

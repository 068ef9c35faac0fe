"""A saga's row of another version: it harms no other, every reader says what is the matter, and a person can end it."""

import json
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from booking.commands import handle
from booking.contract import CancelRequested, EndSaga, RetryNow
from booking.models import Booking, DeadLetter, Outbox, Saga, SagaLog
from booking.saga import report
from booking.saga.definitions import DEFINITIONS, UnknownSagaError, restored
from booking.truth import TRUTH
from booking.watchdog import patrol, services
from config.house import HOUSE
from drawing import steps
from messaging.database import Database
from messaging.saga_report import of_row
from seats.contract import HoldExpired
from tests.booking.test_operator import OPERATOR_ACTION, TOKEN, act, deliver_last, stuck
from tests.booking.world import commands, events, overdue, place, reply, seen, up_to
from tests.messages import command
from topology.sagas import sagas

pytestmark = [
    pytest.mark.django_db(databases=["booking"]),
    pytest.mark.urls("tests.booking.urls"),
    pytest.mark.usefixtures("shop", "redis"),
]
IDLE = dict.fromkeys(["booking", *services()], 0)
RENAMED = """step = 'ChargeCard', steps = replace(steps::text, '"TakePayment"', '"ChargeCard"')::jsonb"""
ROWS = {
    "a renamed step": RENAMED,
    "a step that was run": """steps = replace(steps::text, '"ReserveSeats"', '"HoldSeats"')::jsonb""",
    "a definition": "definition = 'BookTicketsTwice'",
    "a version": "definition_version = 2",
    "an action": "action = 'teleport'",
    "a state": "state = 'SLEEPING'",
    "what is known of a step": """steps = replace(steps::text, '"sent"', '"guessed"')::jsonb""",
    "a context without a field": "context = context - 'payment_method'",
    "a context of another type": """context = context || '{"customer_id": "Ana"}'""",
    "no steps at all": "steps = '[]'",
    "a step that is nothing": """steps = steps || '{"TakePayment": null}'""",
    "a step that is a list": """steps = steps || '{"TakePayment": ["forward"]}'""",
    "attempts that are no list": """steps = jsonb_set(steps, '{TakePayment,forward,attempts}', '{"1": "sent"}')""",
    "attempts that are text": """steps = jsonb_set(steps, '{TakePayment,forward,attempts}', '["sent", "again"]')""",
    "a context that is a list": "context = '[1]'",
}


@pytest.fixture(autouse=True)
def _token(settings: Any) -> None:
    settings.OPERATOR_TOKEN = "of-a-test"


def paying(change: str) -> Booking:
    """A booking whose saga waits for the answer to TakePayment, and whose row another version has written."""
    (booking,) = place()
    handle(up_to("TakePayment", booking))
    with connections["booking"].cursor() as cursor:
        cursor.execute(f"update booking_saga set {change} where booking_id = %s", [booking.id])
    booking.refresh_from_db()
    return booking


def make_due(booking: Booking) -> None:
    with connections["booking"].cursor() as cursor:
        cursor.execute(
            "update booking_saga set due_at = clock_timestamp() - interval '1 s' where booking_id = %s", [booking.id]
        )


@pytest.mark.parametrize("change", ROWS.values(), ids=ROWS)
def test_it_is_told_with_a_sentence_and_the_others_as_ever(client: Client, change: str) -> None:
    other, booking = stuck(), paying(change)
    make_due(booking)
    told = client.get("/api/operator/stuck", headers=TOKEN).json()
    assert told["total"] == 2
    of = {saga["booking_id"]: saga for saga in told["sagas"]}
    assert of[str(other.id)]["unknown"] == ""
    assert of[str(other.id)]["steps"][3]["actions"]
    assert "end it by hand" in of[str(booking.id)]["unknown"]
    alone = client.get(f"/api/bookings/{booking.id}/saga").json()
    assert alone["unknown"] == of[str(booking.id)]["unknown"]
    assert alone["log"]
    row = Saga.objects.filter(booking=booking).values().get() | {"id": str(booking.saga_id), "due_at": None}
    assert report.saga(row)["unknown"] == alone["unknown"]
    found = of_row(row, sagas(HOUSE.orchestrator))  # as the inspector reads it from the journal
    assert bool(found["unknown"]) == ("context = context" not in change)  # what a command needs, only Booking says
    assert steps.sagas({"booking": {"booking_saga": {"1": row}}})  # as the stage draws it


@pytest.mark.parametrize("change", ROWS.values(), ids=ROWS)
def test_no_message_about_it_harms_another_or_changes_it(change: str) -> None:
    booking = paying(change)
    (other,) = place()
    stood = Saga.objects.filter(booking=booking).values().get()
    wish = command(CancelRequested(booking_id=str(booking.id)))
    again = command(RetryNow(**seen(booking), why="x"))
    handle([wish, *up_to("TakePayment", other), again, command(HoldExpired(booking_id=str(booking.id)))])
    assert commands(other) == ["ReserveSeats", "TakePayment"]
    assert Saga.objects.filter(booking=booking).values().get() == stood
    answer = reply(booking, "TakePayment")
    handle([answer, reply(other, "TakePayment")])
    assert commands(other)[-1] == "IssueTickets"
    (letter,) = DeadLetter.objects.all()  # the answer is kept for a version that can use it
    assert (str(letter.id), letter.state) == (answer["id"], "retrying")
    assert "waits for a person" in letter.attempts[0]["error"]


@pytest.mark.parametrize("change", [RENAMED, ROWS["a version"], ROWS["an action"], ROWS["a definition"]])
def test_the_watchdog_leaves_it_to_a_version_that_knows_it(change: str) -> None:
    booking = paying(change)
    make_due(booking)
    assert patrol(Database("booking"), IDLE) == 0
    assert Saga.objects.get(booking=booking).overdue is False


@pytest.mark.parametrize("name", ["a context without a field", "a step that was run"])
def test_what_only_a_look_at_the_row_finds_waits_for_a_person(client: Client, name: str) -> None:
    booking = paying(ROWS[name])
    make_due(booking)
    assert patrol(Database("booking"), IDLE) == 1
    handle([overdue(booking)])
    saga = Saga.objects.get(booking=booking)
    assert (saga.state, saga.due_at, saga.awaiting) == ("STUCK", None, "")
    assert events(booking)[-1][:2] == ("BookingStuck", "STUCK")
    assert patrol(Database("booking"), IDLE) == 0
    assert act(client, booking, "retry-now").json()["title"] == "The saga is unknown here"
    assert act(client, booking, "end").status_code == 202
    deliver_last()
    booking.refresh_from_db()
    assert booking.state == "CANCELLED"


@pytest.mark.parametrize("verb", ["retry-now", "skip", "resend"])
def test_nothing_else_is_decided_about_it(client: Client, verb: str) -> None:
    booking = paying(RENAMED)
    answer = act(client, booking, verb)
    assert (answer.status_code, answer.json()["title"]) == (409, "The saga is unknown here")
    assert "no step ChargeCard" in answer.json()["detail"]


@pytest.mark.parametrize(("asked", "ends"), [({}, "CANCELLED"), ({"booking_state": "CONFIRMED"}, "CONFIRMED")])
@pytest.mark.parametrize("change", ROWS.values(), ids=ROWS)
def test_a_person_ends_it(client: Client, change: str, asked: dict[str, str], ends: str) -> None:
    booking = paying(change)
    assert act(client, booking, "end", {**OPERATOR_ACTION, **asked}).status_code == 202
    deliver_last()
    booking.refresh_from_db()
    assert (booking.state, booking.reason) == (ends, "ended by hand: the printer is back")
    saga = Saga.objects.get(booking=booking)
    assert (saga.state, saga.due_at) == ("COMPENSATED" if ends == "CANCELLED" else "COMPLETED", None)
    line = SagaLog.objects.latest("id")
    assert (line.who, line.what, line.error) == ("Ines", "ended by hand", "the printer is back")
    assert events(booking)[-1][1] == ends
    told = client.get(f"/api/bookings/{booking.id}/saga").json()
    assert "end it by hand" not in told["unknown"]
    with connections["booking"].cursor() as cursor:
        cursor.execute(f"select waived from ({TRUTH['saga']}) saga", [])
        (waived,) = cursor.fetchone()
    assert json.loads(waived) == [{"step": "whole saga", "action": "end", "reason": "the printer is back"}]
    handle([reply(booking, "TakePayment")])  # whatever still comes
    assert not DeadLetter.objects.exists()


def test_a_customers_wish_is_granted_by_a_cancellation_once_it_ended_confirmed(client: Client) -> None:
    booking = paying(RENAMED)
    Booking.objects.filter(id=booking.id).update(cancel_requested_at="2030-01-01T00:00Z")
    act(client, booking, "end", {**OPERATOR_ACTION, "booking_state": "CONFIRMED"})
    deliver_last()
    assert [one.definition for one in Saga.objects.order_by("id")] == ["BookTickets", "CancelBooking"]
    assert commands(booking)[-1] == "VoidTickets"


def test_a_late_decision_to_end_it_ends_nothing_else(client: Client) -> None:
    booking = paying(RENAMED)
    late = command(EndSaga(**{**seen(booking), "attempt": 7}, state="CANCELLED", reason="x", who="Ines"))
    handle([late])
    assert Saga.objects.get(booking=booking).state == "RUNNING"
    assert SagaLog.objects.latest("id").what == "decided too late"
    Saga.objects.filter(booking=booking).update(step="TakePayment", steps=json.loads(json.dumps(
        Saga.objects.get(booking=booking).steps).replace("ChargeCard", "TakePayment")))  # fmt: skip
    handle([command(EndSaga(**seen(booking), state="CANCELLED", reason="x", who="Ines"))])
    assert Saga.objects.get(booking=booking).state == "RUNNING"  # this version can carry on with it
    assert act(client, booking, "end").json()["title"] == "The saga can continue"
    assert act(client, booking, "end", {**OPERATOR_ACTION, "booking_state": "LOST"}).status_code == 422


def test_a_saga_carries_its_definitions_version() -> None:
    booking = paying("version = version")
    saga = Saga.objects.get(booking=booking)
    assert saga.definition_version == DEFINITIONS["BookTickets"].version == 1
    assert not Outbox.objects.filter(type="SagaOverdue").exists()
    with pytest.raises(UnknownSagaError, match="no definition BookTickets 7"):
        restored("BookTickets", 7, step="TakePayment")

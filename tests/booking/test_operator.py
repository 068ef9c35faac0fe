"""Operator actions on sagas: who may, when it makes sense, and what it leaves behind."""

import json
from typing import Any

import pytest
from django.test import Client
from redis import Redis

from booking.commands import handle
from booking.models import Booking, Outbox, Saga, SagaLog
from messaging.envelope import from_row
from serving.problems import MEDIA_TYPE
from tests.booking.world import commands, overdue, place, reply, up_to
from tests.messages import new_id

pytestmark = [
    pytest.mark.django_db(databases=["booking"]),
    pytest.mark.urls("tests.booking.urls"),
    pytest.mark.usefixtures("shop", "redis"),
]
TOKEN = {"Authorization": "Bearer of-a-test"}
OPERATOR_ACTION = {"who": "Ines", "why": "the printer is back"}


@pytest.fixture(autouse=True)
def _token(settings: Any) -> None:
    settings.OPERATOR_TOKEN = "of-a-test"


def act(client: Client, booking: Any, verb: str, body: Any = OPERATOR_ACTION, headers: Any = TOKEN) -> Any:
    url = f"/api/operator/sagas/{getattr(booking, 'id', booking)}/{verb}"
    return client.post(url, json.dumps(body), content_type="application/json", headers=headers)


def deliver_last() -> None:
    """What a person asked for goes by the outbox like everything else."""
    row = Outbox.objects.filter(kind="command", destination="booking").order_by("-seq")[0]
    handle([from_row("booking", vars(row))])


def stuck() -> Booking:
    (booking,) = place()
    handle(up_to("ConfirmSeats", booking))
    for _ in range(8):
        handle([overdue(booking)])
    booking.refresh_from_db()
    assert booking.state == "STUCK"
    return booking


def observed(redis: Redis) -> list[dict[str, Any]]:
    entries: Any = redis.xrange("observations")
    found = [json.loads(fields[b"o"]) for _, fields in entries]
    return [one for one in found if one["kind"] == "operator"]


def test_stuck_sagas_are_listed_with_each_attempts_error(client: Client) -> None:
    booking = stuck()
    (saga,) = client.get("/api/operator/stuck", headers=TOKEN).json()["sagas"]
    assert (saga["booking_id"], saga["state"], saga["due_at"]) == (str(booking.id), "STUCK", None)
    (action,) = saga["steps"][3]["actions"]
    assert [attempt["error"] for attempt in action["attempts"]] == ["no_answer"] * 8


def test_sagas_that_try_again_are_listed_with_the_next_time(client: Client) -> None:
    (booking,) = place()
    handle(up_to("TakePayment", booking))
    assert client.get("/api/operator/stuck", headers=TOKEN).json()["sagas"] == []
    handle([overdue(booking)])
    (saga,) = client.get("/api/operator/stuck", headers=TOKEN).json()["sagas"]
    assert saga["steps"][1]["actions"][0]["due_at"] == saga["due_at"] is not None


def test_retry_now(client: Client, redis: Redis) -> None:
    booking = stuck()
    assert act(client, booking, "retry-now").status_code == 202
    deliver_last()
    handle([reply(booking, "ConfirmSeats")])
    booking.refresh_from_db()
    assert booking.state == "CONFIRMED"
    line = SagaLog.objects.get(what="retried by hand")
    assert (line.who, line.error) == ("Ines", "the printer is back")
    (told,) = observed(redis)
    assert told["correlationid"] == str(booking.id)
    assert (told["data"]["who"], told["data"]["why"], told["data"]["what"]) == (
        "Ines", "the printer is back", "retry-now",
    )  # fmt: skip


def test_skip_with_a_reason(client: Client) -> None:
    booking = stuck()
    assert act(client, booking, "skip").status_code == 202
    deliver_last()
    booking.refresh_from_db()
    assert booking.state == "CONFIRMED"
    assert Saga.objects.get().steps["ConfirmSeats"]["forward"]["note"] == "the printer is back"


def test_resend_costs_the_saga_no_attempt_of_its_own(client: Client) -> None:
    (booking,) = place()
    handle(up_to("TakePayment", booking))
    for _ in range(5):
        assert act(client, booking, "resend").status_code == 202
        deliver_last()
    assert commands(booking) == ["ReserveSeats", *["TakePayment"] * 6]
    assert Saga.objects.get().steps["TakePayment"]["forward"]["limit"] == 4 + 5
    handle([reply(booking, "TakePayment")])
    assert commands(booking)[-1] == "IssueTickets"


def test_cancel_for_the_customer(client: Client) -> None:
    (booking,) = place()
    handle(up_to("TakePayment", booking))
    assert act(client, booking, "cancel").status_code == 202
    deliver_last()
    booking.refresh_from_db()
    assert (booking.state, booking.reason) == ("COMPENSATING", "cancel_requested")


@pytest.mark.parametrize("verb", ["retry-now", "skip"])
def test_what_is_not_stuck_needs_no_help(client: Client, verb: str) -> None:
    (booking,) = place()
    assert act(client, booking, verb).status_code == 409
    handle(up_to("TakePayment", booking))
    answer = act(client, booking, verb)
    assert (answer.status_code, answer["Content-Type"], answer.json()["title"]) == (
        409, MEDIA_TYPE, "The saga is not stuck",
    )  # fmt: skip


def test_what_makes_no_sense(client: Client) -> None:
    booking = stuck()
    assert act(client, booking, "resend").status_code == 409
    assert act(client, new_id(), "retry-now").status_code == 404
    assert act(client, booking, "bless").status_code == 422
    assert act(client, "15", "skip").status_code == 422


def test_a_fence_cannot_be_skipped(client: Client) -> None:
    (booking,) = place()
    handle(up_to("IssueTickets", booking))
    for _ in range(10):
        handle([overdue(booking)])
    assert act(client, booking, "skip").json()["title"] == "A fence cannot be skipped"
    assert act(client, booking, "retry-now").status_code == 202


BAD_HANDS = [
    {}, {"who": "Ines"}, {"why": "x"}, {"who": " ", "why": "x"}, {"who": "Ines", "why": ""},
    {"who": "Ines", "why": "x" * 201}, {"who": 7, "why": "x"}, {"who": "I\x00", "why": "x"},
    {"who": "\ud800", "why": "x"}, {**OPERATOR_ACTION, "force": True}, [], None,
]  # fmt: skip


@pytest.mark.parametrize("body", BAD_HANDS, ids=repr)
def test_who_and_why_must_be_said(client: Client, redis: Redis, body: Any) -> None:
    booking = stuck()
    answer = act(client, booking, "retry-now", body)
    assert (answer.status_code, answer["Content-Type"]) == (422, MEDIA_TYPE)
    assert not Outbox.objects.filter(type="RetryNow").exists()
    assert observed(redis) == []


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer other"}, {"Authorization": "Bearer "}, {"Authorization": "Basic x"}]
)
def test_nobody_else_may(client: Client, headers: dict[str, str]) -> None:
    booking = stuck()
    for answer in (
        act(client, booking, "retry-now", headers=headers),
        client.get("/api/operator/stuck", headers=headers),
        client.get("/api/booking/dead-letters", headers=headers),
    ):
        assert (answer.status_code, answer["Content-Type"]) == (401, MEDIA_TYPE)


def test_without_a_token_in_the_settings_nobody_may(client: Client, settings: Any) -> None:
    settings.OPERATOR_TOKEN = ""
    assert client.get("/api/operator/stuck", headers={"Authorization": "Bearer "}).status_code == 401

"""Dead letters in a person's hands: sent again, edited, given up; and cleared once they succeed after all."""

import json
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from redis import Redis

from messaging.database import Database
from messaging.envelope import from_row
from messaging.hashing import row_hash
from messaging.inbox import dead_letters
from messaging.wal import Relation, python_row
from messaging.wal.messages import Column
from messaging.wal.values import converters_of
from payments.commands import handle, service
from payments.contract import PaymentMethod, RefundPayment, TakePayment
from payments.models import DeadLetter, Outbox, Payment
from serving.problems import MEDIA_TYPE
from tests.messages import command, new_id

pytestmark = [
    pytest.mark.django_db(databases=["payments"], transaction=True),
    pytest.mark.urls("tests.payments.urls"),
    pytest.mark.usefixtures("redis"),
]
TOKEN = {"Authorization": "Bearer of-a-test"}
OPERATOR_ACTION = {"who": "Ines", "why": "customer called"}


@pytest.fixture(autouse=True)
def _token(settings: Any) -> None:
    settings.OPERATOR_TOKEN = "of-a-test"


def take(**more: Any) -> dict[str, Any]:
    body = TakePayment(
        booking_id=new_id(), customer_id=123, amount=150_000, currency="KRW", payment_method=PaymentMethod.VISA
    )
    envelope = command(body, sagastep="TakePayment", sagaaction="forward")
    return {**envelope, "data": {**envelope["data"], **more}}


def dead(envelope: dict[str, Any]) -> DeadLetter:
    dead_letters.record(Database("payments"), DeadLetter, envelope, "ValueError: no", dead=True)
    return DeadLetter.objects.get(id=envelope["id"])


def act(client: Client, letter: Any, verb: str, body: Any = OPERATOR_ACTION) -> Any:
    url = f"/api/payments/dead-letters/{getattr(letter, 'pk', letter)}/{verb}"
    return client.post(url, json.dumps(body), content_type="application/json", headers=TOKEN)


def deliver_last() -> None:
    row = Outbox.objects.filter(destination="payments").order_by("-seq")[0]
    handle([from_row("payments", vars(row))])


def listed(client: Client, **query: Any) -> list[dict[str, Any]]:
    return client.get("/api/payments/dead-letters", query, headers=TOKEN).json()


def observed(redis: Redis) -> list[dict[str, Any]]:
    entries: Any = redis.xrange("observations")
    return [one for one in (json.loads(fields[b"o"]) for _, fields in entries) if one["kind"] == "operator"]


def test_they_are_listed_with_every_attempt(client: Client) -> None:
    envelope = take(amount=-1)
    handle([envelope])
    handle([envelope])
    (letter,) = listed(client)
    assert (letter["id"], letter["type"], letter["state"]) == (envelope["id"], "TakePayment", "retrying")
    assert len(letter["attempts"]) == 2
    assert all("amount" in attempt["error"] for attempt in letter["attempts"])
    assert letter["envelope"]["data"]["amount"] == -1


@pytest.mark.parametrize("depth", [120, 300, 900])
def test_a_letter_that_is_nested_deep_takes_neither_the_list_nor_the_hashes_away(client: Client, depth: int) -> None:
    """As an older version has kept it: the list and the hashes answered 500, and the others could not be seen."""
    good = dead(take(amount=-1))
    old = dead(take(amount=-2))
    deep = '{"n":' * depth + "1" + "}" * depth
    with connections["payments"].cursor() as cursor:
        cursor.execute("update payments_deadletter set envelope = %s where id = %s", [deep, old.pk])
    letters = listed(client)
    assert {letter["id"] for letter in letters} == {str(good.pk), str(old.pk)}
    relation = Relation(1, "public", "x", (), ("id",), ("id",), converters_of([Column("envelope", 3802, True)]))
    assert row_hash("x", python_row(relation, {"id": "x", "envelope": deep}))


def test_retried_it_goes_through_the_outbox_under_its_own_id_and_is_cleared(client: Client, redis: Redis) -> None:
    letter = dead(take())
    answer = act(client, letter, "retry")
    assert (answer.status_code, answer.json()["state"], answer.json()["reason"]) == (
        200, "retried", "Ines: customer called",
    )  # fmt: skip
    sent = Outbox.objects.get(destination="payments")
    assert (sent.id, sent.type, sent.step, sent.action) == (letter.pk, "TakePayment", "TakePayment", "forward")
    deliver_last()
    assert Payment.objects.get().amount == 150_000
    assert listed(client) == []
    (letter_out,) = listed(client, settled=True)
    assert (letter_out["state"], len(letter_out["attempts"])) == ("cleared", 1)
    (told,) = observed(redis)
    assert (told["data"]["who"], told["data"]["why"], told["messageid"]) == ("Ines", "customer called", str(letter.pk))


def test_edited_it_is_what_the_contract_says(client: Client) -> None:
    letter = dead(take(amount=-1))
    good = {**letter.envelope["data"], "amount": 99}
    assert act(client, letter, "edit-and-retry", {**OPERATOR_ACTION, "data": good}).status_code == 200
    deliver_last()
    assert Payment.objects.get().amount == 99
    assert listed(client) == []


BAD_DATA: list[dict[str, Any]] = [
    {"amount": -2}, {"amount": "1"}, {"amount": 2**53}, {"currency": "krw"}, {"booking_id": "15"}, {"tip": 1},
    {"payment_method": "tok_gold"}, {"customer_id": None}, {"currency": "K\x00W"}, {"currency": "\ud800"},
]  # fmt: skip


@pytest.mark.parametrize("bad", BAD_DATA, ids=ascii)
def test_an_invalid_edit_changes_nothing(client: Client, redis: Redis, bad: dict[str, Any]) -> None:
    letter = dead(take(amount=-1))
    before = DeadLetter.objects.values().get()
    data = {**letter.envelope["data"], "amount": 99, **bad}
    answer = act(client, letter, "edit-and-retry", {**OPERATOR_ACTION, "data": data})
    assert (answer.status_code, answer["Content-Type"]) == (422, MEDIA_TYPE)
    assert DeadLetter.objects.values().get() == before
    assert not Outbox.objects.exists()
    assert observed(redis) == []


def test_what_would_fail_again_is_not_sent_again(client: Client) -> None:
    answer = act(client, dead(take(amount=-1)), "retry")
    assert (answer.status_code, answer.json()["title"]) == (422, "Invalid message")
    assert "amount" in answer.json()["detail"]
    unreadable = {"id": new_id(), "data": {"a": 1}}
    assert "envelope without source" in act(client, dead(unreadable), "retry").json()["detail"]
    unknown = {**take(), "id": new_id(), "type": "EatMoney"}
    assert "knows no message 'EatMoney'" in act(client, dead(unknown), "retry").json()["detail"]
    assert not Outbox.objects.exists()


def test_discarded_with_a_reason(client: Client, redis: Redis) -> None:
    letter = dead(take())
    assert act(client, letter, "discard").json()["state"] == "discarded"
    again = act(client, letter, "retry")
    assert (again.status_code, again.json()["detail"]) == (409, "the letter is discarded: Ines: customer called")
    assert listed(client) == []
    assert len(observed(redis)) == 1


def test_bad_requests(client: Client) -> None:
    letter = dead(take())
    assert act(client, new_id(), "retry").status_code == 404
    assert act(client, "15", "retry").status_code == 422
    assert act(client, letter, "bless").status_code == 404
    assert act(client, letter, "edit-and-retry", {**OPERATOR_ACTION, "data": []}).status_code == 422
    assert act(client, letter, "edit-and-retry").status_code == 422
    bodies: list[Any] = [{}, {"who": "", "why": "x"}, {"who": "Ines"}, {**OPERATOR_ACTION, "data": {}}, [], "x"]
    for body in bodies:
        assert act(client, letter, "retry", body).status_code == 422
    assert client.get("/api/payments/dead-letters").status_code == 401
    assert not Outbox.objects.exists()


def test_a_command_sent_again_by_the_watchdog_clears_the_letter_of_the_first(client: Client) -> None:
    """It is another message with another id, but of the same saga and type."""
    bad = take(amount=-1)
    handle([bad])
    assert len(listed(client)) == 1
    handle([{**bad, "id": new_id(), "data": {**bad["data"], "amount": 1}}])
    assert listed(client) == []


def test_another_sagas_success_clears_nothing(client: Client) -> None:
    handle([take(amount=-1)])
    handle([take(), take()])
    assert len(listed(client)) == 1


def test_validate_knows_both_uses_of_a_refund() -> None:
    refund = command(RefundPayment(booking_id=new_id()))
    service.validate({**refund, "sagaaction": "forward"})
    service.validate({**refund, "sagaaction": "compensation"})
    with pytest.raises(ValueError, match="not 'fence'"):
        service.validate({**refund, "sagaaction": "fence"})

"""What the outbox and the idempotency key are for: the same story with the mechanism on, and with it off."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from redis import Redis

import config.celery  # noqa: F401  (what is published directly goes by the app's own broker)
from booking.api import front, switches
from booking.models import Booking
from booking.models import Outbox as BookingOutbox
from booking.orchestrator import process
from faults import Action, Fault, Mechanism, Plan, Point, acting, arm, switch
from messaging.database import Database
from messaging.outbox import dual_write, event_log
from payments.commands import handle
from payments.contract import PaymentMethod, TakePayment
from payments.models import Barrier, Outbox, Payment
from tests.booking.world import place, start
from tests.messages import command, new_id

pytestmark = [
    pytest.mark.django_db(databases=["booking", "payments"], transaction=True),
    pytest.mark.urls("tests.booking.urls"),
    pytest.mark.usefixtures("shop"),
]
on_and_off = pytest.mark.parametrize("off", [False, True], ids=["on", "off"])


class Killed(BaseException):
    """This process has got SIGKILL."""


@pytest.fixture(autouse=True)
def _die_without_dying(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def die(pid: int, number: int) -> None:
        dual_write.forget()  # a dead process remembers nothing
        raise Killed

    monkeypatch.setattr(acting.os, "kill", die)
    switches.forget()
    yield
    switches.forget()
    front.thread.submit(connections.close_all).result()


def take_payment() -> dict[str, Any]:
    body = TakePayment(
        booking_id=new_id(), customer_id=123, amount=150_000, currency="KRW", payment_method=PaymentMethod.VISA
    )
    return command(body, sagastep="TakePayment", sagaaction="forward")


def streamed(redis: Redis, service: str) -> list[str]:
    entries: Any = redis.xrange(f"events.{service}")
    return [json.loads(fields[b"e"])["type"] for _, fields in entries]


def queued(redis: Redis, queue: str) -> int:
    return redis.llen(queue)


def logged() -> list[str]:
    return [event["type"] for event in event_log.page(Database.of(Outbox), Outbox, 0, 1000, None)["events"]]


@on_and_off
def test_a_crash_between_the_commit_and_the_publication(redis: Redis, off: bool) -> None:
    """With the outbox the event is in the database's log, and the relay will send it; without it nobody ever hears of it."""
    switch(redis, Mechanism.OUTBOX, off=off)
    arm(redis, Fault(point=Point.TRANSACTION_COMMITTED, action=Action.CRASH, service="payments"))
    envelope = take_payment()
    with pytest.raises(Killed):
        handle([envelope])
    assert Payment.objects.get().status == "COMPLETED"
    handle([envelope], redelivered=True)  # the broker gives it to the next worker: the barrier answers again
    told = [*logged(), *streamed(redis, "payments")]
    assert told == ([] if off else ["PaymentCompleted"])
    assert Barrier.objects.get().state == "succeeded"


def test_without_a_crash_the_dual_write_arrives_too(redis: Redis) -> None:
    """Which is why it looks so good for so long."""
    switch(redis, Mechanism.OUTBOX, off=True)
    handle([take_payment()])
    assert not Outbox.objects.exists()
    assert streamed(redis, "payments") == ["PaymentCompleted"]
    assert queued(redis, "booking") == 1


def test_a_rollback_says_nothing(redis: Redis) -> None:
    switch(redis, Mechanism.OUTBOX, off=True)
    arm(redis, Fault(point=Point.TRANSACTION_INSIDE, action=Action.ERROR, service="payments"))
    handle([take_payment()])
    handle([{**take_payment(), "data": {}}])
    assert (streamed(redis, "payments"), queued(redis, "booking"), Payment.objects.count()) == ([], 0, 0)


def test_the_orchestrator_takes_part(redis: Redis) -> None:
    switch(redis, Mechanism.OUTBOX, off=True)
    (booking,) = place()
    before = BookingOutbox.objects.count()
    process(Database("booking"), [start(booking)], Plan(redis, "booking").refresh())
    dual_write.publish(redis, "booking")
    assert BookingOutbox.objects.count() == before
    assert streamed(redis, "booking") == ["BookingAdvanced"]
    assert queued(redis, "seats") == 1


@on_and_off
def test_a_double_click(redis: Redis, client: Client, off: bool) -> None:
    switch(redis, Mechanism.IDEMPOTENCY_KEY, off=off)
    body = {"performance": "concert-2030", "seats": ["A-15"], "customer": 123, "payment_method": "tok_visa"}
    first, second = (
        client.post("/api/bookings", body, content_type="application/json", headers={"Idempotency-Key": "one-click"})
        for _ in range(2)
    )
    assert (first.status_code, second.status_code) == (202, 202)
    assert (first.json()["id"] == second.json()["id"]) is not off
    assert Booking.objects.count() == (2 if off else 1)

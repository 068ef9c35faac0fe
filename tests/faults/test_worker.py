"""Faults in a participant's local transaction, forward and compensation alike, on real PostgreSQL and Redis."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from redis import Redis

import faults
from faults import Action, Fault, Point, Trigger
from messaging.process.heartbeat import Heartbeat
from payments.commands import handle
from payments.models import DeadLetter, Outbox, Payment
from tests.faults.told import told
from tests.messages import new_id, replies
from tests.payments.test_payments import refund, take
from tests.servers import environment_of
from tests.waiting import wait_until

pytestmark = [pytest.mark.django_db(databases=["payments"], transaction=True), pytest.mark.usefixtures("redis")]
ROOT = Path(__file__).resolve().parents[2]
POINTS = [Point.TRANSACTION_BEFORE, Point.TRANSACTION_INSIDE, Point.TRANSACTION_COMMITTED]


def arm(redis: Redis, point: Point | str, action: Action | str, **more: Any) -> Fault:
    wanted = {"point": point, "action": action, "service": "payments", **more}
    return faults.arm(redis, faults.parse(wanted, who="a test"))


def work(envelopes: list[dict[str, Any]], *, redelivered: bool = False) -> int:
    """A worker process takes the batch in; returns its exit code."""
    code = (
        "import django, json, sys; django.setup()\n"
        "from payments.commands import handle\n"
        f"handle(json.load(sys.stdin), {redelivered})"
    )
    child = [sys.executable, "-c", code]
    return subprocess.run(
        child, cwd=ROOT, env=environment_of("payments"), input=json.dumps(envelopes), text=True, timeout=60, check=False
    ).returncode


@contextmanager
def working(*envelopes: dict[str, Any]) -> Iterator[threading.Thread]:
    """A worker's thread that takes the batch in, and is to end within the block."""

    def run() -> None:
        try:
            handle(list(envelopes))
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    yield thread
    thread.join(20)
    assert not thread.is_alive()


@pytest.mark.parametrize("point", POINTS)
def test_a_crash_once_kills_the_worker_once(redis: Redis, point: Point) -> None:
    fault = arm(redis, point, "crash", message="TakePayment")
    message = take()
    assert work([message]) == -signal.SIGKILL
    assert Payment.objects.count() == (1 if point == Point.TRANSACTION_COMMITTED else 0)
    (struck,) = faults.listing(redis)
    assert (struck.fired, struck.state) == (1, "exhausted")  # claimed before it died
    assert work([message], redelivered=True) == 0
    assert Payment.objects.count() == 1
    assert set(replies(Outbox)) == {("succeeded", "")}
    (proof,) = told(redis)
    assert proof["data"] == {
        "fault": fault.id,
        "point": point,
        "action": "crash",
        "fired": 1,
        "who": "a test",
        "process": "worker-payments",
    }
    assert (proof["correlationid"], proof["messageid"]) == (message["correlationid"], message["id"])


@pytest.mark.parametrize("point", POINTS[:2])
def test_an_error_rolls_back_and_the_next_attempt_succeeds(redis: Redis, point: Point) -> None:
    arm(redis, point, "error")
    message, other = take(), take()
    handle([message, other])
    assert [str(payment.booking_id) for payment in Payment.objects.all()] == [other["correlationid"]]
    assert "InjectedError: injected at" in DeadLetter.objects.get().attempts[0]["error"]
    handle([message])
    assert Payment.objects.count() == 2


@pytest.mark.parametrize("point", POINTS)
def test_a_held_message_stands_still_until_it_is_resumed(redis: Redis, point: Point) -> None:
    message = take()
    fault = arm(redis, point, "hold", booking=message["correlationid"])
    with working(message) as thread:
        (held,) = wait_until(lambda: faults.held(redis), 10, "the hold")
        assert (held.fault, held.point, held.booking, held.process) == (
            fault.id, point, message["correlationid"], "worker-payments",
        )  # fmt: skip
        assert Payment.objects.count() == (1 if point == Point.TRANSACTION_COMMITTED else 0)  # what others see
        assert thread.is_alive()
        assert faults.release(redis, fault.id) == 1
    assert Payment.objects.count() == 1
    began, ended = told(redis)
    assert "hold at" in began["text"]
    assert "is resumed after" in ended["text"]
    assert began["data"]["fault"] == ended["data"]["fault"] == fault.id


@pytest.mark.parametrize("action", ["delay", "hang", "hold"])
@pytest.mark.parametrize("point", POINTS)
def test_what_stands_still_is_bounded(redis: Redis, point: Point, action: str) -> None:
    arm(redis, point, action, seconds=0.3)
    began = time.monotonic()
    handle([take()])
    assert 0.3 <= time.monotonic() - began < 5
    assert Payment.objects.count() == 1
    assert faults.held(redis) == []


def test_a_process_that_hangs_gives_no_sign_of_life(redis: Redis) -> None:
    arm(redis, Point.TRANSACTION_INSIDE, "hang", seconds=0.5)
    heartbeat = Heartbeat(redis, "worker-payments")  # which beats in a thread of its own
    with working(take()):
        wait_until(faults.hanging, 10, "the hang")
        heartbeat.beat()
        assert not redis.exists("alive:worker-payments")
    heartbeat.beat()
    assert redis.exists("alive:worker-payments")


def test_a_fault_for_compensations_spares_the_way_forward(redis: Redis) -> None:
    arm(redis, Point.TRANSACTION_INSIDE, "error", direction="compensation")
    booking, saga = new_id(), new_id()
    undo = {**refund(booking, saga), "sagaaction": "compensation", "sagastep": "TakePayment"}
    handle([{**take(booking, saga), "sagaaction": "forward", "sagastep": "TakePayment"}])
    assert Payment.objects.get().status == "COMPLETED"
    handle([undo])
    assert Payment.objects.get().status == "COMPLETED"  # rolled back
    assert DeadLetter.objects.get().type == "RefundPayment"
    handle([undo])
    assert Payment.objects.get().status == "REFUNDED"


@pytest.mark.parametrize("point", POINTS)
def test_a_compensation_is_killed_once_and_undoes_once(redis: Redis, point: Point) -> None:
    booking, saga = new_id(), new_id()
    handle([take(booking, saga)])
    arm(redis, point, "crash", step="TakePayment", direction="compensation")
    undo = {**refund(booking, saga), "sagaaction": "compensation", "sagastep": "TakePayment"}
    assert work([undo]) == -signal.SIGKILL
    assert work([undo], redelivered=True) == 0
    payment = Payment.objects.get()
    assert (payment.status, payment.refund.amount) == ("REFUNDED", payment.amount)


def test_a_compensation_can_be_made_to_fail(redis: Redis) -> None:
    booking, saga = new_id(), new_id()
    handle([take(booking, saga)])
    arm(redis, Point.ANSWER, "refuse", message="RefundPayment", reason="bank_closed")
    handle([refund(booking, saga)])
    assert replies(Outbox)[-1] == ("refused", "bank_closed")
    assert Payment.objects.get().status == "COMPLETED"
    assert "refuse 'bank_closed' at answer: RefundPayment" in told(redis)[0]["text"]


def test_a_business_answer_is_for_one_customer(redis: Redis) -> None:
    arm(redis, Point.ANSWER, "refuse", message="TakePayment", reason="insufficient_funds", customer=99)
    handle([take(), {**take(), "data": {**take()["data"], "customer_id": 99}}])
    assert sorted(replies(Outbox)) == [("refused", "insufficient_funds"), ("succeeded", "")]


def test_a_slow_database_is_slow_inside_the_transaction(redis: Redis) -> None:
    arm(redis, Point.DATABASE, "delay", seconds=0.4)

    def sleeping() -> bool:
        with connections["payments"].cursor() as cursor:
            cursor.execute("select count(*) from pg_stat_activity where wait_event = 'PgSleep'")
            return bool(cursor.fetchone()[0])

    with working(take()):
        assert wait_until(sleeping, 5, "the wait inside PostgreSQL")
    assert Payment.objects.count() == 1


def test_only_what_a_fault_may_strike_runs_by_itself(redis: Redis) -> None:
    """A fault elsewhere costs the batch nothing; one that fits parts it, and nobody else's message suffers."""
    arm(redis, Point.RELAY_BEFORE_PUBLISH, "drop")
    handle([take() for _ in range(3)])
    assert len({row.xid for row in Outbox.objects.all()}) == 1
    booking = new_id()
    arm(redis, Point.TRANSACTION_INSIDE, "error", booking=booking)
    handle([take(), take(booking), take()])
    assert Payment.objects.count() == 5


def test_a_probability_strikes_the_same_bookings_again(redis: Redis) -> None:
    trigger = {"kind": "probability", "probability": 0.5, "seed": 3}

    def struck() -> list[bool]:
        faults.clear(redis)
        arm(redis, Point.ANSWER, "refuse", message="TakePayment", reason="card_declined", trigger=trigger)
        bookings = [new_id() for _ in range(12)]
        handle([take(booking) for booking in bookings])
        declined = Payment.objects.filter(booking_id__in=bookings, status="DECLINED")
        return [booking in {str(row.booking_id) for row in declined} for booking in bookings]

    first = struck()
    assert struck() == first
    assert {True, False} == set(first)
    assert Trigger(**trigger).limit is None  # type: ignore[arg-type]


def test_a_refusal_claimed_by_a_transaction_that_must_run_again_is_still_given(redis: Redis) -> None:
    """The database cuts the connection after the claim: the same message is tried again, and no strike may be lost."""
    arm(redis, "answer", "refuse", message="TakePayment", reason="card_declined")
    waiting = "select pid from pg_locks where relation = 'payments_payment'::regclass and not granted"
    with connections["payments"].cursor() as cursor:
        cursor.execute("begin; lock table payments_payment in exclusive mode")
        with working(take()):
            cut = f"select pg_terminate_backend(pid) from ({waiting}) as who"
            wait_until(lambda: cursor.execute(cut).fetchone(), 10, "the payment's transaction to wait, and be cut off")
            cursor.execute("rollback")
    assert replies(Outbox) == [("refused", "card_declined")]
    assert faults.listing(redis)[0].fired == 1

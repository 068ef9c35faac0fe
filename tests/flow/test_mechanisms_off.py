"""What each safety mechanism is there for: with it on a nasty moment passes, with it off the auditor names what went wrong."""

import base64
import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from redis import Redis

import faults
from faults import Mechanism
from tests.flow.test_faults import arm, fired
from tests.flow.test_verdict import execute, invariant, verdict
from tests.live import ROOT, Live
from tests.waiting import wait_until
from topology.processes import BY_NAME

pytestmark = pytest.mark.timeout(240)
ON_AND_OFF = pytest.mark.parametrize("off", [False, True], ids=["on", "off"])


@pytest.fixture
def redis(live: Live) -> Iterator[Redis]:
    with Redis.from_url(live.sandbox.environments.control()["REDIS_URL"]) as client:
        yield client


@contextmanager
def switched(redis: Redis, mechanism: Mechanism, off: bool) -> Iterator[None]:
    if off:
        faults.switch(redis, mechanism, off=True)
    try:
        yield
    finally:
        faults.switch(redis, mechanism, off=False)


def all_holds(live: Live) -> None:
    wait_until(lambda: verdict(live)["status"] == "holds", 30, "everything to hold")


def names(live: Live, name: str, booking: str) -> bool:
    """Whether this invariant is violated, and the booking is named as the reason."""
    found = invariant(live, name)
    return found["status"] == "violated" and any(booking in piece["bookings"] for piece in found["evidence"])


@contextmanager
def second_seats_worker(live: Live, log: Path, **environment: str) -> Iterator[None]:
    """Takes part once it says so: a command that waits for it would be sent again, and the second one be taken for another."""
    process = BY_NAME["worker-seats"]
    argv = [sys.executable, "-m", "celery", "-A", "config.celery:app", "worker", "--pool", "solo", "-Q", "seats"]
    argv += ["-n", "second@%h", "--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "INFO"]
    with log.open("wb") as output:
        worker = subprocess.Popen(
            argv,
            cwd=ROOT,
            env=live.sandbox.environments.of_process(process) | environment,
            stdout=output,
            stderr=output,
        )
    try:
        wait_until(lambda: b" ready." in log.read_bytes(), 40, "the second worker")
        yield
    finally:
        worker.terminate()
        worker.wait(30)


@ON_AND_OFF
def test_conditional_seat_write(live: Live, redis: Redis, tmp_path: Path, off: bool) -> None:
    """Two workers look at a free seat at the same time; a lock of ours keeps both from writing until they have looked."""
    all_holds(live)
    seat = live.free_seats(1)[0]
    url = live.sandbox.environments.control()["DATABASE_URL_SEATS"]
    waiting = "select count(distinct pid) from pg_locks where not granted"
    with second_seats_worker(live, tmp_path / "worker.log"), switched(redis, Mechanism.CONDITIONAL_SEAT_WRITE, off):
        with psycopg.connect(url) as lock:
            of = "select 1 from seats_seat where performance_id = 'concert-2024' and label = %s for update"
            lock.execute(of, [seat])
            bookings = []
            for number in (1, 2):
                bookings.append(live.place([seat], "concert-2024"))
                wait_until(lambda n=number: live.rows("seats", waiting)[0][0] >= n, 40, f"worker {number} to wait")  # type: ignore[misc]
        ended = live.ended(*bookings)
    if not off:
        assert sorted(row["state"] for row in ended) == ["CANCELLED", "CONFIRMED"]
        all_holds(live)
        return
    assert [row["state"] for row in ended] == ["CONFIRMED", "CONFIRMED"]
    assert names(live, "no_seat_sold_twice", bookings[0])
    assert invariant(live, "no_seat_sold_twice")["evidence"][0]["seat"] == f"concert-2024/{seat}"
    owner = live.rows(
        "seats", "select booking_id::text from seats_seat where label = %s and booking_id is not null", seat
    )
    (other,) = set(bookings) - {owner[0][0]}
    cancel(live, other)
    live.ended(other)
    wait_until(lambda: live.booking(other)["state"] == "CANCELLED", 30, "the other booking to be cancelled")
    all_holds(live)


def _of_two(bookings: set[str]) -> set[str]:
    return bookings if len(bookings) == 2 else set()


@ON_AND_OFF
def test_idempotency_key(live: Live, redis: Redis, off: bool) -> None:
    """A double click: one request, sent twice."""
    all_holds(live)
    seats = iter(live.free_seats(20))

    def double_click() -> set[str]:
        body = {"performance": "concert-2024", "seats": [next(seats)], "customer": 123, "payment_method": "tok_visa"}
        key = {"Idempotency-Key": str(uuid.uuid4())}
        bookings = {live.http.post("/api/bookings", json=body, headers=key).json()["id"] for _ in range(2)}
        live.ended(*bookings)
        return bookings

    with switched(redis, Mechanism.IDEMPOTENCY_KEY, off):
        # Booking's API looks at the switch twice a second, so the first clicks may still find it on.
        bookings = wait_until(lambda: _of_two(double_click()), 10, "two bookings of one key") if off else double_click()
    assert len(bookings) == (2 if off else 1)
    if not off:
        all_holds(live)
        return
    wait_until(lambda: all(names(live, "one_charge_per_booking", one) for one in bookings), 20, "both to be named")
    execute(live, "booking", "delete from booking_idempotencykey where key like '% %'")
    all_holds(live)


@ON_AND_OFF
def test_sequence_check(live: Live, redis: Redis, off: bool) -> None:
    """The bus delivers a booking's first event once more, long after its last."""
    booking = live.place(live.free_seats(1), "concert-2024")
    live.ended(booking)
    all_holds(live)
    events: Any = redis.xrange("events.booking")
    raw = next(fields[b"e"] for _, fields in events if json.loads(fields[b"e"])["subject"] == booking)
    taken = "select sum(applied)::int from projections_checkpoint where view = 'bookings' and source = 'booking'"
    before = live.rows("projections", taken)[0][0]
    with switched(redis, Mechanism.SEQUENCE_CHECK, off):
        redis.xadd("events.booking", {"e": raw})
        wait_until(lambda: live.rows("projections", taken)[0][0] > before, 20, "the view to take the event")
        if not off:
            all_holds(live)
            return
        wait_until(lambda: names(live, "views_equal_truth", booking), 20, "the auditor to name the view's row")
    assert live.command("rebuild").returncode == 0  # each view that has taken the event
    all_holds(live)


@ON_AND_OFF
def test_barrier(live: Live, redis: Redis, off: bool) -> None:
    """TakePayment is late: the customer has cancelled, and the compensation has come first."""
    all_holds(live)
    live.sandbox.stop_process("worker-payments")
    with switched(redis, Mechanism.BARRIER, off):
        try:
            booking = live.place(live.free_seats(1), "concert-2024")
            wait_until(lambda: queued(redis, "TakePayment"), 20, "TakePayment to be queued")
            late = queued(redis, "TakePayment")
            cancel(live, booking)
            for message in late:  # the bus keeps it back, and whatever else would hold the queue up
                redis.lrem("payments", 0, message)  # type: ignore[arg-type]
            wait_until(lambda: queued(redis, "RefundPayment"), 20, "RefundPayment to be queued")
            for message in queued(redis, "TakePayment"):
                redis.lrem("payments", 0, message)  # type: ignore[arg-type]
        finally:
            live.sandbox.start_process("worker-payments")
        assert live.ended(booking)[0]["state"] == "CANCELLED"
        redis.lpush("payments", late[0])
        if not off:
            fenced = "select count(*) from payments_outbox where type = 'TakePaymentReply' and correlation_id = %s"
            wait_until(lambda: live.rows("payments", fenced, booking)[0][0] > 0, 20, "the late command to be answered")
            all_holds(live)
            return
        wait_until(lambda: names(live, "paid_iff_ticketed", booking), 20, "the auditor to name the late payment")
    late_payment = f"delete from payments_payment where booking_id = '{booking}'"
    its_event = f"delete from payments_outbox where kind = 'event' and correlation_id = '{booking}'"
    execute(live, "payments", late_payment, its_event)  # as if it had never been
    assert live.command("rebuild").returncode == 0  # all the views were told of it
    all_holds(live)


@ON_AND_OFF
def test_outbox(live: Live, redis: Redis, off: bool) -> None:
    """Payment's worker dies after its commit, before anybody has been told. The mechanism is off for that one transaction."""
    all_holds(live)
    arm(live, "bus", "delay", service="booking", message="TakePayment", seconds=1.5)
    killed = arm(live, "transaction.committed", "crash", service="payments", message="TakePayment")
    booking = live.place(live.free_seats(1), "concert-2024")
    paying = "select state = 'PAYING' from booking_booking where id = %s"
    wait_until(lambda: live.rows("booking", paying, booking)[0][0], 20, "TakePayment to be on its way")
    with switched(redis, Mechanism.OUTBOX, off):
        wait_until(lambda: fired(live, killed), 20, "the worker to be killed")
    assert live.ended(booking)[0]["state"] == "CONFIRMED"  # the barrier has kept the reply; nobody has kept the event
    if off:
        wait_until(lambda: names(live, "views_equal_truth", booking), 20, "the auditor to name the view's row")
        execute(live, "payments", _LOST_EVENT.format(booking=booking))
    all_holds(live)
    live.http.delete("/api/faults")


_LOST_EVENT = """
    insert into payments_outbox (kind, type, destination, subject, correlation_id, step, action, version, data)
    select 'event', 'PaymentCompleted', '', id::text, booking_id::text, '', '', version, jsonb_build_object('id', id,
        'booking_id', booking_id, 'customer_id', customer_id, 'amount', amount, 'currency', currency, 'status', status,
        'reason', reason, 'refund', null)
    from payments_payment where booking_id = '{booking}'
"""


def queued(redis: Redis, command: str) -> list[bytes]:
    """The messages in Payment's queue that carry this command."""
    messages: list[Any] = redis.lrange("payments", 0, -1)
    return [one for one in messages if f'"{command}"'.encode() in base64.b64decode(json.loads(one)["body"])]


def cancel(live: Live, booking: str) -> None:
    key = {"Idempotency-Key": str(uuid.uuid4())}
    answer = live.http.post(f"/api/bookings/{booking}/cancel", json={"customer": 123}, headers=key)
    assert answer.status_code == 202, answer.text

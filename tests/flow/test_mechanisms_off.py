"""What each safety mechanism is there for: with it on a nasty moment passes, with it off the auditor names what went wrong."""

import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis

import faults
from booking.placing.switches import EVERY_S
from faults import Mechanism
from proofs.house import House
from proofs.safeties.ground import Ground
from proofs.safeties.trial import play
from tests.flow.test_verdict import execute, invariant, verdict
from tests.live import ROOT, Live
from tests.waiting import wait_until
from topology.processes import BY_NAME

pytestmark = pytest.mark.timeout(240)


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


# How what broke is put right again, by SQL or as a person would.


def no_late_payment(live: Live, bookings: list[str]) -> None:
    """As if it had never been."""
    payment = f"delete from payments_payment where booking_id = '{bookings[0]}'"
    event = f"delete from payments_outbox where kind = 'event' and correlation_id = '{bookings[0]}'"
    execute(live, "payments", payment, event)
    assert live.command("rebuild").returncode == 0  # all the views have read of it


def one_buyer(live: Live, bookings: list[str]) -> None:
    """The other one is cancelled."""
    (evidence, *_) = invariant(live, "no_seat_sold_twice")["evidence"]
    performance, _, label = evidence["seat"].partition("/")
    owner = "select booking_id::text from seats_seat where performance_id = %s and label = %s"
    (other,) = set(bookings) - {live.rows("seats", owner, performance, label)[0][0]}
    key = {"Idempotency-Key": str(uuid.uuid4())}
    answer = live.http.post(f"/api/bookings/{other}/cancel", json={"customer": 123}, headers=key)
    assert answer.status_code == 202, answer.text
    wait_until(lambda: live.booking(other)["state"] == "CANCELLED", 30, "the other booking to be cancelled")


def views_again(live: Live, bookings: list[str]) -> None:
    assert live.command("rebuild").returncode == 0


def event_again(live: Live, bookings: list[str]) -> None:
    execute(live, "payments", _LOST_EVENT.format(booking=bookings[0]))


_LOST_EVENT = """
    insert into payments_outbox (kind, type, destination, subject, correlation_id, step, action, version, data)
    select 'event', 'PaymentCompleted', '', id::text, booking_id::text, '', '', version, jsonb_build_object('id', id,
        'booking_id', booking_id, 'customer_id', customer_id, 'amount', amount, 'currency', currency, 'status', status,
        'reason', reason, 'refund', null)
    from payments_payment where booking_id = '{booking}'
"""


def no_second_key(live: Live, bookings: list[str]) -> None:
    execute(live, "booking", "delete from booking_idempotencykey where key like '% %'")


REPAIRS: dict[Mechanism, Callable[[Live, list[str]], None]] = {
    Mechanism.BARRIER: no_late_payment,
    Mechanism.CONDITIONAL_SEAT_WRITE: one_buyer,
    Mechanism.SEQUENCE_CHECK: views_again,
    Mechanism.OUTBOX: event_again,
    Mechanism.IDEMPOTENCY_KEY: no_second_key,
}
STATES = {  # how the bookings end that were used: with the mechanism on, and with it off
    Mechanism.BARRIER: (["CANCELLED"], ["CANCELLED"]),
    Mechanism.CONDITIONAL_SEAT_WRITE: (["CANCELLED", "CONFIRMED"], ["CONFIRMED", "CONFIRMED"]),
    Mechanism.SEQUENCE_CHECK: (["CONFIRMED"], None),  # the view's row is what is wrong
    Mechanism.OUTBOX: (["CONFIRMED"], ["CONFIRMED"]),
    Mechanism.IDEMPOTENCY_KEY: (["CONFIRMED"], ["CANCELLED", "CONFIRMED"]),  # the second finds the seat taken
}


@pytest.mark.parametrize("off", [False, True], ids=["on", "off"])
@pytest.mark.parametrize("mechanism", Mechanism)
def test_a_mechanism_prevents_what_its_trial_brings_about(
    live: Live, redis: Redis, mechanism: Mechanism, off: bool
) -> None:
    all_holds(live)
    house = House(live.url)
    try:
        with switched(redis, mechanism, off):
            since = time.monotonic()
            wait_until(lambda: house.switches()[mechanism] is not off, 10, "the switch")
            wait_until(lambda: time.monotonic() > since + EVERY_S, 5, "Booking's API to look at the switches again")
            found = play(Ground(live.sandbox.layout, house, print), mechanism, lambda found: None)
    finally:
        house.close()
        live.http.delete("/api/faults")
    assert (found["on"], found["outcome"]) == ((False, "broke") if off else (True, "held"))
    expected = STATES[mechanism][off]
    if expected is not None:
        assert sorted(row["state"] for row in live.ended(*found["bookings"])) == expected
    if off:
        assert all(names(live, found["invariant"], one) for one in found["bookings"])
        REPAIRS[mechanism](live, found["bookings"])
    all_holds(live)

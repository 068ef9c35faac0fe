"""What each safety mechanism is there for, as a play: the moment that goes wrong without it, brought about on purpose.

The same play with the mechanism on is its own control: then nothing breaks. A play changes no switch.
"""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from faults import Mechanism
from proofs import running
from proofs.safeties.ground import CUSTOMER, Ground


@dataclass(frozen=True)
class Play:
    """`perform` returns the bookings that it used, of which the auditor names at least one if `invariant` breaks."""

    mechanism: Mechanism
    invariant: str
    perform: Callable[[Ground], list[str]]


def late_command(ground: Ground) -> list[str]:
    """A booking is cancelled while its TakePayment is held on the way: the command arrives after its compensation."""
    performance, seat = ground.free_seat()
    ground.say(f"TakePayment for {seat} is held on its way")
    hold = {"point": "relay.before_publish", "action": "hold", "service": "booking", "message": "TakePayment"}
    with ground.armed(**hold, seat=seat) as held:
        booking = ground.place(performance, seat)
        ground.until(lambda: ground.house.fault(held).get("held"), "TakePayment to be held")
        ground.say("meanwhile the booking is cancelled")
        ground.house.cancel(booking, CUSTOMER)
        ground.until_ended(booking)
        ground.say("and now TakePayment arrives")
        ground.house.resume(held)
    answered = "select count(*) from payments_outbox where type = 'TakePaymentReply' and correlation_id = %s"
    ground.until(lambda: ground.rows("payments", answered, booking)[0][0], "Payment to answer the late command")
    return [booking]


def two_buyers(ground: Ground) -> list[str]:
    """Two workers of Seat look at one free seat at the same time. A lock keeps both from writing until both have looked."""
    performance, seat = ground.free_seat()
    ground.say("a second worker of Seat starts")
    worker = running.another_worker(ground.layout, "seats", "seats-trial")
    waiting = "select count(distinct pid) from pg_locks where not granted"
    bookings: list[str] = []
    try:
        with ground.transaction("seats") as lock:
            of = "select 1 from seats_seat where performance_id = %s and label = %s for update"
            lock.execute(of, [performance, seat])
            for number in (1, 2):
                ground.say(f"buyer {number} wants {seat}; its row is locked, so nobody has written yet")
                bookings.append(ground.place(performance, seat))
                ground.until(
                    lambda n=number: ground.rows("seats", waiting)[0][0] >= n,  # type: ignore[misc]
                    f"worker {number} to wait for the row",
                )
        ground.say("the lock ends: both may write")
        ground.until_ended(*bookings)
    finally:
        worker.terminate()
        worker.wait(30)
    return bookings


def old_event(ground: Ground) -> list[str]:
    """The bus delivers a booking's first event once more, after its last."""
    performance, seat = ground.free_seat()
    ground.say(f"{seat} is booked")
    booking = ground.place(performance, seat)
    ground.until_ended(booking)
    taken = "select sum(applied)::int from projections_checkpoint where view = 'bookings' and source = 'booking'"
    before = ground.rows("projections", taken)[0][0]
    with ground.redis() as redis:
        found: Any = redis.xrevrange("events.booking")
        events = [fields[b"e"] for _, fields in found if json.loads(fields[b"e"])["subject"] == booking]
        ground.say("its first event comes once more")
        redis.xadd("events.booking", {"e": events[-1]})
    ground.until(lambda: ground.rows("projections", taken)[0][0] > before, "the view to take the event")
    return [booking]


def lost_event(ground: Ground) -> list[str]:
    """Payment's worker dies after its commit, before anything has been published."""
    performance, seat = ground.free_seat()
    ground.say(f"Payment's worker is to be killed after it has committed the payment for {seat}")
    crash = {"point": "transaction.committed", "action": "crash", "service": "payments", "message": "TakePayment"}
    with ground.armed(**crash, seat=seat) as killed:
        booking = ground.place(performance, seat)
        ground.until(lambda: ground.house.fault(killed).get("fired"), "the worker to be killed")
        ground.say("killed; the command is sent again, and Payment answers it with what it has stored")
        ground.until_ended(booking)
    return [booking]


def double_click(ground: Ground) -> list[str]:
    """One request, sent twice."""
    performance, seat = ground.free_seat()
    ground.say(f"the request for {seat} is sent twice")
    key = str(uuid.uuid4())
    bookings = [ground.place(performance, seat, key) for _ in range(2)]
    ground.until_ended(*bookings)
    return list(dict.fromkeys(bookings))


PLAYS = {
    play.mechanism: play
    for play in (
        Play(Mechanism.BARRIER, "paid_iff_ticketed", late_command),
        Play(Mechanism.CONDITIONAL_SEAT_WRITE, "no_seat_sold_twice", two_buyers),
        Play(Mechanism.SEQUENCE_CHECK, "views_equal_truth", old_event),
        Play(Mechanism.OUTBOX, "views_equal_truth", lost_event),
        Play(Mechanism.IDEMPOTENCY_KEY, "one_charge_per_booking", double_click),
    )
}

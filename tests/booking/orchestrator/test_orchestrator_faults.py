"""Faults at the orchestrator's transition: nothing half-written; and a held saga's clock stands still."""

import threading
from typing import Any

import pytest
from django.db import connections
from redis import Redis

import faults
from booking.commands import handle
from booking.models import Booking, DeadLetter, Saga
from booking.watchdog import patrol
from faults import Fault
from messaging.database import Database
from tests.booking.test_watchdog import QUIET, time_passes
from tests.booking.world import commands, events, place, reply, start
from tests.faults.told import told
from tests.waiting import wait_until

pytestmark = [pytest.mark.django_db(databases=["booking"], transaction=True), pytest.mark.usefixtures("shop", "redis")]
POINTS = ("orchestrator.before", "orchestrator.after")


def arm(redis: Redis, point: str, action: str, **more: Any) -> Fault:
    return faults.arm(redis, faults.parse({"point": point, "action": action, "service": "booking", **more}))


@pytest.mark.parametrize("point", POINTS)
def test_a_transition_that_fails_leaves_nothing_and_is_made_again(redis: Redis, point: str) -> None:
    first, second = place(2)
    fault = arm(redis, point, "error", booking=str(first.id))
    handle([start(first), start(second)])
    assert (commands(first), commands(second)) == ([], ["ReserveSeats"])
    assert list(Saga.objects.values_list("booking_id", flat=True)) == [second.id]
    assert DeadLetter.objects.get().booking_id == str(first.id)
    handle([start(first)])
    assert commands(first) == ["ReserveSeats"]
    assert [one["data"]["fault"] for one in told(redis)] == [fault.id]


@pytest.mark.parametrize("point", POINTS)
def test_a_held_transition_shows_its_half_way_tables_and_goes_on(redis: Redis, point: str) -> None:
    (booking,) = place()
    handle([start(booking)])
    fault = arm(redis, point, "hold", message="ReserveSeatsReply")

    def work() -> None:
        try:
            handle([reply(booking, "ReserveSeats")])
        finally:
            connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    (held,) = wait_until(lambda: faults.held(redis), 10, "the hold")
    assert (held.point, held.booking) == (point, str(booking.id))
    assert Booking.objects.get().state == "RESERVING"
    faults.release(redis, fault.id)
    thread.join(20)
    assert [state for _, state, _ in events(booking)][-1] == "PAYING"
    assert commands() == ["ReserveSeats", "TakePayment"]


def test_the_clock_of_a_held_saga_stands_still(redis: Redis) -> None:
    held, other, unstarted = place(3)
    handle([start(held), start(other)])
    time_passes()
    assert patrol(Database("booking"), QUIET, {str(held.id), str(unstarted.id)}) == 1
    assert patrol(Database("booking"), QUIET) == 2

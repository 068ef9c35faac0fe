"""Two buyers, two connections, one seat. First what the lock prevents, then that it does."""

import threading

import pytest
from django.db import connections, transaction
from redis import Redis

from faults import Mechanism, switch
from seats.commands import handle
from seats.models import Hold, Outbox, Seat
from tests.messages import replies
from tests.seats.test_reserving import reserve
from tests.waiting import wait_until

pytestmark = [
    pytest.mark.django_db(databases=["seats"], transaction=True),
    pytest.mark.usefixtures("redis", "performance"),
]


def race_for(label: str) -> None:
    """The first buyer has written and not committed when the second comes; she commits once the second waits for her."""
    second = threading.Thread(target=_buy, args=(label,))
    with transaction.atomic(using="seats"):
        handle([reserve(label)])
        second.start()
        wait_until(_somebody_waits, 10, "the second buyer to wait for the first")
    second.join(10)
    assert not second.is_alive()


def _buy(label: str) -> None:
    try:
        handle([reserve(label)])
    finally:
        connections["seats"].close()


def _somebody_waits() -> bool:
    with connections["seats"].cursor() as cursor:
        cursor.execute("select exists (select from pg_locks where not granted)")
        return cursor.fetchone()[0]


def test_exactly_one_of_two_buyers_gets_the_seat() -> None:
    race_for("A-1")
    assert replies(Outbox) == [("succeeded", ""), ("refused", "seat_taken")]
    assert str(Seat.objects.get(label="A-1").booking_id) == str(Hold.objects.get().pk)


def test_control_without_the_conditional_write_the_seat_is_sold_twice(redis: Redis) -> None:
    switch(redis, Mechanism.CONDITIONAL_SEAT_WRITE, off=True)
    race_for("A-1")
    assert replies(Outbox) == [("succeeded", ""), ("succeeded", "")]
    assert Hold.objects.count() == 2


def test_many_buyers_in_many_batches_never_share_a_seat() -> None:
    """Overlapping pairs of seats from four connections at once: every seat has at most one hold, and no batch is lost."""
    pairs = [(f"B-{number}", f"B-{number + 1}") for number in range(1, 40)]
    batches = [[reserve(*pair) for pair in pairs[start::4]] for start in range(4)]
    buyers = [threading.Thread(target=_buy_all, args=(batch,)) for batch in batches]
    for buyer in buyers:
        buyer.start()
    for buyer in buyers:
        buyer.join(30)
    events = Outbox.objects.filter(type="SeatsReserved")
    sold = [seat["label"] for event in events for seat in event.data["seats"]]
    assert len(sold) == len(set(sold)) == Seat.objects.filter(status="RESERVED").count()
    assert len(replies(Outbox)) == len(pairs)


def _buy_all(batch: list[dict]) -> None:
    try:
        handle(batch)
    finally:
        connections["seats"].close()

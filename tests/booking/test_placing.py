"""Placing bookings: one transaction a batch, idempotency keys, and nothing left of what is refused."""

import threading

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from booking import services
from booking.models import Booking, IdempotencyKey, Outbox
from booking.services import REUSED, PlaceBooking, Placed, Refused, Result
from tests.booking.world import request

pytestmark = [pytest.mark.django_db(databases=["booking"]), pytest.mark.usefixtures("shop")]


def placed(wanted: PlaceBooking) -> Placed:
    (result,) = services.place([wanted])
    assert isinstance(result, Placed)
    return result


def test_booking_event_and_command_are_written_together() -> None:
    result = placed(request("A-15", "A-16"))
    booking = Booking.objects.get()
    assert (str(booking.id), booking.state, booking.seats) == (result.id, "PENDING", ["A-15", "A-16"])
    event, command = Outbox.objects.filter(correlation_id=result.id).order_by("seq")
    assert (event.kind, event.type, event.version) == ("event", "BookingPlaced", 1)
    assert (command.kind, command.type, command.destination) == ("command", "BookTickets", "booking")
    assert event.saga_id == command.saga_id == booking.saga_id


def test_same_key_gives_the_same_booking() -> None:
    wanted = request("A-15", "A-16")
    first = placed(wanted)
    Booking.objects.update(state="CONFIRMED")
    again = placed(wanted)
    assert (again.id, again.state, again.new) == (first.id, "CONFIRMED", False)
    assert placed(request("A-16", "A-15", key=wanted.key)).id == first.id  # the order of the seats says nothing
    assert Booking.objects.count() == 1


def test_same_key_still_gives_the_booking_when_the_performance_is_gone() -> None:
    wanted = request()
    first = placed(wanted)
    with connections["booking"].cursor() as cursor:
        cursor.execute("delete from booking_performancereplica")
    assert placed(wanted).id == first.id


def test_same_key_with_another_body_is_refused() -> None:
    wanted = request("A-15")
    placed(wanted)
    assert services.place([request("A-16", key=wanted.key)]) == [REUSED]
    assert Booking.objects.count() == 1


def test_same_key_twice_in_one_batch() -> None:
    wanted = request("A-15")
    first, again, other = services.place([wanted, request("A-15", key=wanted.key), request("A-16", key=wanted.key)])
    assert isinstance(first, Placed)
    assert isinstance(again, Placed)
    assert (first.id, first.new, again.new, other) == (again.id, True, False, REUSED)
    assert Booking.objects.count() == 1


@pytest.mark.parametrize("count", [1, 40])
def test_a_batch_takes_a_fixed_number_of_statements(count: int) -> None:
    with CaptureQueriesContext(connections["booking"]) as queries:
        results = services.place([request(f"A-{number}") for number in range(1, count + 1)])
    assert [type(result) for result in results] == [Placed] * count
    assert len([query for query in queries if "SAVEPOINT" not in query["sql"]]) == 3


def test_refused_requests_leave_nothing_and_harm_no_other() -> None:
    results = services.place(
        [request("A-1"), request("Z-9"), request(customer=7), request(performance="concert-1999"), request("A-2")]
    )
    assert [result.title if isinstance(result, Refused) else "placed" for result in results] == [
        "placed", "Unknown seat", "Unknown customer", "Unknown performance", "placed",
    ]  # fmt: skip
    assert (Booking.objects.count(), IdempotencyKey.objects.count()) == (2, 2)


@pytest.mark.django_db(databases=["booking"], transaction=True)
def test_two_threads_with_the_same_keys_place_each_booking_once() -> None:
    keys = [f"key-{number}" for number in range(20)]
    barrier = threading.Barrier(2)
    found: dict[int, list[Result]] = {}

    def run(thread: int) -> None:
        try:
            ordered = keys if thread else keys[::-1]
            for start in range(0, 20, 5):
                barrier.wait(timeout=10)
                wanted = [request(f"A-{keys.index(key) + 1}", key=key) for key in ordered]
                found.setdefault(thread, []).extend(services.place(wanted[: start + 5]))
        finally:
            connections["booking"].close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    results = [result for results in found.values() for result in results]
    assert len(results) == 100
    assert all(isinstance(result, Placed) for result in results)
    assert Booking.objects.count() == 20
    assert sum(isinstance(result, Placed) and result.new for result in results) == 20
    assert Outbox.objects.filter(type="BookTickets").count() == 20

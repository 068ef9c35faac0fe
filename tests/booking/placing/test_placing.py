"""Placing bookings: one transaction a batch, idempotency keys, and nothing left of what is refused."""

import threading
from dataclasses import replace

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from booking.cancelling import Cancellation
from booking.customers.renaming import Renaming
from booking.models import Booking, IdempotencyKey, Outbox, PerformanceReplica
from booking.placing import transaction
from booking.placing.transaction import PRICES_UNKNOWN, REUSED, PlaceBooking, Placed, Price, Refused, Result
from messaging.database import Database
from tests.booking.world import request

pytestmark = [pytest.mark.django_db(databases=["booking"]), pytest.mark.usefixtures("shop")]


def placed(wanted: PlaceBooking) -> Placed:
    (result,) = transaction.place(Database("booking"), [wanted])
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
    assert transaction.place(Database("booking"), [request("A-16", key=wanted.key)]) == [REUSED]
    assert Booking.objects.count() == 1


def test_same_key_twice_in_one_batch() -> None:
    wanted = request("A-15")
    first, again, other = transaction.place(
        Database("booking"), [wanted, request("A-15", key=wanted.key), request("A-16", key=wanted.key)]
    )
    assert isinstance(first, Placed)
    assert isinstance(again, Placed)
    assert (first.id, first.new, again.new, other) == (again.id, True, False, REUSED)
    assert Booking.objects.count() == 1


@pytest.mark.parametrize("count", [1, 40])
def test_a_batch_takes_a_fixed_number_of_statements(count: int) -> None:
    with CaptureQueriesContext(connections["booking"]) as queries:
        seen = Price(150_000, "KRW")
        results = transaction.place(
            Database("booking"), [request(f"A-{number}", seen=seen) for number in range(1, count + 1)]
        )
    assert [type(result) for result in results] == [Placed] * count
    assert len([query for query in queries if "SAVEPOINT" not in query["sql"]]) == 3


def test_refused_requests_leave_nothing_and_harm_no_other() -> None:
    results = transaction.place(
        Database("booking"),
        [request("A-1"), request("Z-9"), request(customer=7), request(performance="concert-1999"), request("A-2")],
    )
    assert [result.title if isinstance(result, Refused) else "placed" for result in results] == [
        "placed", "Unknown seat", "Unknown customer", "Unknown performance", "placed",
    ]  # fmt: skip
    assert (Booking.objects.count(), IdempotencyKey.objects.count()) == (2, 2)


SEEN = Price(300_000, "KRW")


def test_nothing_is_booked_at_another_price_than_was_seen() -> None:
    cheaper, foreign, right, free = transaction.place(
        Database("booking"),
        [
            request("A-1", "A-2", seen=Price(4_500, "EUR")),
            request("A-3", "A-4", seen=Price(300_000, "EUR")),
            request("A-5", "A-6", seen=SEEN),
            request("A-7", seen=Price(0, "KRW")),
        ],
    )
    assert isinstance(right, Placed)
    for refused, price in ((cheaper, SEEN), (foreign, SEEN), (free, Price(150_000, "KRW"))):
        assert isinstance(refused, Refused)
        assert (refused.title, refused.price) == ("The price has changed", price)
    assert (Booking.objects.count(), IdempotencyKey.objects.count()) == (1, 1)


def test_each_seat_has_its_own_price() -> None:
    PerformanceReplica.objects.filter(id="concert-2030").update(prices=list(range(1, 401)))
    one, other = transaction.place(
        Database("booking"),
        [request("A-400", "A-2", seen=Price(402, "KRW")), request("A-7", "A-1", seen=Price(402, "KRW"))],
    )
    assert isinstance(one, Placed)
    assert isinstance(other, Refused)
    assert other.price == Price(8, "KRW")


def test_a_key_still_gives_its_booking_when_the_price_has_changed_since() -> None:
    wanted = request(seen=Price(150_000, "KRW"))
    first = placed(wanted)
    PerformanceReplica.objects.update(prices=[1] * 400)
    assert placed(wanted).id == first.id


def test_a_key_whose_price_was_refused_may_be_used_with_the_right_one() -> None:
    transaction.place(Database("booking"), [request(key="key", seen=Price(1, "KRW"))])
    assert placed(request(key="key", seen=Price(150_000, "KRW"))).new


@pytest.mark.parametrize("seen", [None, Price(1, "KRW")])
def test_who_saw_something_else_asks_for_something_else(seen: Price | None) -> None:
    placed(request(key="key", seen=Price(150_000, "KRW")))
    assert transaction.place(Database("booking"), [request(key="key", seen=seen)]) == [REUSED]


def test_a_key_from_before_prices_could_be_named_has_the_fingerprint_it_had() -> None:
    known = "fb54975fa57c54b702e9e9e3412f1042b0099a6b2513551a756d85682bd682cf"
    assert request("A-2", "A-1").fingerprint() == known


def test_while_the_prices_are_not_known_a_price_can_be_neither_right_nor_wrong() -> None:
    PerformanceReplica.objects.update(prices=[], currency="")
    named, left_out = transaction.place(
        Database("booking"), [request("A-1", seen=Price(150_000, "KRW")), request("A-2")]
    )
    assert named == PRICES_UNKNOWN
    assert isinstance(left_out, Placed)


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
                found.setdefault(thread, []).extend(transaction.place(Database("booking"), wanted[: start + 5]))
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


def test_digests_are_those_that_older_versions_have_kept() -> None:
    """Or a request that comes again after an upgrade would be refused, its key being another's."""
    asked = PlaceBooking(
        key="k", customer=123, performance="concert-2024", seats=("A-2", "A-1"), payment_method="tok_visa"
    )
    cancel = Cancellation(key="k", booking="01a224df-1736-7051-bc4d-f164bddc5d1b", customer=123)
    digests = (asked, replace(asked, seen=Price(5, "KRW")), cancel, Renaming(key="k", customer=123, name="Mina"))
    assert [one.fingerprint() for one in digests] == [
        "c6b935020100f08479810d5b369e1bdb5c9a629b6f87d38755cae1366fb2b7aa",
        "0635118ee5cd9fb17b51d38853b760a318b8f04c3c7ac20d8b644a93ea9c9bf2",
        "afecf2c49b9ae89eab186accf216998cb4e37ee3679a1d8782586c8a204f0e0e",
        "f3a77035941683864049ed71bcacc0260bb935fc478c7e03e31f5c3b5ccbe497",
    ]

"""Reserving, releasing and selling seats through the service's front gate: a batch of envelopes."""

import pytest

from faults import Fault, Mechanism, Point, arm, switch
from faults.points import Action
from seats.commands import handle
from seats.contract import ConfirmSeats, ReleaseSeats, ReserveSeats
from seats.models import Barrier, DeadLetter, Hold, Outbox, Seat
from tests.messages import command, new_id, replies, sent

pytestmark = [pytest.mark.django_db(databases=["seats"]), pytest.mark.usefixtures("redis", "performance")]


def reserve(*labels: str, booking: str = "", performance: str = "concert", saga: str = "") -> dict:
    body = ReserveSeats(booking_id=booking or new_id(), performance_id=performance, seats=list(labels))
    return command(body, saga=saga)


def holder(label: str) -> tuple[str, str | None]:
    seat = Seat.objects.get(performance="concert", label=label)
    return seat.status, str(seat.booking_id) if seat.booking_id else None


def test_bookings_in_one_batch_get_all_their_seats_or_none_in_arrival_order() -> None:
    first, second, third = new_id(), new_id(), new_id()
    handle(
        [
            reserve("A-1", "A-2", booking=first),
            reserve("A-2", "A-3", booking=second),
            reserve("A-3", "A-4", booking=third),
        ]
    )
    assert replies(Outbox) == [("succeeded", ""), ("refused", "seat_taken"), ("succeeded", "")]
    assert [holder(f"A-{number}") for number in (1, 2, 3, 4)] == [
        ("RESERVED", first), ("RESERVED", first), ("RESERVED", third), ("RESERVED", third),
    ]  # fmt: skip
    assert not Hold.objects.filter(pk=second).exists()


def test_the_reply_tells_the_amount_and_the_event_the_whole_state() -> None:
    booking = new_id()
    handle([reserve("A-15", "A-16", booking=booking)])
    assert sent(Outbox, "reply")[0].data == {"status": "succeeded", "reason": "", "amount": 300_000, "currency": "KRW"}
    event = sent(Outbox, "event")[-1]
    assert (event.type, event.subject, event.version) == ("SeatsReserved", booking, 1)
    assert [(seat["label"], seat["status"], seat["version"]) for seat in event.data["seats"]] == [
        ("A-15", "RESERVED", 2), ("A-16", "RESERVED", 2),
    ]  # fmt: skip
    assert event.data["status"] == "HELD"
    assert event.data["performance_id"] == "concert"


@pytest.mark.parametrize(("labels", "night"), [(["A-1", "Z-99"], "concert"), (["A-1"], "no-such-night")])
def test_an_unknown_seat_is_refused_and_nothing_is_held(labels: list[str], night: str) -> None:
    handle([reserve(*labels, performance=night)])
    assert replies(Outbox) == [("refused", "unknown_seat")]
    assert holder("A-1") == ("AVAILABLE", None)
    assert not Hold.objects.exists()


def test_a_seat_of_an_earlier_booking_is_taken() -> None:
    handle([reserve("A-1")])
    handle([reserve("A-1", "A-2")])
    assert replies(Outbox) == [("succeeded", ""), ("refused", "seat_taken")]
    assert holder("A-2") == ("AVAILABLE", None)


def test_released_seats_are_free_again_and_say_so() -> None:
    booking, saga = new_id(), new_id()
    handle([reserve("A-1", "A-2", booking=booking, saga=saga)])
    handle([command(ReleaseSeats(booking_id=booking), saga=saga)])
    assert holder("A-1") == ("AVAILABLE", None)
    event = sent(Outbox, "event")[-1]
    assert (event.type, event.version, event.data["status"]) == ("SeatsReleased", 2, "RELEASED")
    assert [(seat["booking_id"], seat["version"]) for seat in event.data["seats"]] == [(None, 3), (None, 3)]
    assert Hold.objects.get(pk=booking).status == "RELEASED"


def test_releasing_frees_only_what_is_reserved_by_that_booking() -> None:
    mine, saga, other = new_id(), new_id(), new_id()
    handle([reserve("A-1", booking=mine, saga=saga), reserve("A-2", booking=other)])
    handle([command(ConfirmSeats(booking_id=mine))])
    handle([command(ReleaseSeats(booking_id=mine), saga=saga)])
    assert holder("A-1") == ("SOLD", mine)
    assert holder("A-2") == ("RESERVED", other)


def test_confirming_sells_and_confirming_again_changes_nothing() -> None:
    booking = new_id()
    handle([reserve("A-1", booking=booking)])
    handle([command(ConfirmSeats(booking_id=booking))])
    handle([command(ConfirmSeats(booking_id=booking))])  # of another saga, so it is no duplicate for the barrier
    assert holder("A-1") == ("SOLD", booking)
    assert Seat.objects.get(label="A-1").version == 3
    assert [row.type for row in sent(Outbox, "event")[1:]] == ["SeatsReserved", "SeatsSold"]


def test_there_is_nothing_to_sell_without_a_hold() -> None:
    handle([command(ConfirmSeats(booking_id=new_id()))])
    assert "holds no seats to sell" in DeadLetter.objects.get().attempts[0]["error"]
    assert not Barrier.objects.exists()


def test_an_armed_refusal_is_the_answer(redis) -> None:
    fault = Fault(
        point=Point.ANSWER, action=Action.REFUSE, service="seats", message="ReserveSeats", reason="seat_taken"
    )
    arm(redis, fault)
    handle([reserve("A-1")])
    handle([reserve("A-1")])
    assert replies(Outbox) == [("refused", "seat_taken"), ("succeeded", "")]


def test_the_same_command_twice_reserves_once_and_gives_the_same_reply() -> None:
    envelope = reserve("A-1")
    handle([envelope])
    handle([envelope])
    handle([envelope, envelope])
    assert len(sent(Outbox, "event")) == 2  # the performance and one reservation
    assert replies(Outbox) == [("succeeded", "")] * 3
    assert len({row.id for row in sent(Outbox, "reply")}) == 1


def test_control_without_the_barrier_a_booking_is_refused_the_seat_it_holds(redis) -> None:
    switch(redis, Mechanism.BARRIER, off=True)
    envelope = reserve("A-1")
    handle([envelope])
    handle([envelope])
    assert replies(Outbox) == [("succeeded", ""), ("refused", "seat_taken")]


def test_a_release_before_its_reservation_fences_it() -> None:
    booking, saga = new_id(), new_id()
    handle([command(ReleaseSeats(booking_id=booking), saga=saga)])
    handle([reserve("A-1", booking=booking, saga=saga)])
    assert replies(Outbox) == [("succeeded", ""), ("refused", "fenced")]
    assert holder("A-1") == ("AVAILABLE", None)


def test_control_without_the_barrier_a_late_reservation_is_held_for_ever(redis) -> None:
    switch(redis, Mechanism.BARRIER, off=True)
    booking, saga = new_id(), new_id()
    handle([command(ReleaseSeats(booking_id=booking), saga=saga)])
    handle([reserve("A-1", booking=booking, saga=saga)])
    assert holder("A-1") == ("RESERVED", booking)


def _reservations(count: int) -> list[dict]:
    labels = [f"{row}-{number}" for row in "BCDEFGHIJ" for number in range(1, 41)]
    return [reserve(*labels[index * 2 : index * 2 + 2]) for index in range(count)]


@pytest.mark.usefixtures("no_letters")
@pytest.mark.parametrize("count", [1, 50])
def test_the_number_of_statements_does_not_depend_on_the_batch(count: int, django_assert_num_queries) -> None:
    batch = _reservations(count)
    bookings = [(envelope["correlationid"], envelope["sagaid"]) for envelope in batch]
    # savepoint, keys, seats locked, seats taken, holds, answers and outbox, release of the savepoint
    with django_assert_num_queries(7, using="seats"):
        handle(batch)
    # savepoint, keys, seats, holds, answers and outbox, release
    with django_assert_num_queries(6, using="seats"):
        handle([command(ConfirmSeats(booking_id=booking)) for booking, _ in bookings])
    # savepoint, forward keys (taken and found), keys, seats, holds, answers and outbox, release
    with django_assert_num_queries(8, using="seats"):
        handle([command(ReleaseSeats(booking_id=booking), saga=saga) for booking, saga in bookings])
    assert len(replies(Outbox)) == count * 3

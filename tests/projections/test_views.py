"""The views converge whatever the order, with duplicates; the control shows what the sequence check is there for."""

import uuid
from typing import Any

import pytest
from django.db import connections, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projections import queries, searching, snapshot, sums
from projections.database import PROJECTIONS
from projections.models import BookingView
from projections.views import VIEWS
from tests.projections.story import BOOKINGS, CONCERT, booking, hold, payment, rows, story

pytestmark = pytest.mark.django_db(databases=["projections"])


def project(*batches: list[dict[str, Any]], check: bool = True) -> None:
    for batch in batches:
        for view in VIEWS.values():
            view.write(
                PROJECTIONS, [event for event in batch if event["source"].strip("/") in view.sources], check=check
            )


def clear() -> None:
    for view in VIEWS.values():
        with connections["projections"].cursor() as cursor:
            for table in view.tables:
                cursor.execute(f"delete from {table.name}")


@st.composite
def arrivals(draw: st.DrawFn) -> list[list[dict[str, Any]]]:
    """The story in any order, some events twice, cut into batches anywhere."""
    events = story()
    again = draw(st.lists(st.sampled_from(events), max_size=len(events)))
    shuffled = draw(st.permutations(events + again))
    cuts = sorted(draw(st.sets(st.integers(1, len(shuffled) - 1), max_size=len(shuffled) - 1)))
    return [shuffled[start:end] for start, end in zip([0, *cuts], [*cuts, len(shuffled)], strict=True)]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arrivals())
def test_any_order_and_any_duplicates_give_the_same_rows(db: None, batches: list[list[dict[str, Any]]]) -> None:
    with transaction.atomic(using="projections"):
        clear()
        project(story())
        expected = rows()
        clear()
        project(*batches)
        assert rows() == expected


def test_a_row_names_the_events_that_its_last_write_applied() -> None:
    first = BOOKINGS[0]
    placed, held, paid = (
        booking(first, 1, "PENDING", at=1),
        hold(first, 1, "HELD", {"A-1": ("RESERVED", 2)}, at=2),
        payment(first, 1, "COMPLETED", at=3),
    )
    VIEWS["bookings"].write(PROJECTIONS, [placed])
    assert BookingView.objects.get(id=first).caused_by == [uuid.UUID(placed["id"])]
    VIEWS["bookings"].write(PROJECTIONS, [placed, held, paid])
    assert BookingView.objects.get(id=first).caused_by == [uuid.UUID(one["id"]) for one in (placed, held, paid)]


def test_a_part_of_the_views_has_the_rows_of_those_asked_for() -> None:
    """What the auditor reads of some bookings, seats and customers is what it would read of them among all."""
    project(story())
    whole = snapshot.collect()
    booking, (performance, label) = BOOKINGS[0], next(iter(whole.seats))
    (_, customer), *_ = whole.names
    part = snapshot.collect(
        snapshot.Part(bookings=[booking], seats=[f"{performance}/{label}"], customers=[str(customer)])
    )
    for name in ("bookings", "history", "sales"):
        assert getattr(part, name) == {booking: getattr(whole, name)[booking]}, name
    for name in ("seats", "sales_seats"):
        assert getattr(part, name) == {(performance, label): getattr(whole, name)[performance, label]}, name
    assert part.names == {key: row for key, row in whole.names.items() if key[1] == customer}
    assert len(whole.bookings) > 1
    assert len(whole.seats) > 1


def test_the_control_without_the_check_goes_wrong() -> None:
    project(story())
    expected = rows()
    late = [booking(BOOKINGS[1], 1, "PENDING"), hold(BOOKINGS[0], 1, "HELD", {"A-1": ("RESERVED", 2)})]
    project(late)
    assert rows() == expected
    project(late, check=False)
    wrong = rows()
    assert wrong["projections_bookingview"] != expected["projections_bookingview"]
    assert queries.booking(BOOKINGS[1])["state"] == "PENDING"  # type: ignore[index]
    # sold to somebody else, shown as free to go
    assert queries.seat_map(CONCERT)[0]["booking_id"] == uuid.UUID(BOOKINGS[0])


def test_the_rows_tell_the_end_of_the_story() -> None:
    project(story())
    first, second = (queries.booking(booking_id) for booking_id in BOOKINGS)
    assert first is not None
    assert second is not None
    assert (first["state"], first["reason"], first["payment_status"], first["hold_status"]) == (
        *("CANCELLED", "printer_refused"),
        *("REFUNDED", "RELEASED"),
    )
    assert (second["state"], second["payment_status"], second["tickets_status"]) == ("CONFIRMED", "COMPLETED", "ISSUED")
    assert (first["version"], second["version"]) == (4 + 2 + 2, 2 + 2 + 1 + 1)
    assert second["created_at"] < second["updated_at"]
    assert second["tickets"][0]["code"] == "c0de"
    assert [(seat["label"], seat["status"]) for seat in queries.seat_map(CONCERT)] == [
        *(("A-1", "SOLD"), ("A-2", "AVAILABLE"), ("A-3", "AVAILABLE"))
    ]
    (concert,) = queries.performances()
    assert (concert["id"], concert["seats"], concert["available"], concert["ahead"]) == (CONCERT, 3, 2, True)
    assert [(one["id"], one["name"]) for one in queries.customers()] == [(123, "Min-jun")]
    assert [(one["customer"], str(one["id"])) for one in queries.recent_bookings()] == [
        *(("Min-jun", BOOKINGS[1]), ("Min-jun", BOOKINGS[0]))
    ]
    assert queries.bookings_of(99) == []


def test_sums_are_taken_of_contributions() -> None:
    project(story(), story())
    (customer,) = sums.customers("min-JUN")
    assert (customer["bookings"], customer["confirmed"], customer["cancelled"], customer["tickets"]) == (2, 1, 1, 1)
    assert customer["money"] == [{"customer_id": 123, "currency": "KRW", "spent": 300_000, "refunded": 150_000}]
    assert sums.customers("123") == [customer]
    assert sums.customers("%") == sums.customers(after=123) == []
    assert sums.customer(122) is None
    assert [(one["view"], one["version"]) for one in sums.versions(123)] == [("bookings", 2), ("customer_history", 2)]
    (concert,) = sums.sales()
    assert (concert["seats"], concert["sold"], concert["held"], concert["free"]) == (3, 1, 0, 2)
    assert (concert["taken"], concert["refunded"], concert["sold_value"]) == (300_000, 150_000, 150_000)


def test_the_control_without_the_check_spoils_a_sum() -> None:
    project(story())
    project([payment(BOOKINGS[0], 1, "COMPLETED")])
    assert sums.sales()[0]["refunded"] == 150_000
    project([payment(BOOKINGS[0], 1, "COMPLETED")], check=False)
    assert sums.sales()[0]["refunded"] == 0


def test_other_services_may_speak_first_but_do_not_make_a_booking() -> None:
    project([hold(BOOKINGS[0], 1, "HELD", {"A-1": ("RESERVED", 2)})])
    assert queries.booking(BOOKINGS[0]) is None
    assert queries.seat_map(CONCERT) == []
    project([booking(BOOKINGS[0], 1, "PENDING")])
    assert queries.booking(BOOKINGS[0])["hold_status"] == "HELD"  # type: ignore[index]


def test_a_stale_event_touches_no_row() -> None:
    project(story())
    view = VIEWS["bookings"]
    with connections["projections"].cursor() as cursor:
        cursor.execute("select xmin, ctid from projections_bookingview order by id")
        before = cursor.fetchall()
        assert view.write(PROJECTIONS, story()) == 0
        cursor.execute("select xmin, ctid from projections_bookingview order by id")
        assert cursor.fetchall() == before


def test_what_the_lab_books_counts_only_where_it_is_asked_for() -> None:
    """The same story in a hall of the lab's: an update in place of a story of its own."""
    project(story())
    assert counted() == [1, 2, 1, 2]
    with connections["projections"].cursor() as cursor:
        for table, column in (("bookingview", "performance_id"), ("performance", "id"), ("salesperformance", "id")):
            cursor.execute(f"update projections_{table} set {column} = 'lab-reads'")
    assert counted() == [0, 0, 0, 0]
    assert [one["id"] for one in sums.sales(lab=True)] == ["lab-reads"]
    assert len(searched(lab=True)) == 2


def counted() -> list[int]:
    found: tuple[list[Any], ...] = (sums.sales(), queries.recent_bookings(), queries.performances(), searched())
    return [len(one) for one in found]


def searched(lab: bool = False) -> list[dict[str, Any]]:
    return searching.bookings(searching.Wanted(lab=lab))[0]

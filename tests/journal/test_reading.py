"""From log rows to an entry: causes, mentions, values and the line a person reads."""

import pytest

from journal.observations import read_observation
from journal.reading import read_transaction
from journal.telling import before
from messaging.wal import Change, Delete, Row, Truncate, Update
from tests.journal.builders import insert, message, relation, transaction, update

BARRIER = insert("payments_barrier", id="x", saga_id="s", step="TakePayment", state="succeeded", booking_id="b-1")


def test_causes_and_emitted_messages_come_from_the_outbox() -> None:
    found = read_transaction(
        "payments",
        transaction(
            message("payments", "reply", "TakePaymentReply", "m-1", causation_id="c-1", correlation_id="b-1"),
            message("payments", "event", "PaymentCompleted", "m-2", causation_id="c-1", correlation_id="b-1"),
        ),
    )
    assert (found.causes, found.emits, found.correlations) == (("c-1",), ("m-1", "m-2"), ("b-1",))
    assert (found.service, found.xid, found.lsn, found.cursor) == ("payments", 7, "0/140", "0/140")


def test_a_cause_emitted_in_the_same_transaction_does_not_count() -> None:
    found = read_transaction(
        "booking",
        transaction(
            message("booking", "event", "BookingPlaced", "m-1"),
            message("booking", "command", "BookTickets", "m-2", causation_id="m-1"),
        ),
    )
    assert found.causes == ()


def test_a_read_models_row_names_its_cause() -> None:
    old = {"id": "b-1", "state": "PENDING", "caused_by": "m-1"}
    found = read_transaction("projections", transaction(update("projections_bookingview", old, caused_by="m-2")))
    assert found.causes == ("m-2",)
    assert found.correlations == ("b-1",)


def test_mentions_come_from_old_and_new_rows() -> None:
    seat = {"id": "1", "status": "RESERVED", "booking_id": "b-1"}
    found = read_transaction(
        "seats",
        transaction(
            update("seats_seat", seat, booking_id=None, status="AVAILABLE"),
            insert("seats_hold", id="b-2"),
            insert("seats_performance", id="concert-2024"),
        ),
    )
    assert found.correlations == ("b-1", "b-2")
    assert read_transaction("booking", transaction(insert("booking_booking", id="b-3"))).correlations == ("b-3",)


def test_an_update_says_once_what_has_not_changed_and_the_row_before_it_is_known_all_the_same() -> None:
    seat = {"id": "1", "label": "A-1", "status": "AVAILABLE", "booking_id": None}
    changes = (update("seats_seat", seat, status="HELD", booking_id="b-1"), update("seats_seat", seat))
    held, touched = read_transaction("seats", transaction(*changes)).changes
    assert held["old"] == {"status": "AVAILABLE", "booking_id": None}
    assert held["new"] == {**seat, "status": "HELD", "booking_id": "b-1"}
    assert touched["old"] == {}
    assert before(held) == before(touched) == seat
    (unknown,) = read_transaction("seats", transaction(Update(changes[0].relation, None, seat))).changes
    assert (unknown["old"], before(unknown)) == (None, {})


def test_a_row_that_gets_another_key_goes_and_comes_as_a_whole() -> None:
    pair = relation("seats_price", ["zone", "kind", "price"], ("zone", "kind"))
    was: Row = {"zone": "A", "kind": "full", "price": "9"}
    is_now: Row = {**was, "zone": "B"}
    gone, come = read_transaction("seats", transaction(Update(pair, was, is_now))).changes
    assert (gone["op"], gone["key"], gone["old"], gone["new"]) == ("delete", "A,full", was, None)
    assert (come["op"], come["key"], come["old"], come["new"]) == ("insert", "B,full", None, is_now)


def test_changes_have_python_values_and_the_primary_key() -> None:
    pair = relation("seats_price", ["zone", "kind", "version"], ("zone", "kind"))
    found = read_transaction(
        "seats",
        transaction(
            message("seats", "event", "SeatsSold", data='{"seats": ["A-15"]}', version="3"),
            Delete(pair, {"zone": "A", "kind": "full", "version": "2"}),
            Truncate((pair,)),
        ),
    )
    sold, deleted, truncated = found.changes
    assert (sold["op"], sold["key"], sold["new"]["data"], sold["new"]["version"]) == (
        "insert",
        "m-1",
        {"seats": ["A-15"]},
        3,
    )
    assert deleted == {
        "table": "seats_price",
        "op": "delete",
        "key": "A,full",
        "old": {"zone": "A", "kind": "full", "version": 2},
        "new": None,
    }
    assert truncated == {"table": "seats_price", "op": "truncate", "key": None, "old": None, "new": None}


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        (
            [message("x", "reply", "TakePaymentReply"), BARRIER, insert("x_payment", id="1", status="COMPLETED")],
            "TakePayment: payment COMPLETED",
        ),
        (
            [
                message("x", "event", "BookingAdvanced"),
                message("x", "command", "TakePayment"),
                update("x_booking", {"id": "1", "state": "RESERVING"}, state="PAYING"),
            ],
            "BookingAdvanced: booking PAYING, sends TakePayment",
        ),
        ([update("x_seat", {"id": str(n), "status": "HELD"}, status="SOLD") for n in range(2)], "seat SOLD ×2"),
        ([update("x_seat", {"id": "1", "status": "HELD"}, version="2")], "seat updated"),
        ([insert("x_customer", id="1"), insert("x_customer", id="2")], "customer inserted ×2"),
        ([message("x", "reply", "TakePaymentReply")] * 3, "TakePayment ×3"),
        ([insert(f"x_t{n}", id="1") for n in range(6)], "t0 inserted, t1 inserted, t2 inserted, t3 inserted …"),
        ([], "nothing"),
    ],
)
def test_title(changes: list[Change], title: str) -> None:
    assert read_transaction("x", transaction(*changes)).title == title


def test_an_observation_follows_the_message_it_is_about() -> None:
    text = '{"service": "seats", "kind": "fault", "text": "drop", "correlationid": "b", "messageid": "m", "data": {"n": 1}}'
    found = read_observation("1-0", text)
    assert found is not None
    assert (found.kind, found.source, found.cursor, found.service) == ("observation", "observations", "1-0", "seats")
    assert (found.causes, found.correlations, found.title) == (("m",), ("b",), "drop")
    assert found.data == {"kind": "fault", "messageid": "m", "data": {"n": 1}}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"service": "x", "text": "y", "at": "yesterday"}', "null"])
def test_what_is_no_observation_is_passed_over(text: str) -> None:
    assert read_observation("1-0", text) is None

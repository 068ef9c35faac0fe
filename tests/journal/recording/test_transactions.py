"""From log rows to an entry: causes, mentions, values and the line a person reads."""

from typing import Any

import orjson
import pytest

from journal.noteworthy import before
from journal.recording.observations import read_observation
from journal.recording.transactions import read_transaction
from messaging.wal import Change, Delete, Note, RawChange, Row, Transaction, Truncate, Update
from messaging.wal.notes import written
from tests.journal.builders import START, UUIDS, insert, message, raw, relation, transaction, update
from tests.journal.builders import changes as rows_of

M1, M2, C1 = (f"0000000{number}-0000-7000-8000-000000000000" for number in (1, 2, 3))

BARRIER = insert("payments_barrier", id="x", saga_id="s", step="TakePayment", state="succeeded", booking_id="b-1")


def test_causes_and_emitted_messages_come_from_the_outbox() -> None:
    found = read_transaction(
        "payments",
        transaction(
            message("payments", "reply", "TakePaymentReply", M1, causation_id=C1, correlation_id="b-1"),
            message("payments", "event", "PaymentCompleted", M2, causation_id=C1, correlation_id="b-1"),
        ),
    )
    assert (found.causes, found.emits, found.correlations) == ((C1,), (M1, M2), ("b-1",))
    assert (found.service, found.xid, found.lsn, found.cursor) == ("payments", 7, "0/140", "0/140")


def test_a_cause_emitted_in_the_same_transaction_does_not_count() -> None:
    found = read_transaction(
        "booking",
        transaction(
            message("booking", "event", "BookingPlaced", M1),
            message("booking", "command", "BookTickets", M2, causation_id=M1),
        ),
    )
    assert found.causes == ()


def test_a_read_models_row_names_its_cause() -> None:
    old = {"id": "b-1", "state": "PENDING", "caused_by": M1}
    found = read_transaction("projections", transaction(update("projections_bookingview", old, caused_by=M2)))
    assert found.causes == (M2,)
    assert found.correlations == ("b-1",)


def test_a_read_models_row_names_all_events_that_its_last_write_applied() -> None:
    view = relation("projections_bookingview", ["id", "state", "caused_by"], caused_by=UUIDS)
    row: Row = {"id": "b-1", "state": "PENDING", "caused_by": f"{{{C1}}}"}
    change = Update(view, row, {**row, "caused_by": f"{{{M1},{M2}}}"})
    found = read_transaction("projections", transaction(change))
    assert found.causes == (M1, M2)


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
    held, touched = rows_of(read_transaction("seats", transaction(*changes)))
    assert held["old"] == {"status": "AVAILABLE", "booking_id": None}
    assert held["new"] == {**seat, "status": "HELD", "booking_id": "b-1"}
    assert touched["old"] == {}
    assert before(held) == before(touched) == seat
    (unknown,) = rows_of(read_transaction("seats", transaction(Update(changes[0].relation, None, seat))))
    assert (unknown["old"], before(unknown)) == (None, {})


def test_a_row_that_gets_another_key_goes_and_comes_as_a_whole() -> None:
    pair = relation("seats_price", ["zone", "kind", "price"], ("zone", "kind"))
    was: Row = {"zone": "A", "kind": "full", "price": "9"}
    is_now: Row = {**was, "zone": "B"}
    gone, come = rows_of(read_transaction("seats", transaction(Update(pair, was, is_now))))
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
    sold, deleted, truncated = rows_of(found)
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
    told = {"kind": "fault", "messageid": M1, "data": {"n": 1}}
    text = orjson.dumps({"service": "seats", "text": "drop", "correlationid": "b", **told})
    found = read_observation("1-0", text)
    assert found is not None
    assert (found.kind, found.source, found.cursor, found.service) == ("observation", "observations", "1-0", "seats")
    assert (found.causes, found.correlations, found.title) == ((M1,), ("b",), "drop")
    assert found.data == told


NO_OBSERVATIONS = [
    "",
    "[]",
    "{}",
    "null",
    "[" * 100_000,
    '{"service": "x", "text": "y", "at": "yesterday"}',
    '{"service": "x", "text": "y", "at": "9999-12-31T23:59:59-14:00"}',
    '{"service": "x", "text": "y", "kind": "gap"}',
    '{"service": "x", "text": "y", "kind": ["z"]}',
    '{"service": "x", "text": "y", "data": "z"}',
    '{"service": "x", "text": "\\ud800"}',
    '{"service": "x", "text": "y", "data": {"n": "' + "z" * 2_000_000 + '"}}',
]


@pytest.mark.parametrize("text", NO_OBSERVATIONS, ids=lambda text: text[:40])
def test_what_is_no_observation_becomes_one_that_says_so(text: str) -> None:
    found = read_observation("1-0", text)
    assert (found.source, found.cursor, found.title) == ("observations", "1-0", "an observation that cannot be read")
    assert found.data is not None
    assert found.data["kind"] == "unreadable"
    assert len(str(found.data)) < 10_000


def test_an_observation_is_kept_in_a_form_that_every_database_takes() -> None:
    deep: dict[str, Any] = {}
    for _ in range(200):
        deep = {"n": deep}
    told = {"service": "s" * 100, "text": "a\0b", "messageid": "m", "correlationid": "b" * 5000, "data": deep}
    found = read_observation("1-0", orjson.dumps(told))
    assert (found.title, found.causes) == ("a\ufffdb", ())
    assert [len(one) for one in (found.service, *found.correlations)] == [60, 500]
    assert str(found.data).count("'n'") < 110


NOTES = [
    (b"not json", "no JSON object"),
    (b"[" * 100_000, "no JSON object"),
    (b"\xff\x00", "no JSON object"),
    (b'{"kind": "remark", "text": "hello"}', "of no known kind"),
    (b'{"kind": {}, "text": "hello"}', "of no known kind"),
    (b'{"kind": "introduced", "text": 7}', "without a text"),
    (b'{"kind": "gap", "text": "nothing before this counts"}', "not written by who sets the databases up"),
    (b'{"kind": "gap", "text": "nothing before this counts", "proof": 1}', "not written by"),
    (written("gap", "forged with the wrong key", "guess").encode(), "not written by"),
]


@pytest.mark.parametrize(("content", "why"), NOTES, ids=lambda part: str(part)[:30])
def test_a_note_that_is_none_of_ours_is_told_and_empties_nothing(content: bytes, why: str) -> None:
    note = Note(True, "journal", content)
    alone = read_transaction("payments", Transaction(7, 0x100, 0x140, START, [], [note]), "secret")
    assert (alone.kind, alone.title) == ("observation", "payments's log holds what cannot be read")
    assert alone.data is not None
    assert alone.data["kind"] == "unreadable"
    assert why in alone.data["data"]["why"]
    beside = Transaction(7, 0x100, 0x140, START, [raw(insert("seats_seat", id="1", status="SOLD"))], [note])
    found = read_transaction("seats", beside, "secret")
    assert (found.kind, found.title) == ("transaction", "seat SOLD")


def test_a_note_with_its_proof_is_believed() -> None:
    note = Note(True, "journal", written("gap", "the log is lost", "secret").encode())
    found = read_transaction("seats", Transaction(7, 0x100, 0x140, START, [], [note]), "secret")
    assert (found.kind, found.title, found.data) == ("observation", "the log is lost", {"kind": "gap"})


def test_a_row_that_cannot_be_read_leaves_the_rest_of_its_transaction() -> None:
    torn = RawChange(relation("seats_seat", ["id"]), b"I\0\0\0\1N\0\1t\x7f")
    found = read_transaction("seats", transaction(torn, insert("seats_seat", id="1", status="SOLD")))
    assert (found.title, found.xid, found.cursor) == ("seat SOLD", 7, "0/140")
    assert [change["key"] for change in rows_of(found)] == ["1"]
    assert found.data is not None
    assert found.data["kind"] == "unreadable"
    assert "a row of seats_seat" in found.data["data"]["why"]
    alone = read_transaction("seats", transaction(torn))
    assert (alone.kind, alone.title) == ("observation", "seats's log holds what cannot be read")


def test_a_transaction_that_cannot_be_read_becomes_an_entry() -> None:
    """Such as one of a stream that decodes its rows: nothing else is expected to fail as a whole."""
    decoded = Transaction(7, 0x100, 0x140, START, [insert("seats_seat", id="1")])
    found = read_transaction("seats", decoded)
    assert (found.title, found.xid, found.cursor) == ("a transaction of seats cannot be read", 7, "0/140")


@pytest.mark.parametrize(
    "data", ['{"n": ' * 300 + "1" + "}" * 300, '{"n": 1%s}' % ("0" * 400), "[" * 2000 + "]" * 2000]
)
def test_json_that_others_could_not_write_again_stays_text(data: str) -> None:
    found = read_transaction("seats", transaction(insert("seats_deadletter", id="1", data=data)))
    (change,) = rows_of(found)
    assert change["new"]["data"] == data
    orjson.dumps(change)


def test_ids_are_uuids_and_correlations_fit_an_index() -> None:
    row = message("seats", "event", "Held", M1, correlation_id="é" * 3000, causation_id="no uuid")
    found = read_transaction("seats", transaction(row))
    assert (found.emits, found.causes, [len(one) for one in found.correlations]) == ((M1,), (), [500])

"""Rows are stored as the log had them, and decoded later: with the columns that their table had then."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis import Redis

from journal.archive.exporting import export
from journal.models import Entry, Indexed, Layout, RowVersion, Run
from journal.packed import layouts
from journal.packed.packing import PackedError, pack, unpack
from journal.packed.rows import changes_of
from journal.reading import queries
from journal.recording import summaries
from journal.recording.recorder import Recorder
from journal.recording.transactions import read_transaction
from messaging.wal import Change, Delete, Truncate, Update
from tests.journal.builders import insert, message, relation, transaction
from tests.journal.recording.stepped import Servers, clusters, commit, run_until, servers, start, streamed
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(databases=["journal"], transaction=True)
__all__ = ["clusters", "servers", "start"]  # the fixtures


@pytest.fixture
def forgotten(monkeypatch: pytest.MonkeyPatch) -> dict[int, Any]:
    """As a new process: no layout is loaded yet."""
    known: dict[int, Any] = {}
    monkeypatch.setattr(layouts, "_known", known)
    return known


def test_entries_from_before_and_after_a_change_of_columns_are_decoded_each_with_its_own(
    servers: Servers, redis: Redis, start: Callable[[], Recorder], forgotten: dict[int, Any]
) -> None:
    recorder = start()
    with servers["booking"].connect() as connection:
        connection.execute("insert into booking_thing (booking_id, status, body) values ('b-1', 'HELD', '[1]')")
        connection.execute("alter table booking_thing add note int default 7, add code text")
        connection.execute("alter table booking_thing alter booking_id type varchar(40)")
        try:
            connection.execute("insert into booking_thing (booking_id, status, code) values ('b-2', 'SOLD', 'x')")
            connection.execute("alter table booking_thing drop column status")
            connection.execute("insert into booking_thing (booking_id, code) values ('b-3', 'y')")
            entries = run_until(recorder, 3)
            recorder.close()
            forgotten.clear()
        finally:
            connection.execute("alter table booking_thing drop column note, drop column code")
            connection.execute("alter table booking_thing drop column if exists status, add status text")
    rows = [change["new"] for entry in entries for change in entry["changes"]]
    for row in rows:
        del row["id"]
    nothing = {"paid": None, "body": None}
    assert rows == [
        {"booking_id": "b-1", "status": "HELD", "paid": None, "body": [1]},
        {"booking_id": "b-2", "status": "SOLD", **nothing, "note": 7, "code": "x"},
        {"booking_id": "b-3", **nothing, "note": 7, "code": "y"},
    ]
    assert [entry["title"] for entry in entries] == ["thing HELD", "thing SOLD", "thing inserted"]
    assert Layout.objects.count() == 3
    assert streamed(redis) == queries.entries_after(0)


def test_an_entry_decoded_with_another_layout_is_wrong(servers: Servers, start: Callable[[], Recorder]) -> None:
    """The control."""
    recorder = start()
    with servers["seats"].connect() as connection:
        connection.execute("insert into seats_thing (booking_id, status) values ('b-1', 'HELD')")
        connection.execute("alter table seats_thing rename column status to was")
        connection.execute("alter table seats_thing add status text default 'NEW'")
        try:
            connection.execute("insert into seats_thing (booking_id, was) values ('b-2', 'HELD')")
            run_until(recorder, 2)
        finally:
            connection.execute("alter table seats_thing drop column status")
            connection.execute("alter table seats_thing rename column was to status")
    before, after = Entry.objects.order_by("pos")
    Entry.objects.filter(pos=2).update(layouts=before.layouts)
    (wrong,) = queries.entries_of("b-2")[0]["changes"]
    assert wrong["new"]["status"] == "HELD"
    Entry.objects.filter(pos=2).update(layouts=after.layouts)
    (right,) = queries.entries_of("b-2")[0]["changes"]
    assert (right["new"]["was"], right["new"]["status"]) == ("HELD", "NEW")


def test_entries_of_an_older_version_are_read_beside_packed_ones(
    servers: Servers, redis: Redis, start: Callable[[], Recorder]
) -> None:
    """They have their rows as JSON, and no layouts."""
    recorder = start()
    commit(servers["booking"], "booking")
    commit(servers["booking"], "booking", booking="b-2")
    before = run_until(recorder, 2)
    recorder.close()
    Entry.objects.filter(pos=1).update(changes=before[0]["changes"], packed=None, layouts=None)
    assert queries.entries_after(0) == before
    redis.flushdb()
    again = start()
    commit(servers["booking"], "booking", booking="b-3")
    entries = run_until(again, 3)
    assert entries[:2] == before

    def indexed() -> bool:
        again.step()
        return RowVersion.objects.count() == 6

    wait_until(indexed, 20, "the index")
    assert [entry["correlations"] for entry in streamed(redis)] == [["b-1"], ["b-2"], ["b-3"]]


def test_an_export_is_the_same_text_whichever_way_the_rows_are_stored(
    servers: Servers, start: Callable[[], Recorder]
) -> None:
    recorder = start()
    commit(servers["booking"], "booking")
    with servers["booking"].connect() as connection:
        connection.execute(
            "update booking_thing set status = 'SOLD', paid = true, body = '{\"n\": [1.50, 1e3, \"é\"]}'"
        )
        connection.execute("update booking_thing set id = default")
        connection.execute("truncate booking_thing")
    entries = run_until(recorder, 4)

    def indexed() -> bool:
        recorder.step()
        return Indexed.objects.filter(pos=4).exists()

    wait_until(indexed, 20, "the index")
    (run,) = Run.objects.all()
    packed = b"".join(export(run.id))
    ops = [{change["op"] for change in entry["changes"]} for entry in entries]
    assert ops == [{"insert"}, {"update"}, {"delete", "insert"}, {"truncate"}]
    for entry in entries:
        Entry.objects.filter(pos=entry["pos"]).update(changes=entry["changes"], packed=None, layouts=None)
    assert b"".join(export(run.id)) == packed


def test_a_layout_that_is_not_there_is_named(servers: Servers, start: Callable[[], Recorder]) -> None:
    recorder = start()
    commit(servers["booking"], "booking")
    run_until(recorder, 1)
    Entry.objects.update(layouts=[4711])
    with pytest.raises(layouts.UnknownLayoutError, match="no layout 4711"):
        queries.latest(1)


def test_packed_bytes_of_another_format_or_damaged_ones_are_refused() -> None:
    packed = pack([(0, b"I"), (1, b"T")])
    assert unpack(packed) == [(0, b"I"), (1, b"T")]
    with pytest.raises(PackedError, match="unknown format"):
        unpack(b"\x02" + packed[1:])
    with pytest.raises(PackedError, match="damaged"):
        unpack(packed[:-3])


IDS = st.sampled_from([f"0000000{number}-0000-7000-8000-000000000000" for number in range(4)])
VALUES = st.sampled_from([None, "", "HELD", "SOLD", "b-1", "b-2"])
TABLES = ("booking_booking", "booking_saga", "booking_sagalog", "seats_seat", "seats_hold", "projections_checkpoint")
NAMES = ["id", "data", "booking_id", "status", "state", "caused_by", "message_id", "last"]


@st.composite
def rows(draw: st.DrawFn) -> Change:
    table = relation(draw(st.sampled_from(TABLES)), draw(st.permutations(NAMES)))

    def row() -> dict[str, Any]:
        return {name: draw(IDS if name in ("id", "caused_by", "message_id") else VALUES) for name in NAMES}

    match draw(st.sampled_from("IUKDT")):
        case "I":
            return insert(table.table, **row())
        case "U":
            return Update(table, row(), row())
        case "K":
            return Update(table, None, row())
        case "D":
            return Delete(table, row())
    return Truncate((table,))


MESSAGES = st.builds(
    lambda kind, id, cause: message("booking", kind, "TakePaymentReply", id, causation_id=cause, correlation_id="b-9"),
    st.sampled_from(["command", "reply", "event"]),
    IDS,
    st.none() | IDS,
)


@given(st.lists(rows() | MESSAGES, max_size=5))
@settings(max_examples=150, deadline=None)
def test_the_columns_that_are_decoded_when_it_is_recorded_tell_what_all_would(changes: list[Change]) -> None:
    def told(summary_of: Callable[..., Any]) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(summaries, "summary_of", summary_of)
            patch.setattr("journal.recording.transactions._SUMMARIES", summaries.Summaries())
            return read_transaction("booking", transaction(*changes))

    assert told(summaries.summary_of) == told(whole)


def whole(table: Any) -> summaries.Summary:
    """With every column."""
    return summaries.Summary(layouts.layout_of(table), table)


def test_a_long_value_that_an_update_did_not_touch_is_in_its_new_row() -> None:
    """PostgreSQL does not send it again: only the old row has it."""
    table = relation("seats_seat", ["id", "long"])
    oid, unchanged = b"\0\0\0\1", b"N\0\2t\0\0\0\0011u"
    message = b"U" + oid + b"O\0\2t\0\0\0\0011t\0\0\0\4long" + unchanged
    (change,) = changes_of([(0, message)], [table])
    assert (change["op"], change["old"], change["new"]) == ("update", {}, {"id": "1", "long": "long"})


def test_a_summary_that_leaves_a_column_out_is_noticed() -> None:
    """The control."""
    change = insert("seats_seat", id="1", booking_id="b-1", status="HELD")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("journal.recording.transactions._SUMMARIES", summaries.Summaries())
        patch.setattr(
            summaries, "summary_of", lambda table: replace(whole(table), part=replace(table, names=("id", "", "")))
        )
        assert read_transaction("seats", transaction(change)).correlations == ()
    assert read_transaction("seats", transaction(change)).correlations == ("b-1",)


def test_of_the_tables_that_are_not_wanted_no_row_is_decoded() -> None:
    found = read_transaction(
        "seats", transaction(insert("seats_seat", id="1", status="HELD"), insert("seats_barrier", id="2"))
    )
    relations = [layout.relation for layout in found.layouts]
    shown = changes_of(unpack(found.packed), relations, lambda table: table == "seats_seat")
    assert [change["table"] for change in shown] == ["seats_seat"]
    assert len(changes_of(unpack(found.packed), relations)) == 2

"""Any moment of a tape, asked by index, is what the definition of a row version says; and so is the way to the next."""

import random
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections, transaction
from psycopg.types.json import Jsonb

from journal.models import Entry, Mention
from journal.reading import marks, moments
from tests.journal.builders import START
from tests.journal.index.test_indexer import change, index, record, rows_at, wipe

pytestmark = pytest.mark.django_db(databases=["journal"], transaction=True)
LENGTH = 400


@pytest.fixture
def tape() -> Iterator[int]:
    """Tables of all characters: rows that live long, rows that change all the time, rows that are only added."""
    choose = random.Random(7)  # noqa: S311
    entries = []
    state: dict[str, dict[str, Any]] = {}
    for pos in range(1, LENGTH + 1):
        changes = [change("x_outbox", None, outbox(pos))]
        for table, keys in (("x_busy", "ab"), ("x_calm", "abcdefghijklmnopqrstuvwxyz")):
            key = choose.choice(keys)
            old = state.pop(table + key, None)
            if old is None or choose.random() < 0.7:
                state[table + key] = {"id": key, "n": pos, "booking_id": f"b-{pos % 5}"}
            changes.append(change(table, old, state.get(table + key)) if old or table + key in state else changes[0])
        causes = [message(choose.randint(1, pos - 1))] if pos > 1 else []
        entries.append(
            Entry(
                tape=3, pos=pos, kind="transaction", service="x", committed_at=START + timedelta(seconds=pos),
                recorded_at=START, title="", cause_pos=[], cause_known=True, changes=changes, causes=causes, emits=[],
            )
        )  # fmt: skip
    Entry.objects.bulk_create(entries)
    index(tape=3)
    yield 3
    wipe()


def message(pos: int) -> str:
    return str(uuid.UUID(int=pos))


def outbox(pos: int) -> dict[str, Any]:
    return {"id": message(pos), "kind": "command", "type": "T", "correlation_id": f"b-{pos % 5}", "destination": "y"}


def test_the_state_at_every_moment(tape: int) -> None:
    for pos in (0, 1, 2, 3, 63, 64, 65, 128, 255, 256, 257, 399, 400, 1000):
        expected: dict[str, Any] = {}
        for (service, table), rows in rows_at(pos, tape).items():
            expected.setdefault(service, {})[table] = rows
        assert moments.state_at(pos, tape, limit=LENGTH) == expected
        totals = {table: total["rows"] for table, total in moments.totals_at(pos, tape).get("x", {}).items()}
        assert {table: rows for table, rows in totals.items() if rows} == {
            table: len(rows) for table, rows in expected.get("x", {}).items()
        }


def test_a_limit_keeps_what_changed_last(tape: int) -> None:
    calm = moments.rows_at(300, tape, tables=["x_calm"], limit=26)
    assert len(calm) > 10
    assert [one.from_pos for one in calm] == sorted((one.from_pos for one in calm), reverse=True)
    assert moments.rows_at(300, tape, tables=["x_calm"], limit=5) == calm[:5]


def test_one_bookings_rows_are_all_there(tape: int) -> None:
    expected = {
        table: {key: row for key, row in rows.items() if "b-2" in (row.get("booking_id"), row.get("correlation_id"))}
        for (_, table), rows in rows_at(250, tape).items()
    }
    found = moments.state_at(250, tape, booking="b-2", limit=1)
    assert found == {"x": {table: rows for table, rows in expected.items() if rows}}


def test_messages_in_flight(tape: int) -> None:
    entries = list(Entry.objects.filter(tape=tape).order_by("pos"))
    for pos in (1, 64, 200, 400):
        landed = {str(cause) for entry in entries[:pos] for cause in entry.causes}
        expected = [message(number) for number in range(pos, 0, -1) if message(number) not in landed]
        assert [one.id for one in moments.flights_at(pos, tape)] == expected
    some = moments.flights_at(200, tape, booking="b-1")
    assert {one.correlation for one in some} == {"b-1"}


def test_the_way_along_a_tape(tape: int) -> None:
    for pos in (10, 20, 30):
        Mention.objects.create(tape=tape, correlation="b-1", pos=pos)
    assert (marks.next_of("b-1", 10, tape), marks.next_of("b-1", 30, tape)) == (20, None)
    assert marks.bounds(tape) == (1, LENGTH)
    assert marks.density(1, LENGTH, 3, tape) == [1.0] * 3
    assert marks.bounds(99) == (0, 0)


def test_faults_that_could_strike_and_the_marks_they_leave() -> None:
    def told(pos: int, kind: str, **data: Any) -> None:
        record(pos, "seats", kind="observation", data={"kind": kind, "data": data})

    told(1, "operator", fault="f", armed={"id": "f", "limit": 2})
    told(2, "operator", fault="g", armed={"id": "g", "limit": None})
    told(3, "fault", fault="f", fired=1)
    told(5, "fault", fault="f", fired=2)
    told(6, "fault", fault="g", fired=1)
    told(7, "operator", fault="g", cleared=True)

    def at(pos: int) -> list[tuple[str, int, int | None]]:
        return [(one.id, one.fired, one.last_pos) for one in moments.faults_at(pos)]

    assert [at(pos) for pos in (0, 1, 3, 5, 6, 7)] == [
        [],
        [("f", 0, None)],
        [("g", 0, None), ("f", 1, 3)],
        [("g", 0, None)],
        [("g", 1, 6)],
        [],
    ]
    for pos, fault, expires in ((8, "h", 1), (9, "i", -1)):
        at_last = (START + timedelta(hours=expires)).isoformat()
        told(pos, "operator", fault=fault, armed={"id": fault, "limit": None, "expires_at": at_last})
    told(10, "operator", fault="k", armed={"id": "k", "limit": None, "expires_at": "of a strange recording"})
    assert [one for one, _, _ in at(10)] == ["k", "h"]  # no entry says that a fault has expired
    Entry.objects.filter(pos__gte=8).delete()
    assert (marks.next_fault(3), marks.next_fault(6)) == (5, None)
    found = [(mark.kind, mark.bucket, mark.count, mark.pos) for mark in marks.marks(1, 7, 2)]
    assert found == [("fault", 0, 1, 3), ("operator", 0, 2, 1), ("fault", 1, 2, 5), ("operator", 1, 1, 7)]
    wipe()


def test_what_the_queries_lean_on(tape: int) -> None:
    """Each must find its rows by an index; a plan that reads all row versions would do today, and not with a million."""
    with connections["journal"].cursor() as cursor:
        cursor.execute("set enable_seqscan = off")
        for sql in (moments._ROWS, moments._ROWS_OF_BOOKING, moments._FLIGHTS):
            values: dict[str, Any] = {"pos": 9, "tape": tape, "booking": "b-1", "names": None, "limit": 5}
            values["like"] = Jsonb({"performance_id": "hall"})
            cursor.execute("explain " + sql, values)
            plan = "\n".join(line for (line,) in cursor.fetchall())
            assert "Seq Scan on journal_rowversion" not in plan
            assert "Seq Scan on journal_flight" not in plan
        cursor.execute("set enable_seqscan = on")


def test_marks_are_read_from_an_index_alone(tape: int) -> None:
    values: dict[str, Any] = {"tape": tape, "first": 1, "last": 9, "buckets": 9, "kinds": list(marks.SHOWN)}
    with transaction.atomic("journal"), connections["journal"].cursor() as cursor:
        # So short a tape is read by its primary key; a long one is not, but that is the planner's business.
        cursor.execute("alter table journal_entry drop constraint journal_entry_pkey")
        cursor.execute("set local enable_seqscan = off; set local enable_bitmapscan = off")
        cursor.execute("explain " + marks._MARKS, values)
        plan = "\n".join(line for (line,) in cursor.fetchall())
        transaction.set_rollback(True, using="journal")
    assert "Index Only Scan using journal_entry_observed" in plan

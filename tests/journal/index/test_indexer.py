"""What the indexer derives from entries is what a fold of all of them gives, however the entries are cut into batches."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from django.db import connections, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from journal.database import by_index
from journal.index import index_store
from journal.index.indexer import Indexer
from journal.models import Entry, Flight, Indexed, RowVersion, Table, TableHash
from messaging.hashing import added, row_hash
from tests.journal.builders import START

pytestmark = pytest.mark.django_db(databases=["journal"], transaction=True)
Change = tuple[str, str, dict[str, Any] | None, dict[str, Any] | None]


@pytest.fixture(autouse=True)
def emptied() -> Iterator[None]:
    yield
    wipe()


def wipe() -> None:
    with connections["journal"].cursor() as cursor:
        for table in ("entry", "rowversion", "tablehash", "flight", "indexed", "table"):
            cursor.execute(f"delete from journal_{table}")


def change(table: str, old: dict[str, Any] | None, new: dict[str, Any] | None) -> dict[str, Any]:
    op = "update" if old and new else "insert" if new else "delete" if old else "truncate"
    key = (new or old or {}).get("id")
    return {"table": table, "op": op, "key": key, "old": old, "new": new}


def record(pos: int, service: str, *changes: dict[str, Any], tape: int = 0, **more: Any) -> None:
    fields = {"kind": "transaction", "causes": [], "emits": [], "data": None, **more}
    Entry.objects.create(
        tape=tape, pos=pos, service=service, committed_at=START, recorded_at=START, title="", cause_pos=[],
        cause_known=True, changes=list(changes), **fields,
    )  # fmt: skip


def index(batch: int = 500, tape: int = 0) -> None:
    indexer = Indexer(tape)
    while indexer.step(batch):
        pass


def rows_at(pos: int, tape: int = 0) -> dict[tuple[str, str], dict[str, dict[str, Any]]]:
    """By the definition, not by the index that production uses."""
    names = {table.id: (table.service, table.name) for table in Table.objects.all()}
    found: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for version in RowVersion.objects.filter(tape=tape, from_pos__lte=pos):
        if version.to_pos is None or version.to_pos > pos:
            assert version.key not in found.setdefault(names[version.table], {})
            found[names[version.table]][version.key] = version.row
    return found


def hash_at(table: str, pos: int) -> tuple[int, int]:
    number = Table.objects.get(name=table).id
    found = TableHash.objects.filter(table=number, pos__lte=pos).order_by("-pos").first()
    return (found.rows, found.hash) if found else (0, 0)


KEYS = st.sampled_from("abcd")
STEPS = st.one_of(
    st.tuples(st.just("put"), KEYS, st.integers(0, 3)),
    st.tuples(st.just("take"), KEYS),
    st.tuples(st.just("truncate")),
    st.tuples(st.just("snapshot")),
)


@given(st.lists(st.lists(STEPS, max_size=4), max_size=12), st.integers(1, 5))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_moment_is_what_a_plain_fold_gives(history: list[list[Any]], batch: int) -> None:
    wipe()
    state: dict[str, dict[str, Any]] = {}
    moments = [dict(state)]
    for pos, steps in enumerate(history, 1):
        changes = []
        data = {"kind": "snapshot"} if ("snapshot",) in steps else None
        if data:
            state.clear()
        for step in steps:
            match step:
                case ("put", key, value):
                    row = {"id": key, "n": value}
                    changes.append(change("x_t", state.get(key), row))
                    state[key] = row
                case ("take", key):
                    changes.append(change("x_t", state.pop(key, {"id": key}), None))
                case ("truncate",):
                    changes.append(change("x_t", None, None))
                    state.clear()
        record(pos, "x", *changes, data=data)
        moments.append(dict(state))
    index(batch)
    for pos, expected in enumerate(moments):
        assert rows_at(pos).get(("x", "x_t"), {}) == expected
        if Table.objects.exists():
            total = added(0, *(row_hash(key, row) for key, row in expected.items()))
            assert hash_at("x_t", pos) == (len(expected), total)


def test_a_crash_in_a_batch_loses_and_doubles_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for pos in range(1, 6):
        record(pos, "x", change("x_t", None, {"id": str(pos)}))
    indexer = Indexer()
    assert indexer.step(2) == 2
    with monkeypatch.context() as patch:
        patch.setattr("journal.index.index_store.move", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            indexer.step(2)
    assert Indexed.objects.get(tape=0).pos == 2
    index(2)
    assert (RowVersion.objects.count(), hash_at("x_t", 9)[0], Indexed.objects.get(tape=0).pos) == (5, 5, 5)


def test_a_row_belongs_to_a_booking_by_itself_by_its_saga_or_by_its_past() -> None:
    seat = {"id": "A-1", "booking_id": "b-1"}
    record(1, "seats", change("seats_seat", None, {"id": "A-1", "booking_id": None}))
    record(2, "seats", change("seats_seat", {"id": "A-1", "booking_id": None}, seat))
    record(3, "seats", change("seats_seat", seat, {"id": "A-1", "booking_id": None}))
    record(4, "booking", change("booking_saga", None, {"id": "s-1", "booking_id": "b-1"}))
    index()
    record(5, "booking", change("booking_sagalog", None, {"id": "9", "saga_id": "s-1"}))
    index()
    found = RowVersion.objects.order_by("from_pos").values_list("from_pos", "correlation")
    assert list(found) == [(1, None), (2, "b-1"), (3, "b-1"), (4, "b-1"), (5, "b-1")]


def test_messages_fly_from_their_outbox_to_the_first_that_names_them() -> None:
    command, reply, first, second, lost = (str(uuid.uuid4()) for _ in range(5))

    def outbox(service: str, id: str, kind: str) -> dict[str, Any]:
        row = {"id": id, "kind": kind, "type": "T", "destination": "seats", "correlation_id": "b-1"}
        return change(f"{service}_outbox", None, row)

    record(1, "booking", outbox("booking", command, "command"), outbox("booking", lost, "command"))
    record(2, "seats", kind="observation", causes=[command], data={"kind": "rolled back"})
    record(3, "seats", outbox("seats", reply, "reply"), outbox("seats", first, "event"), causes=[command])
    record(4, "seats", outbox("seats", second, "event"))
    index(2)
    record(5, "booking", kind="observation", causes=[lost], data={"kind": "fault", "data": {"action": "drop"}})
    checkpoint = {"id": "k", "source": "seats", "event_id": second}
    record(6, "projections", change("projections_checkpoint", None, checkpoint), causes=[second])
    index(2)
    flights = {str(one.id): (one.from_pos, one.to_pos, one.octave) for one in Flight.objects.all()}
    assert flights == {command: (1, 3, 1), lost: (1, 5, 2), reply: (3, None, None), first: (3, 6, 1), second: (4, 6, 1)}


def test_tapes_know_nothing_of_each_other() -> None:
    record(1, "x", change("x_t", None, {"id": "a"}))
    record(1, "x", change("x_t", None, {"id": "a", "n": 2}), tape=7)
    index()
    index(tape=7)
    assert rows_at(1) == {("x", "x_t"): {"a": {"id": "a"}}}
    assert rows_at(1, tape=7) == {("x", "x_t"): {"a": {"id": "a", "n": 2}}}


@pytest.mark.parametrize(
    "value", [1, -1, 2**63 - 1, 1.5, 1e-7, 123456789.125, 1e300, "é\u2028", None, True, [{"b": 1, "a": []}]]
)
def test_a_hash_survives_the_journal(value: Any) -> None:
    row = {"id": "k", "value": value}
    with connections["journal"].cursor() as cursor:
        cursor.execute("select %s::jsonb::text", [json.dumps(row)])
        assert row_hash("k", orjson.loads(cursor.fetchone()[0])) == row_hash("k", row)


def test_a_batch_ends_with_the_entry_that_fills_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for pos in range(1, 6):
        record(pos, "x", change("x_t", None, {"id": str(pos), "text": "x" * 1_000}))
    monkeypatch.setattr("journal.index.indexer.BATCH_BYTES", 2_500)
    indexer = Indexer()
    assert [indexer.step(), indexer.step(), indexer.step()] == [3, 2, 0]
    monkeypatch.setattr("journal.index.indexer.BATCH_BYTES", 0)
    record(6, "x", change("x_t", None, {"id": "6", "text": "x" * 10_000}))
    assert indexer.step() == 1
    assert hash_at("x_t", 6)[0] == 6


ASKED = ([1] * 4_000, [f"k-{number}" for number in range(0, 8_000, 2)])
BATCH_STATEMENTS: list[tuple[str, list[Any], str]] = [
    (index_store._CURRENT, [*ASKED, 0], "journal_version_one"),
    (index_store._BOOKINGS, [ASKED[1], [1], 0], "journal_version_one"),
    (index_store._CLOSE, [[0] * 4_000, *ASKED, *[[1] * 4_000] * 3], "journal_rowversion_pkey"),
    (index_store._LAND, [[0] * 4_000, [str(uuid.uuid4())] * 4_000, *[[1] * 4_000] * 3], "journal_flight_pkey"),
]


@pytest.mark.parametrize("rows", [0, 50, 2_000, 40_000])
def test_the_rows_of_a_batch_are_found_by_their_keys_before_anything_is_known_about_the_table(rows: int) -> None:
    """In a new house there are no statistics yet: no statement may read all versions for each row of a batch."""
    with transaction.atomic("journal"), connections["journal"].cursor() as cursor:
        cursor.execute(
            "truncate journal_rowversion, journal_flight"
        )  # new files: what was known about them is forgotten
        cursor.execute(
            """
            insert into journal_rowversion (tape, "table", key, from_pos, hash, "row")
            select 0, 1 + n %% 2, 'k-' || n, n, n, '{}' from generate_series(1, %s) n
            """,
            [rows],
        )
        cursor.execute(
            """
            insert into journal_flight (tape, id, kind, type, source, target, correlation, from_pos)
            select 0, gen_random_uuid(), 'command', 'ReserveSeats', 'booking', 'seats', 'b-' || n, n from generate_series(1, %s) n
            """,
            [rows],
        )
        # Of two indexes that look equally good the planner takes the one that was made last.
        cursor.execute("select pg_get_indexdef('journal_version_current'::regclass)")
        (again,) = cursor.fetchone()
        cursor.execute(f"drop index journal_version_current; {again}")
        by_index(cursor)
        for statement, values, index in BATCH_STATEMENTS:
            cursor.execute(f"explain {statement}", values)
            plan = "\n".join(line for (line,) in cursor.fetchall())
            assert f"Index Scan using {index}" in plan, plan
            assert "Join Filter" not in plan, plan
        transaction.set_rollback(True, using="journal")

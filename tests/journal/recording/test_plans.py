"""No statement of the recorder, its indexer and its retention reads a large table from end to end."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.db import connections

from journal.index.indexer import Indexer
from journal.models import Entry
from journal.recording import entry_store
from journal.recording.ordering import Placed
from journal.recording.retention import Keep, prune
from journal.recording.transactions import read_transaction
from messaging.wal import Delete
from tests.journal.builders import insert, relation, transaction, update
from tests.messaging.plans import planned

pytestmark = [pytest.mark.django_db(databases=["journal"]), pytest.mark.usefixtures("season")]
ROWS = 20_000
CAUSED = {"correlation_id": None, "causation_id": None}
TABLES = ("booking_saga", "booking_sagalog", "booking_outbox", "seats_seat", "projections_checkpoint")
SEASON = {
    "table": "select n, 'booking', name from unnest(array{tables}) with ordinality t(name, n)",
    "entry": """
        select 0, n, 'transaction', 'seats', n, '0/1', now(), now(), 'seats', array[gen_random_uuid()], array[n - 1], true,
            array[gen_random_uuid()], '[]', null from generate_series(1, {rows}) n""",
    "mention": "select 0, 'b-' || n, n from generate_series(1, {rows}) n",
    "rowversion": """
        select 0, n % 5 + 1, 'k-' || n / 5, n, case when n % 2 = 0 then n + 1 end, case when n % 2 = 0 then 0 end, 'b-' || n, n,
            '{{"id": "a row of the usual width", "state": "CONFIRMED", "steps": [1, 2, 3, 4, 5, 6, 7]}}'
        from generate_series(1, {rows}) n""",
    "flight": """
        select 0, gen_random_uuid(), 'command', 'ReserveSeats', 'booking', 'seats', 'b-' || n, n, n + 1, 0
        from generate_series(1, {rows}) n""",
    "tablehash": "select 0, n % 5 + 1, n, n, n from generate_series(1, {rows}) n",
    "indexed": "select 0, {rows}",
    "epoch": "select gen_random_uuid(), now()",
}
COLUMNS = {
    "table": "id, service, name",
    "entry": (
        "tape, pos, kind, service, xid, lsn, committed_at, recorded_at, title, causes, cause_pos, cause_known, emits, changes,"
        " data"
    ),
    "mention": "tape, correlation, pos",
    "rowversion": 'tape, "table", key, from_pos, to_pos, octave, correlation, hash, "row"',
    "flight": "tape, id, kind, type, source, target, correlation, from_pos, to_pos, octave",
    "tablehash": 'tape, "table", pos, rows, hash',
    "indexed": "tape, pos",
    "epoch": "id, created_at",
}


@pytest.fixture(scope="module")
def season(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The journal after 20,000 entries, all indexed."""
    tables = ", ".join(f"journal_{table}" for table in SEASON)
    with django_db_blocker.unblock(), connections["journal"].cursor() as cursor:
        for table, rows in SEASON.items():
            values = rows.format(rows=ROWS, tables=list(TABLES))
            cursor.execute(f"insert into journal_{table} ({COLUMNS[table]}) {values}")
        cursor.execute("analyze")
    yield
    with django_db_blocker.unblock(), connections["journal"].cursor() as cursor:
        cursor.execute(f"truncate {tables}; analyze")


def placed(number: int) -> list[Placed]:
    """So many entries after the last one, each a saga's step: rows that are there already, one of a saga whose booking is in
    no row of the batch, and a message."""
    made = []
    for n in range(number):
        key, message, cause = f"k-{n}", str(uuid.uuid4()), str(uuid.uuid4())
        step = transaction(
            update("booking_saga", {"id": key, "state": "RUNNING"}),
            update("booking_sagalog", {"id": key, "saga_id": key}),
            update("seats_seat", {"id": key, "booking_id": f"b-{n}"}),
            insert("booking_outbox", id=message, kind="command", type="T", destination="seats", **CAUSED),
            update("projections_checkpoint", {"id": key, "event_id": str(uuid.uuid4())}),
            Delete(relation("seats_seat", ["id"]), {"id": f"k-{n + 1}"}),
        )
        one = replace(read_transaction("booking", step), causes=(cause,))
        assert (one.emits, one.correlations) == ((message,), (f"b-{n}",))
        made.append(Placed(ROWS + 1 + n, one, (n + 1,), True))
    return made


@pytest.mark.parametrize("number", [1, 200])
def test_recording_scans_no_table(number: int) -> None:
    with planned() as plans:
        entry_store.open_journal()
        assert entry_store.indexed() == ROWS
        entry_store.append(placed(number), {"booking": "7"})
    assert plans.scans() == []


@pytest.mark.parametrize("number", [1, 200])
def test_indexing_scans_no_table(number: int) -> None:
    entry_store.append(placed(number), {})
    with planned() as plans:
        assert Indexer().step(number) == number
    assert plans.scans() == []


def test_retention_scans_no_table() -> None:
    with planned() as plans:
        assert prune(Keep(entries=ROWS // 2), ROWS)
    assert plans.scans() == []


def test_a_scan_is_found() -> None:
    """The control."""
    with planned() as plans:
        assert Entry.objects.filter(title="seats").count() == ROWS
    assert [table for table, _ in plans.scans()] == ["journal_entry"]

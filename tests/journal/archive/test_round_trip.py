"""Out of one journal and into another, over the real database: exactly, or not at all."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db import connections

from journal.archive.exporting import export, hashes_at
from journal.archive.importing import AlreadyHereError, BusyError, import_run
from journal.archive.reading import ArchiveError
from journal.models import Entry, Flight, RowVersion, Run
from journal.recording import retention
from journal.runs import lifecycle, runs
from tests.journal.archive.samples import sample, text_of
from tests.journal.archive.test_format import sealed
from tests.journal.archive.world import begin, counts, record, wipe
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(databases=["journal"], transaction=True)
ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def emptied() -> Iterator[None]:
    wipe()
    yield
    wipe()


@pytest.fixture
def two_runs() -> tuple[UUID, UUID]:
    """The first from the journal's beginning, the second from its middle."""
    begin()
    first = lifecycle.start("first", "7", [{"id": "f1", "state": "armed"}])
    last = record(1, 5)
    second = lifecycle.start("second", "", [{"id": "f1", "state": "exhausted"}])
    record(last + 1, 5)
    return first, second


def text(id: UUID) -> bytes:
    return b"".join(export(id, chunk=1000))


def versions(tape: int, pos: int) -> list[tuple[Any, ...]]:
    """All rows as of an entry, by the definition."""
    found = RowVersion.objects.filter(tape=tape, from_pos__lte=pos)
    there = [one for one in found if one.to_pos is None or one.to_pos > pos]
    return sorted((one.table, one.key, one.from_pos, one.correlation, one.hash, str(one.row)) for one in there)


def flights(tape: int, pos: int) -> list[tuple[Any, ...]]:
    found = Flight.objects.filter(tape=tape, from_pos__lte=pos)
    return sorted((one.id, one.from_pos, one.type) for one in found if one.to_pos is None or one.to_pos > pos)


def test_export_wipe_import_gives_the_same_file_the_same_hashes_and_the_same_moments(
    two_runs: tuple[UUID, UUID],
) -> None:
    files = [text(id) for id in two_runs]
    hashes = [hashes_at(0, pos) for pos in (15, 20, 30)]
    moments = [(versions(0, pos), flights(0, pos)) for pos in (15, 20, 30)]
    assert moments[0][1], "messages are under way when the second run begins"
    wipe()
    begin()  # of another journal
    imported = [import_run(iter([file])) for file in files]
    assert imported == list(two_runs)
    assert [text(id) for id in imported] == files
    first, second = (Run.objects.get(id=id) for id in imported)
    assert (first.seed, first.faults, second.faults) == ("7", [{"id": "f1", "state": "exhausted"}], [])
    assert (first.tape, second.tape) == (1, 2)
    assert [hashes_at(1, 15), hashes_at(2, 20), hashes_at(2, 30)] == hashes
    found = [(versions(tape, pos), flights(tape, pos)) for tape, pos in ((1, 15), (2, 20), (2, 30))]
    assert [[row[1:] for row in rows] for rows, _ in found] == [[row[1:] for row in rows] for rows, _ in moments]
    assert [flying for _, flying in found] == [flying for _, flying in moments]


def test_a_run_that_is_still_recorded_is_cut_at_its_newest_entry_and_can_lie_beside_itself(
    two_runs: tuple[UUID, UUID],
) -> None:
    file = text(two_runs[1])
    copy = import_run([file])
    assert copy != two_runs[1], "the live run has that id"
    assert text(copy) == file
    found = runs.find(copy)
    assert found
    assert (found["imported"], found["open"], found["entries"], found["ended_at"]) == (True, False, 15, None)
    with pytest.raises(AlreadyHereError) as refused:
        import_run([file])
    assert refused.value.id == copy
    lifecycle.delete(copy)
    assert runs.find(copy) is None
    assert not Entry.objects.exclude(tape=0).exists()
    assert counts()["journal_run"] == 2
    with pytest.raises(lifecycle.LiveRunError):
        lifecycle.delete(two_runs[0])


def test_what_the_journal_has_forgotten_of_a_run_is_in_the_rows_at_its_start(
    two_runs: tuple[UUID, UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "LEAST", 1)
    while retention.prune(retention.Keep(entries=10), indexed=30):
        pass
    found = runs.find(two_runs[1])
    assert runs.find(two_runs[0]) is None
    assert found
    assert (found["first_pos"], found["entries"]) == (21, 10)
    copy = runs.find(import_run([text(two_runs[1])]))
    assert copy
    assert (copy["started_pos"], copy["entries"]) == (21, 10)
    assert hashes_at(1, 30) == hashes_at(0, 30)
    assert versions(1, 20) == versions(0, 20)


def test_no_entries_is_a_run_too() -> None:
    begin()
    id = lifecycle.start("empty", "", [])
    assert runs.find(id)
    file = text(id)
    copy = runs.find(import_run([file]))
    assert copy
    assert (copy["entries"], copy["started_pos"], copy["last_pos"]) == (0, 1, 0)


def spoil(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def change(file: bytes) -> bytes:
        assert re.search(old, file)
        return sealed(re.sub(old, new, file, count=1).splitlines(keepends=True))

    return change


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda file: file[: len(file) // 2], r"line \d+: it is cut off in the middle"),
        (lambda file: file[: file.index(b"\n", len(file) // 2) + 1], r"line \d+: the export ends here, without its trailer"),
        (lambda file: file.replace(b"SOLD", b"VOID", 1), r"line \d+: the checksum is"),
        (spoil(rb'"schema":1', b'"schema":9'), r"line 1: it has schema version 9; this Sagabox reads version 1"),
        (spoil(rb'(sagabox.entry.*?)"status":"SOLD"', rb'\1"status":"VOID"'), r"seats_seat after its last entry has 10 rows"),
        (spoil(rb'"row":\{"body"', b'"row":{"bodx"'), r"seats_seat at its start has 5 rows"),
        (spoil(rb'"xid":7\d\d', b'"xid":null,"xid":-1'), r"line \d+: data\.xid is not as it should be"),
        (spoil(rb"1000000000000000000000000000000\b", b"1e999"), r"line \d+: it is not JSON \(1e999… is beyond"),
        (spoil(rb'(\{.*sagabox\.row".*\n)', rb"\1\1"), r"line \d+: PostgreSQL refuses it: duplicate key"),
        (spoil(rb'"title":"', b'"title":"\\\\ud800'), r"line \d+: it holds half of a character"),
        (spoil(rb'"recorded_at":"2027', b'"recorded_at":"0000'), r"line \d+: data\.recorded_at is not as it should be"),
    ],
)  # fmt: skip
def test_bad_files_are_refused_with_a_message_and_leave_nothing(
    change: Callable[[bytes], bytes], expected: str, two_runs: tuple[UUID, UUID]
) -> None:
    file = text(two_runs[1])
    before = counts()
    with pytest.raises(ArchiveError, match=expected):
        import_run([change(file)])
    assert counts() == before
    assert import_run([file]), "the control: the file as it was"


def test_changes_that_no_recorder_writes_are_refused() -> None:
    run = sample()
    run[1][1]["changes"][0] |= {"table": "seats_outbox"}  # a message without an id
    with pytest.raises(ArchiveError, match=r"the entries from \d+ on cannot be replayed"):
        import_run([text_of(run)])
    assert not any(counts().values())


def test_an_importer_that_is_killed_in_the_middle_leaves_nothing_and_no_lock(two_runs: tuple[UUID, UUID]) -> None:
    file = text(two_runs[0])
    before = counts()
    script = (
        "import os, sys, django; django.setup()\n"
        "from journal.archive import importing, staging\n"
        "staging.ROWS = 2\n"
        "importing.import_run(iter(lambda: os.read(0, 500), b''), lambda stage, count: print(stage, count, flush=True))"
    )
    url = os.environ["DATABASE_URL_JOURNAL"].rpartition("/")[0] + "/" + connections["journal"].settings_dict["NAME"]
    importer = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env={**os.environ, "SERVICE": "journal", "DATABASE_URL_JOURNAL": url, "DJANGO_SETTINGS_MODULE": "config.settings"},
    )  # fmt: skip
    assert importer.stdin
    assert importer.stdout
    importer.stdin.write(file[: 2 * len(file) // 3])
    importer.stdin.flush()
    assert importer.stdout.readline().startswith(b"reading"), "some of it is written, and not committed"
    with pytest.raises(BusyError):
        import_run([file])
    importer.send_signal(signal.SIGKILL)
    importer.communicate()

    def again() -> UUID | None:
        try:
            return import_run([file])
        except BusyError:
            return None

    assert counts() == before
    assert wait_until(again, 10, "PostgreSQL to notice that the importer is gone")

"""Imports a run's lines to a tape of its own, in ONE transaction: if anything fails or dies, nothing is kept.

Rows, flights and hashes at the run's start come from the file; all later ones are derived by the same indexer as the live
journal's, and must end with the hashes the file ends with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

import django.db
import orjson
import psycopg

from journal.archive.exporting import hashes_at
from journal.archive.lines import Hashes
from journal.archive.reading import ArchiveError, read
from journal.archive.staging import Staging, numbers
from journal.database import JOURNAL
from journal.index.indexer import Indexer
from journal.models import Run
from topology.tuning import Count

MANY: Count = 10_000  # rows of a run's start from which on its tables are analysed
LOCK = 5_150_005  # PostgreSQL's advisory lock for imports; one at a time
Progress = Callable[[str, int], None]
"""("reading" | "indexing", how many entries)"""


class BusyError(RuntimeError):
    """Another import is under way."""


class AlreadyHereError(RuntimeError):
    """The same file has been imported before; `id` is that run's."""

    def __init__(self, id: UUID) -> None:
        super().__init__(f"this run is here already, as {id}")
        self.id = id


def import_run(chunks: Iterable[bytes], progress: Progress = lambda stage, entries: None) -> UUID:
    """Read the file and return the id of the new run: its own, unless that is taken here.

    Raises ArchiveError, BusyError, AlreadyHereError, django.db.DatabaseError; then nothing was written.
    """
    with JOURNAL.atomic():
        tape = _new_tape()
        staging, checksum = Staging(tape), ""
        run: dict[str, Any] = {}
        state: dict[str, Any] = {}
        for number, (kind, data) in enumerate(read(chunks), 1):
            match kind:
                case "run":
                    run = data
                case "row" | "flight" | "entry":
                    if staging.add(number, kind, data):
                        progress("reading", staging.entries)
                case "state":
                    state = data
                case "end":
                    checksum = data["sha256"]
        staging.flush()
        progress("reading", staging.entries)
        _check_new(checksum)
        _check("at its start", run["hashes"], staging.hashes)
        _begin(tape, run)
        if sum(total["rows"] for tables in staging.hashes.values() for total in tables.values()) > MANY:
            _make_known()
        _index(tape, progress)
        _check("after its last entry", state["hashes"], hashes_at(tape, run["last_pos"]))
        return _create(tape, run, checksum)


def _new_tape() -> int:
    with JOURNAL.cursor() as cursor:
        cursor.execute("select pg_try_advisory_xact_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            raise BusyError("another import is under way; try again when it has ended")
        cursor.execute("select coalesce(max(tape), 0) + 1 from journal_run")
        return int(cursor.fetchone()[0])


def _make_known() -> None:
    """Have PostgreSQL count the new tape's rows: it would otherwise expect one, and scan all of them for each batch
    that is indexed."""
    with JOURNAL.cursor() as cursor:
        cursor.execute('analyze journal_rowversion (tape, "table", key, from_pos, octave)')


def _check_new(checksum: str) -> None:
    found = Run.objects.filter(imported=True, checksum=checksum).values_list("id", flat=True).first()
    if found is not None:
        raise AlreadyHereError(found)


def _check(when: str, said: Hashes, found: Hashes) -> None:
    """Compare the file's hashes with those of its rows; a table without rows need not be named. Raises ArchiveError."""
    for service in sorted(said.keys() | found.keys()):
        tables, others = said.get(service, {}), found.get(service, {})
        for table in sorted(tables.keys() | others.keys()):
            expected, given = tables.get(table), others.get(table)
            if expected != given and any(total and total["rows"] for total in (expected, given)):
                wrong = f"{service}.{table} {when} has {_words(given)}, the export says {_words(expected)}"
                raise ArchiveError(0, wrong, "a run is imported only if its replay gives the same hashes")


def _words(total: Any) -> str:
    return f"{total['rows']:,} rows with hash {total['hash']}" if total else "no rows"


def _begin(tape: int, run: dict[str, Any]) -> None:
    """The hashes before the first entry, and where the indexer begins."""
    start = run["started_pos"] - 1
    totals = [(service, table, total) for service, tables in run["hashes"].items() for table, total in tables.items()]
    with JOURNAL.cursor() as cursor:
        known = numbers(cursor, {(service, table) for service, table, _ in totals})
        cursor.executemany(
            'insert into journal_tablehash (tape, "table", pos, rows, hash) values (%s, %s, %s, %s, %s)',
            [
                (tape, known[service, table], start, total["rows"], int(total["hash"]))
                for service, table, total in totals
            ],
        )
        cursor.execute("insert into journal_indexed (tape, pos) values (%s, %s)", [tape, start])


def _index(tape: int, progress: Progress) -> None:
    indexer, done = Indexer(tape), 0
    try:
        while count := indexer.step():
            done += count
            progress("indexing", done)
    except (LookupError, ValueError, TypeError, AttributeError) as error:
        wrong = f"the entries from {indexer.pos + 1} on cannot be replayed ({type(error).__name__}: {error})"
        raise ArchiveError(0, wrong, "an entry's changes are rows as a recorder writes them") from error
    except (django.db.DataError, psycopg.DataError, psycopg.errors.ProgramLimitExceeded) as error:
        raise ArchiveError(0, f"PostgreSQL refuses what it gives: {error}", "see the line named there") from error


def _create(tape: int, run: dict[str, Any], checksum: str) -> UUID:
    id = UUID(run["id"])
    if Run.objects.filter(id=id).exists():
        with JOURNAL.cursor() as cursor:
            cursor.execute("select uuidv7()")
            (id,) = cursor.fetchone()
    Run.objects.create(
        id=id, tape=tape, name=run["name"], seed=run["seed"], faults=_plain(run["faults"]), tables=_plain(run["tables"]),
        started_pos=run["started_pos"], ended_pos=run["last_pos"], started_at=run["started_at"], ended_at=run["ended_at"],
        imported=True, checksum=checksum, origin={"id": run["id"], "epoch": run["epoch"]},
    )  # fmt: skip
    return id


def _plain(value: Any) -> Any:
    """Without Decimals, which Django's JSON does not take."""
    return orjson.loads(orjson.dumps(value, default=float))

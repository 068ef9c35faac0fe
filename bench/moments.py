"""`python -m bench moments`: how long a moment takes to look up on a tape of a million entries, and to index it."""

from __future__ import annotations

import argparse
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.tape import HALL, Tape

LIMIT_MS = 200
PAGE_ROWS = 50  # of a table; a page shows 6, all of a booking's, and all seats


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench moments", description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--samples", type=int, default=60)
    parser.add_argument(
        "--quiet", type=float, default=0, help="measure only once the load average is below this; 0: immediately"
    )
    options = parser.parse_args(arguments)

    from sandbox.testing import infrastructure

    with (
        tempfile.TemporaryDirectory(prefix="sagabox-bench-") as directory,
        infrastructure(Path(directory)) as environment,
    ):
        os.environ.update(environment, DJANGO_SETTINGS_MODULE="config.settings", SERVICE="journal")
        import django

        django.setup()
        measure(options.entries, options.samples, options.quiet)


def measure(entries: int, samples: int, quiet: float) -> None:
    from django.core.management import call_command

    call_command("migrate", database="journal", verbosity=0, interactive=False)
    console = Console()
    tape = Tape()
    console.print(f"{entries:,} entries made in {_timed(lambda: fill(tape, entries)):.0f} s")
    seconds = _timed(index)
    console.print(f"indexed in {seconds:.0f} s: {entries / seconds:,.0f} entries a second; {_size()}")
    while quiet and os.getloadavg()[0] >= quiet:
        time.sleep(1)
    console.print(f"load average {os.getloadavg()[0]:.1f}")
    table = Table("query", "p50 ms", "p95 ms", "max ms", f"under {LIMIT_MS} ms", title="A moment, at a random position")
    for name, ask in questions(tape, entries).items():
        ask()  # warm
        times = sorted(_timed(ask) * 1e3 for _ in range(samples))
        p95 = times[round(0.95 * (len(times) - 1))]
        cells = (f"{statistics.median(times):.1f}", f"{p95:.1f}", f"{times[-1]:.1f}")
        table.add_row(name, *cells, "yes" if p95 < LIMIT_MS else "NO")
    console.print(table)


def fill(tape: Tape, entries: int) -> None:
    """Write the tape as the recorder does, without the recorder."""
    from django.db import connections

    columns = (
        "pos, kind, service, xid, lsn, committed_at, recorded_at, title, causes, cause_pos, cause_known, emits, "
        "changes, data"
    )
    mentions = []
    with connections["journal"].cursor() as cursor:
        with cursor.copy(f"copy journal_entry ({columns}) from stdin") as copy:
            for row, booking in tape.entries(entries):
                copy.write_row(row)
                mentions.append((booking, row[0]))
        with cursor.copy("copy journal_mention (correlation, pos) from stdin") as copy:
            for mention in mentions:
                copy.write_row(mention)
        cursor.execute("analyze")


def index() -> None:
    from django.db import connections

    from journal.index.indexer import Indexer

    indexer = Indexer()
    while indexer.step():
        pass
    with connections["journal"].cursor() as cursor:
        cursor.execute("vacuum analyze")


def questions(tape: Tape, entries: int) -> dict[str, Callable[[], Any]]:
    """The queries of a page at a moment."""
    from dashboard.panel.moment import CHECKPOINTS, MOST_SEATS, SEATS
    from journal.reading import marks, moments
    from journal.reading.stories import story

    choose = random.Random(2)  # noqa: S311

    def pos() -> int:
        return choose.randint(1, entries)

    def seat_map(at: int) -> None:
        moments.rows_at(at, tables=[SEATS], like=HALL, limit=MOST_SEATS)
        moments.rows_at(at, tables=[CHECKPOINTS])

    def page() -> None:
        at, booking = pos(), choose.choice(tape.bookings)
        moments.state_at(at, limit=PAGE_ROWS)
        seat_map(at)
        moments.state_at(at, booking=booking)
        moments.flights_at(at)
        moments.faults_at(at)
        moments.totals_at(at)

    return {
        f"all tables, {PAGE_ROWS} rows each": lambda: moments.state_at(pos(), limit=PAGE_ROWS),
        "all tables, 200 rows each": lambda: moments.state_at(pos(), limit=200),
        "the seat map, all 700 seats": lambda: seat_map(pos()),
        "all tables at the end": lambda: moments.state_at(entries, limit=PAGE_ROWS),
        "one booking's rows": lambda: moments.state_at(pos(), booking=choose.choice(tape.bookings)),
        "one booking's story (a fold)": lambda: story(choose.choice(tape.bookings), pos()),
        "messages in flight": lambda: moments.flights_at(pos()),
        "one booking's messages in flight": lambda: moments.flights_at(pos(), booking=choose.choice(tape.bookings)),
        "armed faults": lambda: moments.faults_at(pos()),
        "rows and hashes of all tables": lambda: moments.totals_at(pos()),
        "marks of the whole tape, 1,200 pixels": lambda: marks.marks(1, entries, 1200),
        "density over positions, 1,200 pixels": lambda: marks.density(1, entries, 1200),
        "next entry of a booking": lambda: marks.next_of(choose.choice(tape.bookings), pos()),
        "next fault": lambda: marks.next_fault(pos()),
        "a page: tables, seats, booking, flights, faults, totals": page,
    }


def _size() -> str:
    from django.db import connections

    with connections["journal"].cursor() as cursor:
        cursor.execute(
            "select count(*), pg_size_pretty(pg_total_relation_size('journal_rowversion')),"
            " pg_size_pretty(pg_total_relation_size('journal_entry')) from journal_rowversion"
        )
        versions, size, of_entries = cursor.fetchone()
    return f"{versions:,} row versions, {size}, compared with {of_entries} of entries"


def _timed(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began

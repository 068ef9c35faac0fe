"""A play on tape: what the databases' own logs say of it, as a file that the player opens.

A play that is taped commits, where all others are rolled back. What reads it is what records a sandbox: replication slots,
the journal's reading, ordering, store, indexer and export. Only the waiting differs: between two moves of the play each log
is read to its end, so it is known that no cause is still to come.
"""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Self

import psycopg
from django.db import connections
from redis import Redis

from control.setup.backfill import Begun, backfill
from control.setup.publish import ensure_slot, journaled_tables, publish_database
from journal.archive.exporting import export
from journal.index.indexer import Indexer
from journal.models import LIVE, Run
from journal.recording import entry_store
from journal.recording.observations import Observations
from journal.recording.ordering import LONGEST, Ordering
from journal.recording.table_definitions import Definitions
from journal.recording.transactions import Candidate, read_transaction
from journal.runs import lifecycle
from messaging import observe
from messaging.wal import WalStream, wait
from proofs.timeline import Entry
from sandbox.testing import url_of
from tests.journal.archive.world import wipe
from tests.waiting import wait_until

MARK = "tape"  # prefix of the notes by which the end of a log is known
DROPPED = {"point": "bus", "action": "drop", "fired": 1, "who": "the network"}


class Tape:
    """Records from its beginning until `close`. The journal's database is emptied first."""

    def __init__(self, redis: Redis, aliases: tuple[str, ...]) -> None:
        wipe()
        opened = entry_store.open_journal()
        self._ordering, self._definitions = Ordering(opened.pos, opened.emitted), Definitions()
        self._observations = Observations(redis, _newest(redis))
        self._told = self._marks = 0
        with ExitStack() as logs:
            self._streams = {alias: logs.enter_context(_log(alias)) for alias in aliases}
            self._end = logs.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end.close()

    def tell(self, entry: Entry) -> None:
        """Place what no log can show (a message that is lost, time that is over) after all that has happened."""
        self.read()
        self._told += 1
        data = {"kind": entry["kind"], "data": entry["data"]}
        if entry["kind"] == "lost":  # as the fault it would be in a sandbox: its flight ends here
            (message,) = entry["causes"]
            data = {"kind": "fault", "messageid": message, "data": {"fault": f"play {self._told}", **DROPPED}}
        candidate = Candidate(
            kind="observation", source="play", cursor=str(self._told), service=entry["service"],
            committed_at=datetime.now(UTC), title=f"{entry['kind']}: {entry['title']}", causes=tuple(entry["causes"]),
            emits=tuple(entry["emits"]), correlations=tuple(entry["correlations"]), data=data,
        )  # fmt: skip
        self._ordering.add(candidate, time.monotonic())
        self._store()

    def read(self) -> None:
        """Read every log to its end, and store what was committed and observed."""
        self._marks += 1
        for alias in self._streams:
            with connections[alias].cursor() as cursor:
                cursor.execute("select pg_logical_emit_message(true, %s, %s)", [MARK, str(self._marks)])
        unread = set(self._streams)
        wait_until(lambda: self._read(unread), 20, f"the logs of {', '.join(unread)}")
        for candidate in self._observations.poll():
            self._ordering.add(candidate, time.monotonic())
        self._store()

    def _read(self, unread: set[str]) -> bool:
        """Whether all are read up to the mark."""
        wait([self._streams[alias] for alias in unread], 0.1)
        for alias in list(unread):
            for transaction in self._streams[alias].poll():
                if any(note.prefix == MARK for note in transaction.notes):
                    if transaction.notes[0].content == str(self._marks).encode():
                        unread.discard(alias)
                else:
                    self._definitions.note(alias, transaction)
                    self._ordering.add(read_transaction(alias, transaction), time.monotonic())
        return not unread

    def _store(self) -> None:
        """By cause; then what has a cause that nobody sent, for nothing is still on its way to us."""
        now = time.monotonic()
        placed = [*self._ordering.release(now), *self._ordering.release(now + LONGEST)]
        if placed:
            clusters = {alias: stream.system_id for alias, stream in self._streams.items()}
            entry_store.append(placed, clusters, self._definitions.take())

    def write(self, file: Path, name: str) -> None:
        """Export the run, as `manage.py runs export` does."""
        self.read()
        indexer = Indexer()
        while indexer.step():
            pass
        run = Run.objects.get(tape=LIVE, ended_pos=None)
        lifecycle.rename(run.id, name[:200])
        lifecycle.start("after the play", "", [])  # which ends the run
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("wb") as output:
            output.writelines(export(run.id))


def _newest(redis: Redis) -> str:
    """Where the stream of observations stands: those of earlier plays were rolled back."""
    found: Any = redis.xrevrange(observe.STREAM, count=1)
    return found[0][0].decode() if found else ""


@contextmanager
def _log(alias: str) -> Iterator[WalStream]:
    """The log of a test database from now on, told first what rows there are, as a sandbox is made ready for its recorder."""
    name, slot = connections[alias].settings_dict["NAME"], f"tape_{alias}_{os.getpid()}"
    recorder = url_of(os.environ, alias, "recorder", name)
    with (
        psycopg.connect(url_of(os.environ, alias, alias, name), autocommit=True) as owner,
        psycopg.connect(recorder, autocommit=True) as reader,
        ExitStack() as undo,
    ):
        undo.callback(owner.execute, "drop publication if exists journal, outbox")
        publish_database(owner, alias)
        undo.callback(wait_until, partial(_dropped, reader, slot), 10, "the slot's reader to go")
        ensure_slot(reader, slot)
        backfill(owner, alias, journaled_tables(owner, alias), Begun.NEW)
        with closing(
            WalStream(recorder, slot=slot, publication="journal", name=f"tape {alias}", notes=True, raw=True)
        ) as stream:
            yield stream


def _dropped(reader: psycopg.Connection, slot: str) -> bool:
    if reader.execute("select from pg_replication_slots where slot_name = %s and active", (slot,)).rowcount:
        return False
    reader.execute("select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = %s", (slot,))
    return True

"""The flight recorder: the journal's only writer. Five logs and the observations in, one order out.

Pages show what the databases committed, since it is read from their logs. Entries and positions are committed together;
only then are the entries published and the slots confirmed. So a restart neither loses nor duplicates an entry.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import DatabaseError, IntegrityError, InterfaceError
from psycopg.conninfo import conninfo_to_dict
from redis import Redis

from journal.database import JOURNAL
from journal.entry import EntryDict
from journal.recording import entry_store
from journal.recording.broadcast import Broadcast
from journal.recording.maintenance import Maintenance
from journal.recording.observations import SOURCE as OBSERVATIONS
from journal.recording.observations import Observations
from journal.recording.ordering import Ordering, Placed
from journal.recording.retention import Keep
from journal.recording.table_definitions import Definitions
from journal.recording.transactions import read_transaction, replacement
from messaging.process.heartbeat import Heartbeat
from messaging.process.on_demand import OnDemand
from messaging.process.pacing import LATER, Pacer
from messaging.wal import Resume, WalStream, format_lsn, parse_lsn, wait
from topology.chosen import HOUSE
from topology.tuning import Count, Seconds

log = logging.getLogger(__name__)

HELD_LIMIT: Count = 5_000
"""Transactions of one log in memory; beyond, that log is left unread until the others have caught up."""
AT_ONCE: Count = 200  # entries in one statement, whose arrays have an end: an entry of 200 bookings is a megabyte
OBSERVE_EVERY: Seconds = 0.1  # seconds
WRITE_EVERY: Seconds = 0.02
"""Seconds; a lone transaction is written immediately, those that follow closely share a commit."""
READ_EVERY: Seconds = 0.02
"""Between two reads of a stream, while its round lasts. Gained: a round's decoding before the write, 8 to 2 ms at the
median."""
LONGEST_ROUND_S: Seconds = 0.045
"""Longest round, from one publishing to the next; pages are drawn every 0.05 s at most. Gained: with rounds in relays
and projectors, 84 to 40 ms of processor time a booking at 20/s; compared with 0.1 s, commit to pixel p50 112 to 90 ms, p95
226 to 190 (one run each)."""
REPORT_EVERY: Seconds = 1.0  # between two reports of how far the recorder is
LULL: Seconds = 0.3
"""Seconds without an entry; a recorder that indexed between two of them would keep the second waiting."""
BACKOFF: tuple[Seconds, Seconds] = (0.1, 2.0)  # seconds before the journal's database is tried again


def record(urls: Mapping[str, str], redis: Redis, stopping: Callable[[], bool]) -> None:
    """Record until `stopping()`. `urls`: database alias -> replication URL. Survives outages of all servers it uses."""
    backoff = BACKOFF[0]
    while not stopping():
        recorder = None
        try:
            recorder = Recorder(urls, redis)
            while not stopping():
                recorder.step()
                backoff = BACKOFF[0]
        except (DatabaseError, InterfaceError) as error:
            # What was stored is unknown now, so begin again from the database's state.
            log.warning("%s: %s", _why(error), error)
            wait([], backoff)
            backoff = min(2 * backoff, BACKOFF[1])
        finally:
            if recorder is not None:
                recorder.close()
            JOURNAL.close()


def _why(error: Exception) -> str:
    if isinstance(error, IntegrityError):  # an entry's position is taken by an entry of another recorder
        return "another recorder writes to this journal too; reading what it stored"
    return "the journal's database is not available"


class Recorder:
    """One session with the journal's database. Raises django.db.DatabaseError if it fails; then create a new one."""

    def __init__(self, urls: Mapping[str, str], redis: Redis) -> None:
        opened = entry_store.open_journal()
        self._ordering = Ordering(opened.pos, opened.emitted)
        self._every_stream = {alias: _stream(alias, url, opened.cursors.get(alias)) for alias, url in urls.items()}
        self._on_demand = OnDemand(redis)
        self._streams = self._of_working()
        self._keys = {alias: str(conninfo_to_dict(url).get("password") or "") for alias, url in urls.items()}
        observed = opened.cursors.get(OBSERVATIONS)
        self._observations = Observations(redis, observed.cursor if observed else "")
        self._broadcast = Broadcast(redis, opened.epoch)
        self._heartbeat = Heartbeat(redis, "recorder")
        self._maintenance = Maintenance(Keep(settings.JOURNAL_KEEP_ENTRIES, settings.JOURNAL_KEEP_BYTES))
        self._definitions = Definitions()
        self._observe_at = self._write_at = self._report_at = 0.0
        self._wrote_at = float("-inf")
        self._fresh = False  # something was read that has not been placed yet
        self._pacer = Pacer(LONGEST_ROUND_S, over_s=LATER)  # a lone booking makes twenty entries in a burst
        self._recorded, self._behind_ms, self._late_s = 0, 0, 0.0

    def close(self) -> None:
        for stream in self._every_stream.values():
            stream.close()
        self._maintenance.close()

    def step(self) -> None:
        """Wait a moment for something to read, then read, order, store and publish."""
        self._read()
        now = time.monotonic()
        placed: list[Placed] = []
        if now >= self._write_at:
            placed, self._fresh = self._ordering.release(now), False
        if placed:
            for begin in range(0, len(placed), AT_ONCE):
                self._write(placed[begin : begin + AT_ONCE])
            self._pacer.count(len(placed))
            # Since its publication, not since its start: a page delays frames that arrive early.
            published = time.monotonic()
            self._write_at = max(published + WRITE_EVERY, self._pacer.due_at(published))
        elif now >= self._report_at:
            self._publish([], now)
        if self._maintenance_due(bool(placed)):
            self._maintenance.turn(self._ordering.pos)
        lost = [service for service, stream in self._streams.items() if stream.slot_lost]
        if lost or any(stream.connected for stream in self._streams.values()):
            self._heartbeat.beat(
                f"nothing of {', '.join(lost)} is recorded: the replication slot is lost" if lost else ""
            )

    def _of_working(self) -> dict[str, WalStream]:
        """Without those of instances on demand that are stopped. A stream that joins again resumes at its own position."""
        stopped = self._on_demand.stopped_databases()
        if not stopped:
            return self._every_stream
        return {alias: stream for alias, stream in self._every_stream.items() if alias not in stopped}

    def _choose(self) -> None:
        """Close the log of an instance that is to stop: a server that shuts down waits for its readers."""
        before, self._streams = self._streams, self._of_working()
        for alias in before.keys() - self._streams.keys():
            before[alias].close()
            log.info("%s is stopped on purpose; reading of its log resumes when it is started again", alias)

    def _read(self) -> None:
        self._choose()
        ordering = self._ordering
        open_ones = {service: at for service, at in self._streams.items() if ordering.waiting(service) < HELD_LIMIT}
        behind = any(stream.ready for stream in open_ones.values())
        if not behind and not self._maintenance_due():
            # Transactions that arrive meanwhile could not be written yet; but they are read, so that less is left to do
            # later.
            wait([], min(max(self._write_at - time.monotonic(), 0.0), READ_EVERY))
            if not (self._fresh and time.monotonic() >= self._write_at):
                wait(list(open_ones.values()), self._idle_for())
        now = time.monotonic()
        for service, stream in self._streams.items():
            if service in open_ones:
                for transaction in stream.poll(limit=500):
                    self._definitions.note(service, transaction)
                    ordering.add(read_transaction(service, transaction, self._keys[service]), now)
                    self._fresh = True
            else:
                stream.beat()
        if now >= self._observe_at:
            self._observe_at = now + OBSERVE_EVERY
            for candidate in self._observations.poll():
                ordering.add(candidate, now)

    def _idle_for(self) -> float:
        """How long to wait for something to read, in seconds."""
        if not self._ordering.waiting():
            return OBSERVE_EVERY
        left = self._write_at - time.monotonic()
        if left <= 0:
            return WRITE_EVERY  # everything that could be written is: the rest waits for its causes
        return min(left, WRITE_EVERY)

    def _write(self, placed: list[Placed]) -> None:
        clusters = {service: stream.system_id for service, stream in self._every_stream.items()}
        placed, entries = _kept(placed, clusters, self._definitions.take())
        self._wrote_at = time.monotonic()
        behind = datetime.now(UTC) - min(item.candidate.committed_at for item in placed)
        self._late_s = behind.total_seconds()
        self._behind_ms = max(self._behind_ms, round(self._late_s * 1000))
        self._recorded += len(placed)
        self._publish(entries, time.monotonic())
        for item in placed:
            if item.candidate.source in self._every_stream:
                newest = item.candidate
                self._every_stream[newest.source].confirm(parse_lsn(newest.cursor))

    def _busy(self) -> bool:
        """There is more to read, or may be in a moment. Transactions that only wait for their cause leave time for
        maintenance."""
        return time.monotonic() < self._wrote_at + LULL or any(stream.ready for stream in self._streams.values())

    def _maintenance_due(self, wrote: bool = False) -> bool:
        return self._maintenance.due(self._ordering.pos, busy=wrote or self._busy(), behind_s=self._late_s)

    def _publish(self, entries: list[EntryDict], now: float) -> None:
        self._broadcast.publish(entries, self._status(now))

    def _status(self, now: float) -> dict[str, Any]:
        """For the page: `behind_ms` is the age at storing of the oldest entry since the last report; 0 when idle.

        `indexed` is the last position whose moment can be read. `stored`: service -> LSN up to which all is journaled.
        """
        elapsed = now - (self._report_at - REPORT_EVERY)
        status: dict[str, Any] = {
            "pos": self._ordering.pos,
            "waiting": self._ordering.waiting(),
            "indexed": self._maintenance.indexed,
            "index_lag": max(self._ordering.pos - self._maintenance.indexed, 0),
        }
        if now >= self._report_at:
            outages = {service: stream.failure for service, stream in self._streams.items() if stream.failure}
            status |= {
                "behind_ms": self._behind_ms,
                "entries_per_s": round(self._recorded / elapsed, 1),
                "outages": json.dumps(outages),
                "index_failure": self._maintenance.failure,
                "stored": json.dumps(
                    {service: format_lsn(stream.confirmed) for service, stream in self._streams.items()}
                ),
                "at": datetime.now(UTC).isoformat(),
            }
            self._report_at, self._recorded, self._behind_ms = now + REPORT_EVERY, 0, 0
        return status


def _kept(
    placed: list[Placed], clusters: dict[str, str], definitions: dict[str, dict[str, Any]]
) -> tuple[list[Placed], list[EntryDict]]:
    """Store the entries. An entry that the journal's database refuses is replaced by one that reports that.

    It would be read again after every restart, and stop the recording for ever. Raises django.db.DatabaseError.
    """
    try:
        return placed, entry_store.append(placed, clusters, definitions)
    except Exception as error:
        if not entry_store.refuses(error):
            raise
        if len(placed) > 1:
            middle = len(placed) // 2
            first, entries = _kept(placed[:middle], clusters, definitions)
            second, more = _kept(placed[middle:], clusters, definitions)
            return [*first, *second], [*entries, *more]
        log.error("entry %d is not what the journal can keep: %s", placed[0].pos, error)
        candidate = replacement(placed[0].candidate, f"{type(error).__name__}: {error}")
        instead = [replace(placed[0], candidate=candidate, cause_pos=(), cause_known=True)]
        return instead, entry_store.append(instead, clusters, definitions)


def _stream(alias: str, url: str, stored: entry_store.Cursor | None) -> WalStream:
    resume = Resume(parse_lsn(stored.cursor), stored.system_id) if stored else None
    slot = HOUSE.database(alias).slot
    return WalStream(
        url, slot=slot, publication="journal", name=f"recorder {alias}", resume=resume, notes=True, raw=True
    )

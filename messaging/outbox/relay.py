"""The relay of one service: transaction log tailing (C. Richardson's pattern) of its outbox, batched by credit.

It reads the outbox' inserts from the service's write-ahead log and sends them: events to a Redis Stream, commands and
replies to the Celery queue of their destination, a service. A destination whose queue is not empty gets nothing more: other
messages wait here, where they are merged into one batch, which the handler takes in one local transaction. A lone
message finds an empty queue and travels immediately. The log position is confirmed up to the oldest unsent envelope:
delivery is at least once, and nothing is lost.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator

from celery import Celery
from django.db import DatabaseError, InterfaceError
from redis import Redis

from faults import Plan
from messaging import envelope as envelopes
from messaging.database import Database
from messaging.observe import observe
from messaging.outbox import event_log
from messaging.outbox.backlog import Backlog, Envelope
from messaging.outbox.publisher import FAILURES, Publisher
from messaging.outbox.relay_faults import RelayFaults
from messaging.process.heartbeat import Heartbeat
from messaging.process.pacing import ONE_AFTER_ANOTHER, Pacer
from messaging.process.warm_up import warm_up
from messaging.storable import LARGEST, NotStorableError, readable
from messaging.wal import Insert, Row, Transaction, WalStream, wait
from topology.chosen import HOUSE
from topology.tuning import Count, Seconds

log = logging.getLogger(__name__)

BATCH: Count = 200  # envelopes a task: the handler's local transaction, and its locks, must stay short
LONE: Count = 2  # messages for one queue that are sent in the round trip that looks whether it is empty
EVENTS_AT_ONCE: Count = 500  # events in one round trip to Redis
HELD_LIMIT: Count = 50_000  # envelopes in memory before reading stops (the log keeps them better than we do)
CREDIT_POLL: tuple[Seconds, Seconds] = (0.005, 0.02)
"""Seconds between looks at a full queue: while it moves, and when it stands still."""
PACE_S: Seconds = 0.03
"""Between two batches for one queue: messages that follow a lone one closely share the next transaction."""
LONGEST_ROUND_S: Seconds = 0.4
"""Longest round of a stream. Gained: with the other rounds, 84 to 40 ms of processor time a booking at 20/s, 41 to 22
at 45/s."""
FEW: Count = 100  # envelopes; with more waiting, the workers must not wait for a round
IDLE: Seconds = 0.5  # how long to wait for the log when nothing is held
BACKOFF: tuple[Seconds, Seconds] = (0.05, 1.0)  # seconds between attempts while Redis is away


class Relay:
    """`run()` until told to stop, or `step()` once (tests).

    `db`: the service's database. If the log has a hole, because its slot was lost and has been
    recreated, the relay sends what it may have missed from there; without it, readers find the hole and the watchdog
    resends.
    """

    def __init__(self, service: str, stream: WalStream, app: Celery, redis: Redis, db: Database | None = None) -> None:
        self.service, self._stream, self._redis = service, stream, redis
        self._publisher = Publisher(app, redis, service)
        program = f"relay-{service}"
        self._heartbeat = Heartbeat(redis, program)
        self._backlog = Backlog()
        self._faults = RelayFaults(Plan(redis, service, program), self._backlog, self._alive)
        self._db, self._horizon = db, 0  # everything of transactions before `_horizon` has been read
        self._holes = self._hole = 0  # how many holes there were, and the horizon of the one to fill
        self._previous_event = ""  # unknown to a relay that has just started; readers take that as a gap
        self._stopping: Callable[[], bool] = lambda: False
        self._backoff, self._blocked_until, self._moved_at = BACKOFF[0], 0.0, 0.0
        self._sent_at: dict[str, float] = {}  # destination -> when it was last given something
        self._pacer, self._round_at = Pacer(LONGEST_ROUND_S, quiet=ONE_AFTER_ANOTHER), 0.0

    def run(self, stopping: Callable[[], bool]) -> None:
        """Relay until `stopping()`. Unsent messages then stay in the log, unconfirmed, for the next run."""
        self._stopping = stopping
        warm_up(f"relay-{self.service}", self._publisher.rehearse)
        try:
            while not stopping():
                self.step()
        finally:
            self.close()

    def close(self) -> None:
        self._stream.close()

    def step(self) -> None:
        """Wait for something to do, at most half a second, and do it."""
        self._rest()
        timeout = self._timeout()
        if len(self._backlog) < HELD_LIMIT:
            wait([self._stream], timeout)
            transactions = self._stream.poll()
            self._fill_holes()
            for transaction in transactions:
                envelopes = list(self._envelopes(transaction))
                self._pacer.count(len(envelopes))
                self._backlog.add(transaction.end_lsn, envelopes)
            self._round_at = time.monotonic()
        else:
            wait([], timeout)
            self._stream.beat()
        if time.monotonic() >= self._blocked_until:
            self._flush()
            if self._stream.connected:
                self._heartbeat.beat()
            elif self._stream.slot_lost:
                what = f"no message of {self.service} is sent until it is made again"
                self._heartbeat.beat(f"the replication slot is lost: {what}")

    def _fill_holes(self) -> None:
        """Read from the outbox what the log may have missed: everything of transactions that may have ended since the
        last read. Some messages are sent a second time, which every receiver absorbs.
        """
        if self._db is None or not self._stream.connected:
            return
        if self._stream.holes != self._holes:
            self._holes, self._previous_event = self._stream.holes, ""
            self._hole = self._hole or self._horizon  # what is read after it must not move this on
        if self._horizon and not self._hole:
            return
        try:
            if not self._horizon:
                self._horizon = event_log.horizon(self._db)
                return
            rows = event_log.rows_since(self._db, HOUSE.service(self.service).outbox, self._hole)
        except (DatabaseError, InterfaceError) as error:
            log.warning("relay-%s: the outbox cannot be read yet: %s", self.service, error)
            return
        finally:
            self._db.close()
        self._hole = 0
        log.warning("relay-%s: the log has a hole; %d messages are sent from the outbox", self.service, len(rows))
        self._backlog.add(0, list(self._read(rows)))

    def _rest(self) -> None:
        """Handle a stream in rounds."""
        rest = self._pacer.due_at(self._round_at) - time.monotonic()
        if rest > 0 and len(self._backlog) < FEW:
            wait([], rest)

    def _timeout(self) -> float:
        now = time.monotonic()
        if now < self._blocked_until:
            return self._blocked_until - now
        if not self._backlog:
            return IDLE
        if self._backlog.events:
            return 0
        paced = min((self._due_at(queue) - now for queue in self._backlog.queues), default=0.0)
        return max(paced, CREDIT_POLL[0] if now - self._moved_at < 1 else CREDIT_POLL[1])

    def _due_at(self, queue: str) -> float:
        return self._sent_at.get(queue, float("-inf")) + PACE_S

    def _envelopes(self, transaction: Transaction) -> Iterator[Envelope]:
        return self._read(change.new for change in transaction.changes if type(change) is Insert)

    def _read(self, rows: Iterable[Row]) -> Iterator[Envelope]:
        for row in rows:
            try:
                envelope = _envelope(self.service, row)
            except Exception as error:
                # Keeping it would block the log for ever, and no receiver could take it.
                self._left_out(row, f"{error}" or repr(error))
                continue
            self._horizon = max(self._horizon, int(envelope["horizon"]))
            if envelope["kind"] == "event":
                # Chained in commit order and before any fault, so that a reader can tell that one is missing.
                envelope["prev"], self._previous_event = self._previous_event, envelope["id"]
            yield envelope

    def _left_out(self, row: Row, why: str) -> None:
        """Report that a message is not sent: no receiver could read it, and the watchdog will notice that it is missing."""
        text = f"{row.get('type')} {row.get('id')} is not sent: {why}"
        log.error("relay-%s: %s", self.service, text)
        booking, message = str(row.get("correlation_id") or ""), str(row.get("id") or "")
        text = f"relay-{self.service}: {text}"
        observe(self._redis, self.service, "not sent", text, booking=booking, message_id=message)

    def _flush(self) -> None:
        """Send what may be sent now, then confirm what that completes."""
        try:
            if self._backlog:
                self._faults.admit()
                self._send()
            self._backoff = BACKOFF[0]
        except FAILURES as error:
            log.warning("relay-%s: %d envelopes wait for Redis: %s", self.service, len(self._backlog), error)
            self._blocked_until = time.monotonic() + self._backoff
            self._backoff = min(2 * self._backoff, BACKOFF[1])
        lsn = self._backlog.safe_lsn()
        if lsn is not None:
            self._stream.confirm(lsn)

    def _send(self) -> None:
        """Events, and a batch to each destination whose turn it is. Where many messages wait, its queue is looked at first: to
        write a batch that is not taken costs more than that."""
        backlog = self._backlog
        events = [item.envelope for item in backlog.first(backlog.events, EVENTS_AT_ONCE)]
        now = time.monotonic()
        due = [queue for queue in backlog.queues if now >= self._due_at(queue)]
        if not events and not due:
            return
        batches = {queue: self._first(queue) if len(backlog.queues[queue]) <= LONE else None for queue in due}
        empty = self._give(events, batches)
        if empty:
            self._give([], {queue: self._first(queue) for queue in empty})

    def _give(self, events: list[Envelope], batches: dict[str, list[Envelope] | None]) -> set[str]:
        """Send; return the destinations whose queues were only looked at, and are empty."""
        empty = self._publisher.send(events, batches)
        taken = {queue: batch for queue, batch in batches.items() if batch and queue in empty}
        self._backlog.sent(self._backlog.events, len(events))
        for queue, batch in taken.items():
            self._backlog.sent(self._backlog.queues[queue], len(batch))
            self._backlog.drop_empty(queue)
            self._moved_at = self._sent_at[queue] = time.monotonic()
        for sent in (events, *taken.values()):
            self._faults.published(sent)
        return empty - taken.keys()

    def _first(self, queue: str) -> list[Envelope]:
        return [item.envelope for item in self._backlog.first(self._backlog.queues[queue], BATCH)]

    def _alive(self) -> bool:
        """Called while a fault stops the relay itself: its database must not disconnect, and the heartbeat must continue."""
        self._stream.beat()
        self._heartbeat.beat()
        return not self._stopping()


def _envelope(service: str, row: Row) -> Envelope:
    """The envelope of an outbox row as the log has it. Raises ValueError or KeyError for one that no receiver could take."""
    data = row["data"] or "null"
    if len(data) > LARGEST:
        raise NotStorableError(f"its data takes {len(data):,} characters; at most {LARGEST:,} are sent")
    envelope = envelopes.from_row(service, {**row, "data": readable(data), "time": _iso(row["time"])})
    if not isinstance(envelope["data"], dict):
        raise NotStorableError("its data is no JSON object that can be read, or nested too deep")
    if envelope["kind"] != "event" and not envelope.get("destination"):
        raise NotStorableError("it has no destination")
    return envelope


def _iso(text: str | None) -> str:
    """`2027-01-31 12:00:00.5+00`, as the log has it (the connection's zone is UTC), in ISO 8601."""
    if text is None:
        raise NotStorableError("it has no time")
    return f"{text[:10]}T{text[11:]}:00"

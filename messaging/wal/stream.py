"""The durable reader of one slot: whole transactions in commit order, over restarts of the server and of this process.

It never blocks, so that one loop can serve several slots and a broker: `wait` for something to do, then `poll`.
"""

from __future__ import annotations

import logging
import random
import time

import psycopg

from topology.tuning import Seconds

from .connection import Attempt, ReplicationConnection, ReplicationError, Resume
from .decoding import Assembler, ProtocolError
from .messages import Keepalive, Transaction

log = logging.getLogger(__name__)

CONFIRM_EVERY: Seconds = 0.25
"""A confirmation wakes the server: a busy reader sends one for many commits. Gained: 5 % of the recorder by its
profile, too little to be measured."""
# how soon a position that moved without a transaction of ours is confirmed, so that the server can drop log
IDLE_EVERY: Seconds = 1.0
STATUS_EVERY: Seconds = 5.0  # sent even when nothing moved: a reader that is silent for wal_sender_timeout is cut off
SILENCE: Seconds = 20.0  # after this long without a message, ask the server for one; after twice that, reconnect
BACKOFF: tuple[Seconds, Seconds] = (0.05, 2.0)
"""Seconds before the first attempt to reconnect, and at most before any later one."""
SLOT_LOST = ("42704", "55000")  # SQLSTATE: there is no such object; it is not in a state to be read (invalidated)
FAILURES = (psycopg.Error, ReplicationError, ProtocolError, OSError)


class WalStream:
    """Reads `publication` through `slot` of the database at `url` (a role with REPLICATION needs no rights to tables).

    The caller confirms what it has handled; what was not confirmed when its process died is delivered again.
    During its life nothing is delivered twice: the server may rewind a slot (an immediate restart forgets the newest
    confirmations), but this object resumes at its own position and skips what is before it. `resume` is such a position
    that the caller stored with its own data; it wins over the slot's. `notes`: include what `pg_logical_emit_message`
    wrote. `raw`: do not decode the rows.
    """

    def __init__(
        self,
        url: str,
        *,
        slot: str,
        publication: str,
        name: str = "",
        resume: Resume | None = None,
        notes: bool = False,
        raw: bool = False,
    ) -> None:
        self._url, self._slot, self._publication, self._name = url, slot, publication, name
        self._notes, self._raw = notes, raw
        self._resume = resume or Resume()
        self._delivered = self._confirmed = self._resume.lsn
        # A stored position is that of a transaction. The slot of its reader stands later when log that was not ours was
        # confirmed after it, so only a position that this object itself has reached tells that something is missing.
        self._connected_before = False
        self._connection: ReplicationConnection | None = None
        self._attempt: Attempt | None = None
        self._assembler = Assembler()
        self._backoff, self._next_attempt = BACKOFF[0], 0.0
        self._wal_end = self._sent = 0
        self._sent_at = self._heard_at = 0.0
        self.ready = False  # the last poll stopped at its limit: there is more already
        self.failure = ""  # why there is no connection; "" while there is one
        self.slot_lost = False  # that is: the slot does not exist, or the server has dropped its log
        self.holes = 0  # how often the slot turned out to begin after what this object had read: something is missing

    @property
    def connected(self) -> bool:
        return self._connection is not None

    @property
    def system_id(self) -> str:
        """The identifier of the cluster read, to be stored with an LSN: neither means anything without the other."""
        return self._resume.system_id

    @property
    def confirmed(self) -> int:
        return self._confirmed

    def fileno(self) -> int | None:
        return self._connection.fileno() if self._connection else None

    def poll(self, limit: int = 1000) -> list[Transaction]:
        """The transactions that have arrived, at most `limit`. Connects (again) when that is due. Never blocks or raises."""
        transactions: list[Transaction] = []
        self.ready = False
        connection = self._connection or self._connect()
        if connection is None:
            return transactions
        try:
            self._read(connection, transactions, limit)
            self._send_due(connection)
        except FAILURES as error:
            self._lost(error)
        return transactions

    def beat(self) -> None:
        """Send a due status without reading: for a caller that has to stop reading for a while."""
        if self._connection is not None:
            self._heard_at = time.monotonic()
            self._send_status()

    def confirm(self, lsn: int) -> None:
        """All up to `lsn` (a transaction's `end_lsn`) is handled. Sent immediately, or by a later poll if one was sent
        just before."""
        self._confirmed = max(self._confirmed, lsn)
        self._send_status()

    def close(self) -> None:
        """Send the confirmed position and disconnect. A server that shuts down waits for its readers, so call it early."""
        if self._connection is not None:
            try:
                self._send(self._connection)
            except FAILURES as error:
                log.info("%s: confirmation not sent: %s", self._name, error)
            self._connection.close()
            self._connection = None
        if self._attempt is not None:
            self._attempt.abandon()
            self._attempt = None

    def _read(self, connection: ReplicationConnection, transactions: list[Transaction], limit: int) -> None:
        decode, add = connection.decoder.decode, self._assembler.add
        next_message = connection.next_message
        data = next_message()
        if data is not None:
            self._heard_at = time.monotonic()
        while data is not None:
            message = decode(data)
            if type(message) is Keepalive:
                self._wal_end = max(self._wal_end, message.wal_end)
                if message.reply_requested:
                    self._send(connection)
            elif message is not None:
                transaction = add(message)
                if transaction is not None and transaction.end_lsn > self._delivered:
                    self._delivered = transaction.end_lsn
                    transactions.append(transaction)
                    if len(transactions) >= limit:
                        self.ready = True
                        return
            data = next_message()

    def _send_status(self) -> None:
        if self._connection is not None:
            try:
                self._send_due(self._connection)
            except FAILURES as error:
                self._lost(error)

    def _send_due(self, connection: ReplicationConnection) -> None:
        now = time.monotonic()
        since = now - self._sent_at
        if since >= CONFIRM_EVERY:
            moved = self._confirmed > self._sent
            if moved or (self._position() > self._sent and since >= IDLE_EVERY) or since >= STATUS_EVERY:
                self._send(connection)
        silent = now - self._heard_at
        if silent > 2 * SILENCE:
            raise ReplicationError(f"no word from the server for {silent:.0f} s")
        if silent > SILENCE and since >= 1:
            connection.send_status(self._position(), reply_requested=True)
            self._sent_at = now

    def _position(self) -> int:
        """The position that may be confirmed. With nothing unhandled, all that the server has read: otherwise it would
        retain log for ever."""
        if self._confirmed >= self._delivered and not self._assembler.inside:
            self._confirmed = self._delivered = max(self._confirmed, self._wal_end)
        return self._confirmed

    def _send(self, connection: ReplicationConnection) -> None:
        position = self._position()
        connection.send_status(position)
        self._sent, self._sent_at = position, time.monotonic()

    def _connect(self) -> ReplicationConnection | None:
        """Connect in a thread, since a host that does not answer must not block the caller."""
        if self._attempt is None:
            if time.monotonic() < self._next_attempt:
                return None
            resume = Resume(self._delivered, self._resume.system_id)
            self._attempt = Attempt(
                self._url, self._slot, self._publication, resume, self._name, self._notes, self._raw
            )
            self._attempt.start()
        self._attempt.join(0.002)
        if self._attempt.is_alive():
            return None
        attempt, self._attempt = self._attempt, None
        if attempt.connection is None:
            self._lost(attempt.error or ReplicationError("no connection"))
            return None
        self._started(attempt.connection)
        return attempt.connection

    def _started(self, connection: ReplicationConnection) -> None:
        if connection.start.lsn < self._delivered:  # another cluster: its positions start again
            log.warning("%s: the log is another one; reading on from where the slot stands", self._name)
            self._delivered = self._confirmed = 0
        elif self._connected_before and 0 < self._delivered < connection.slot_lsn:
            log.warning("%s: slot %s is another one, and begins later than we had read", self._name, self._slot)
            self.holes += 1
        self._resume, self._connected_before = connection.start, True
        self._connection, self._assembler = connection, Assembler()
        self._wal_end = self._sent = 0
        self._sent_at = 0.0
        self._heard_at = time.monotonic()
        self._backoff, self.failure, self.slot_lost = BACKOFF[0], "", False
        log.info("%s: reading slot %s", self._name, self._slot)

    def _lost(self, error: Exception) -> None:
        text = str(error).strip()
        if text != self.failure:  # the same outage is logged once, not at every attempt
            log.warning("%s: not reading slot %s: %s", self._name, self._slot, text)
        self.failure = text
        self.slot_lost = getattr(error, "sqlstate", "") in SLOT_LOST
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._next_attempt = time.monotonic() + self._backoff * random.uniform(0.5, 1)  # noqa: S311 - jitter
        self._backoff = min(2 * self._backoff, BACKOFF[1])

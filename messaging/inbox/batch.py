"""Handles a batch of messages: one local transaction for the batch if all goes well, otherwise one for each message.

A batch shares one commit (group commit). If it fails, or a fault is armed for one of its messages, its messages are
run one by one, so that one bad message harms no other. A message that kills its worker comes back marked as redelivered,
with its whole batch: each is counted just before it is tried again, alone, and becomes a dead letter after KILLS deaths.

If a server is down, the worker waits for it: that is not the message's fault. A row that another transaction has locked
delays only the messages that need it: they go back to the end of the service's own queue, and the others go first.
"""

import logging
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import Any

from celery import current_app
from django.db import models
from redis import Redis, RedisError

from faults import Plan, Point, Target
from messaging.database import Database
from messaging.envelope import EnvelopeError, NewerContractError, check
from messaging.inbox import dead_letters
from messaging.inbox.statements import Statements
from messaging.message import describe_error
from messaging.observe import observe
from messaging.outbox import dual_write
from messaging.outbox.publisher import queue_of, send_task
from messaging.process.outage import is_locked, is_passing, patiently
from messaging.process.warm_up import rolled_back
from messaging.strikes import claim, strike
from topology.chosen import HOUSE
from topology.tuning import Seconds

log = logging.getLogger(__name__)

KILLS = 3
VISIBLE_S: Seconds = 1.0  # how long the rows that a message describes may take to become visible
OUTAGE_S: Seconds = 60.0  # how long one batch waits for a server that is away, before the watchdog must send it again
LOCKED_S: Seconds = 0.25  # how long a message waits for a lock that it, or its batch, has hit before
LOCKED_SINCE = "lockedsince"  # a mark on an envelope that has gone back to the queue for a lock

Envelopes = Sequence[dict[str, Any]]


class NotVisibleError(LookupError):
    """The rows that a message describes are not there, or not yet: the log has a transaction an instant before others
    can see it.

    (PostgreSQL writes the commit, from which a walsender reads it, and only then takes the transaction off the list of those
    that run.)
    """


@dataclass(frozen=True, kw_only=True)
class Inbox:
    """A service's way in. `process(db, envelopes, plan)` runs inside one local transaction and may raise to roll it back."""

    service: str
    dead_letter: type[models.Model]
    process: Callable[[Database, Envelopes, Plan], None]
    redis: Callable[[], Redis]

    @cached_property
    def _db(self) -> Database:
        return Database(HOUSE.database_of(self.service).alias)

    @cached_property
    def _letters(self) -> dead_letters.OpenLetters:
        return dead_letters.OpenLetters(self.dead_letter)

    @cached_property
    def _of_thread(self) -> threading.local:
        return threading.local()

    def _plan(self) -> Plan:
        """One per thread, kept: it remembers what it read last."""
        if not hasattr(self._of_thread, "plan"):
            self._of_thread.plan = Plan(self.redis(), self.service, f"worker-{self.service}")
        plan: Plan = self._of_thread.plan
        return plan

    def handle(self, envelopes: list[Any], redelivered: bool = False) -> None:
        """Handle a batch from the broker. Returns when each message is done, is queued again, or its failure is
        recorded. Raises a passing error once it has lasted longer than OUTAGE_S; the watchdog then sends the messages
        again."""
        plan = patiently(self._plan().refresh, OUTAGE_S)
        if not isinstance(envelopes, list):  # for example a text: one bad message, not one for each of its characters
            envelopes = [envelopes]
        good = [envelope for envelope in envelopes if self._readable(envelope)]
        met = any(LOCKED_SINCE in envelope for envelope in good)
        together = not (redelivered or met) and not (plan.armed and any(plan.concerns(Target.of(one)) for one in good))
        if together and len(good) > 1:
            try:
                self._run(good, plan)
                return
            except Exception as error:
                met = is_locked(error)
                if is_passing(error) and not met:  # the server stayed down: it would for each of them
                    raise
                log.warning("batch of %d failed (%s); one by one", len(good), error)
        locked = []
        for envelope in good:
            if redelivered and not self._survivable(envelope):
                continue
            if not self._alone(envelope, plan, LOCKED_S if met else 0):
                locked.append(envelope)
            elif redelivered:
                patiently(partial(self.redis().delete, self._deaths(envelope)), OUTAGE_S)
        if locked:
            self._later(locked)

    def rehearse(self, act: Callable[[Database, Plan], object]) -> None:
        """Do once what delays the first batch: `act(db, plan)`, in a local transaction that is rolled back.

        The plan is empty: no fault strikes a rehearsal. Raises the error of a database, or of a Redis, that is down.
        """
        self._plan().refresh()
        with rolled_back(self._db):
            act(self._db, Plan(self.redis(), self.service))
            self._letters.succeeded(self._db, [])

    def _alone(self, envelope: dict[str, Any], plan: Plan, lock_s: float) -> bool:
        """False if it hit a lock: then nothing is written."""
        try:
            self._run([envelope], plan, lock_s)
        except Exception as error:
            if is_locked(error):
                return False
            if is_passing(error):
                raise
            log.warning("%s %s failed: %s", envelope["type"], envelope["id"], error, exc_info=True)
            self._failed(envelope, error)
        return True

    def _later(self, envelopes: list[dict[str, Any]]) -> None:
        """Put messages that hit a lock at the end of our own queue, together; messages already there go first."""
        for envelope in envelopes:
            if LOCKED_SINCE not in envelope:
                envelope[LOCKED_SINCE] = datetime.now(UTC).isoformat()
                self._observe(
                    "rolled back", f"{envelope['type']}: a row it needs is locked; the others go first", envelope
                )
        patiently(lambda: send_task(current_app, queue_of(self.service), envelopes), OUTAGE_S)

    def _run(self, envelopes: Envelopes, plan: Plan, lock_s: float = 0) -> None:
        """One local transaction. Waits, for a limited time, for a server that is down; a deadlock's loser is run again
        too. `lock_s`: how long its statements wait for a lock, if not as long as the connection's setting."""
        patiently(partial(self._strike, Point.TRANSACTION_BEFORE, envelopes, plan), OUTAGE_S)
        began = time.monotonic()
        give_up = began + OUTAGE_S
        pause = 0.05
        while True:
            dual_write.forget()
            try:
                with self._db.atomic(), Statements.of(self._db, envelopes) as statements:
                    self._limit_locks(lock_s)
                    self._slow_down(envelopes, plan)
                    self.process(self._db, envelopes, plan)
                    self._letters.succeeded(self._db, envelopes)
                    self._strike(Point.TRANSACTION_INSIDE, envelopes, plan)
                statements.keep(plan.redis)
                with suppress(RedisError):  # the work is done
                    self._strike(Point.TRANSACTION_COMMITTED, envelopes, plan)
                dual_write.publish(plan.redis, self.service)  # does nothing as long as the outbox is on
                return
            except NotVisibleError:
                if time.monotonic() > began + VISIBLE_S:
                    raise
                time.sleep(0.01)
            except Exception as error:
                if not is_passing(error) or is_locked(error) or time.monotonic() > give_up:
                    raise
                self._db.close()
                time.sleep(pause)
                pause = min(pause * 2, 1.0)

    def _limit_locks(self, lock_s: float) -> None:
        if lock_s:
            self._db.run(f"set local lock_timeout = {round(lock_s * 1000)}")

    def _strike(self, point: Point, envelopes: Envelopes, plan: Plan) -> None:
        for envelope in envelopes if plan.armed else ():
            strike(plan, point, envelope)

    def _slow_down(self, envelopes: Envelopes, plan: Plan) -> None:
        """A slow database: the transaction waits inside it, visible in `pg_stat_activity`."""
        for envelope in envelopes if plan.armed else ():
            fault = claim(plan, Point.DATABASE, envelope)
            if fault is not None:
                self._db.run("select pg_sleep(%s)", [fault.seconds])

    def _readable(self, envelope: Any) -> bool:
        try:
            check(envelope)
            return True
        except EnvelopeError as error:
            known = envelope if isinstance(envelope, dict) else {"data": envelope}
            letter = {**known, "id": _message_id(known)}
            self._record(letter, str(error), dead=True)
            self._observe("dead letter", f"unreadable message: {error}", letter)
            return False

    def _survivable(self, envelope: dict[str, Any]) -> bool:
        """Count a redelivered message before it is tried: a message that killed KILLS workers is not given to another."""
        deaths = patiently(partial(self._count_death, self._deaths(envelope)), OUTAGE_S)
        if deaths < KILLS:
            return True
        self._record(envelope, f"its worker died {deaths} times", dead=True)
        self._observe("dead letter", f"{envelope['type']} killed its worker {deaths} times", envelope)
        return False

    def _count_death(self, key: str) -> int:
        pipe = self.redis().pipeline()
        pipe.incr(key)
        pipe.expire(key, 3600)
        return int(pipe.execute()[0])

    def _record(self, envelope: dict[str, Any], why: str, *, dead: bool = False, waits: bool = False) -> str:
        """A failure, too, must not get lost while the database is down."""
        return patiently(
            lambda: dead_letters.record(self._db, self.dead_letter, envelope, why, dead=dead, waits=waits),
            OUTAGE_S,
            self._db.close,
        )

    def _deaths(self, envelope: dict[str, Any]) -> str:
        return f"deaths:{self.service}:{envelope['id']}"

    def _failed(self, envelope: dict[str, Any], error: Exception) -> None:
        why = describe_error(error)
        self._observe("rolled back", f"{envelope['type']}: {why}", envelope)
        state = self._record(envelope, why, waits=isinstance(error, NewerContractError))
        self._letters.opened()
        if state == "dead":
            self._observe("dead letter", f"{envelope['type']} is not tried again by itself", envelope)

    def _observe(self, kind: str, text: str, envelope: dict[str, Any]) -> None:
        booking = str(envelope.get("correlationid", ""))
        observe(self.redis(), self.service, kind, text, booking=booking, message_id=str(envelope.get("id", "")))


def _message_id(envelope: dict[str, Any]) -> str:
    try:
        return str(uuid.UUID(str(envelope.get("id"))))
    except ValueError:
        return str(uuid.uuid4())

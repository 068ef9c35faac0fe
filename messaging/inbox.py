"""Taking in a batch of messages: one local transaction for the batch if all goes well, one for each message if not.

A batch shares one commit (group commit). If it fails, or a fault is armed for one of its messages, its messages are
run one by one, so that one bad message harms no other. A message that kills its worker comes back marked as redelivered,
with its whole batch: each is counted just before it is tried again, alone, and becomes a dead letter after KILLS deaths.
"""

import logging
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db import InterfaceError, OperationalError, connections, models, transaction
from redis import Redis

from faults import Plan, Point, Target
from messaging import dead_letters, dual_write
from messaging.envelope import EnvelopeError, check
from messaging.message import told
from messaging.observe import observe
from messaging.statements import Statements
from messaging.strikes import claim, strike

log = logging.getLogger(__name__)

KILLS = 3
VISIBLE_S = 1.0  # how long what a message speaks of may take to be seen
OUTAGE_S = 60.0  # how long one batch waits for a database that is away, before the watchdog must send it again

Envelopes = Sequence[dict[str, Any]]


class NotVisibleError(LookupError):
    """What a message speaks of is not there, or not yet: a log tells of a transaction an instant before others can see it.

    (PostgreSQL writes the commit, from which a walsender reads it, and only then takes the transaction off the list of those
    that run.)
    """


@dataclass(frozen=True, kw_only=True)
class Inbox:
    """A service's way in. `process(envelopes, plan)` runs inside one local transaction and may raise to roll it back."""

    service: str
    dead_letter: type[models.Model]
    process: Callable[[Envelopes, Plan], None]
    redis: Callable[[], Redis]

    @cached_property
    def _letters(self) -> dead_letters.OpenLetters:
        return dead_letters.OpenLetters(self.dead_letter)

    @cached_property
    def _of_thread(self) -> threading.local:
        return threading.local()

    def _plan(self) -> Plan:
        """One a thread, kept: it knows what it read last."""
        if not hasattr(self._of_thread, "plan"):
            self._of_thread.plan = Plan(self.redis(), self.service, f"worker-{self.service}")
        plan: Plan = self._of_thread.plan
        return plan

    def handle(self, envelopes: list[Any], redelivered: bool = False) -> None:
        """Take in a batch as it came from the broker. Returns when each message is done or its failure is on record."""
        plan = self._plan().refresh()
        if not isinstance(envelopes, list):  # a text, say: one bad message, not one for each of its characters
            envelopes = [envelopes]
        good = [envelope for envelope in envelopes if self._readable(envelope)]
        together = not redelivered and not (plan.armed and any(plan.concerns(Target.of(one)) for one in good))
        if together and len(good) > 1:
            try:
                self._run(good, plan)
                return
            except Exception as error:
                if is_passing(error):  # the database stayed away: it would for each of them
                    raise
                log.warning("batch of %d failed (%s); one by one", len(good), error)
        for envelope in good:
            if not redelivered:
                self._alone(envelope, plan)
            elif self._survivable(envelope):
                self._alone(envelope, plan)
                self.redis().delete(self._deaths(envelope))  # it has not killed this worker

    def _alone(self, envelope: dict[str, Any], plan: Plan) -> None:
        try:
            self._run([envelope], plan)
        except Exception as error:
            if is_passing(error):
                raise
            log.warning("%s %s failed: %s", envelope["type"], envelope["id"], error, exc_info=True)
            self._failed(envelope, error)

    def _run(self, envelopes: Envelopes, plan: Plan) -> None:
        """One local transaction. Waits, bounded, for a database that is away; a deadlock's loser comes here too."""
        self._strike(Point.TRANSACTION_BEFORE, envelopes, plan)
        began = time.monotonic()
        give_up = began + OUTAGE_S
        pause = 0.05
        while True:
            dual_write.forget()
            try:
                with (
                    transaction.atomic(using=self.service),
                    Statements.of(self.service, envelopes) as statements,
                ):
                    self._slow_down(envelopes, plan)
                    self.process(envelopes, plan)
                    self._letters.succeeded(envelopes)
                    self._strike(Point.TRANSACTION_INSIDE, envelopes, plan)
                statements.keep(plan.redis)
                self._strike(Point.TRANSACTION_COMMITTED, envelopes, plan)
                dual_write.publish(plan.redis, self.service)  # nothing, as long as there is an outbox
                return
            except NotVisibleError:
                if time.monotonic() > began + VISIBLE_S:
                    raise
                time.sleep(0.01)
            except (OperationalError, InterfaceError) as error:
                if not is_passing(error) or time.monotonic() > give_up:
                    raise
                connections[self.service].close()
                time.sleep(pause)
                pause = min(pause * 2, 1.0)

    def _strike(self, point: Point, envelopes: Envelopes, plan: Plan) -> None:
        for envelope in envelopes if plan.armed else ():
            strike(plan, point, envelope)

    def _slow_down(self, envelopes: Envelopes, plan: Plan) -> None:
        """A slow database: the transaction waits inside it, as `pg_stat_activity` can tell."""
        for envelope in envelopes if plan.armed else ():
            fault = claim(plan, Point.DATABASE, envelope)
            if fault is not None:
                with connections[self.service].cursor() as cursor:
                    cursor.execute("select pg_sleep(%s)", [fault.seconds])

    def _readable(self, envelope: Any) -> bool:
        try:
            check(envelope)
            return True
        except EnvelopeError as error:
            known = envelope if isinstance(envelope, dict) else {"data": envelope}
            letter = {**known, "id": _message_id(known)}
            dead_letters.record(self.dead_letter, letter, str(error), dead=True)
            self._observe("dead letter", f"unreadable message: {error}", letter)
            return False

    def _survivable(self, envelope: dict[str, Any]) -> bool:
        """Count a redelivered message before it is tried: what killed KILLS workers is not given to another."""
        key = self._deaths(envelope)
        pipe = self.redis().pipeline()
        pipe.incr(key)
        pipe.expire(key, 3600)
        deaths, _ = pipe.execute()
        if deaths < KILLS:
            return True
        dead_letters.record(self.dead_letter, envelope, f"its worker died {deaths} times", dead=True)
        self._observe("dead letter", f"{envelope['type']} killed its worker {deaths} times", envelope)
        return False

    def _deaths(self, envelope: dict[str, Any]) -> str:
        return f"deaths:{self.service}:{envelope['id']}"

    def _failed(self, envelope: dict[str, Any], error: Exception) -> None:
        why = told(error)
        self._observe("rolled back", f"{envelope['type']}: {why}", envelope)
        state = dead_letters.record(self.dead_letter, envelope, why)
        self._letters.opened()
        if state == "dead":
            self._observe("dead letter", f"{envelope['type']} is not tried again by itself", envelope)

    def _observe(self, kind: str, text: str, envelope: dict[str, Any]) -> None:
        booking = str(envelope.get("correlationid", ""))
        observe(self.redis(), self.service, kind, text, booking=booking, message_id=str(envelope.get("id", "")))


def is_passing(error: Exception) -> bool:
    """Whether the database is away or we lost a race in it, so that the very same statement may succeed in a moment.

    SQLSTATE classes: none (no connection), 08 connection, 53 resources, 57P shutdown and start, 40 deadlock, serialization.
    """
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    state = getattr(error.__cause__, "sqlstate", None)
    return state is None or state[:2] in {"08", "53", "40"} or state[:3] == "57P"


def _message_id(envelope: dict[str, Any]) -> str:
    try:
        return str(uuid.UUID(str(envelope.get("id"))))
    except ValueError:
        return str(uuid.uuid4())

"""The tables that each service has to communicate with the others: outbox, barrier and dead letters, as abstract
models.

A router maps a model to one database, so each service declares its own concrete subclasses.
"""

from typing import Any

from django.db import models
from django.db.models.functions import Now


class UuidV7(models.Func):
    """PostgreSQL 18's `uuidv7()`: ids that sort by time, from the database's clock (Python before 3.14 has none)."""

    function = "uuidv7"
    arity = 0
    output_field = models.UUIDField()


class ClockTimestamp(models.Func):
    """The database's clock now, not at the start of the transaction."""

    function = "clock_timestamp"
    arity = 0
    output_field = models.DateTimeField()


class Xid8Field(models.Field):
    """A 64-bit transaction id (`xid8`): never wraps around, so it can order an event log."""

    def db_type(self, connection: Any) -> str:
        return "xid8"

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> int | None:
        return None if value is None else int(value)

    def get_prep_value(self, value: Any) -> str | None:
        return None if value is None else str(value)


class CurrentXid(models.Func):
    function = "pg_current_xact_id"
    arity = 0
    output_field = Xid8Field()


class SnapshotXmin(models.Func):
    """The oldest transaction still running: everything below it has ended and can be read in full."""

    template = "pg_snapshot_xmin(pg_current_snapshot())"
    arity = 0
    output_field = Xid8Field()


class Outbox(models.Model):
    """A message, written in the local transaction that causes it. Rows are kept: the outbox is the service's event log.

    `id` is the message's id and not unique: a reply that is sent again keeps its id. `xid` and `horizon` let a reader
    page through the log without ever missing a transaction that commits late.
    """

    seq = models.BigAutoField(primary_key=True)
    id = models.UUIDField(db_default=UuidV7())
    kind = models.TextField()
    type = models.TextField()
    destination = models.TextField(default="")
    subject = models.TextField(default="")
    correlation_id = models.TextField(default="")
    saga_id = models.UUIDField(null=True)
    step = models.TextField(default="")
    action = models.TextField(default="")
    causation_id = models.UUIDField(null=True)
    version = models.BigIntegerField(null=True)
    schema = models.TextField(default="", db_default="")  # version of the message's contract: "" is the first
    data = models.JSONField()
    time = models.DateTimeField(db_default=ClockTimestamp())
    xid = Xid8Field(db_default=CurrentXid())
    horizon = Xid8Field(db_default=SnapshotXmin())

    class Meta:
        abstract = True
        indexes = [models.Index("xid", "seq", condition=models.Q(kind="event"), name="%(app_label)s_event_log")]


class Barrier(models.Model):
    """One row per (saga, step, action) that has arrived: the inbox. After DTM's sub-transaction barrier.

    Its unique key absorbs duplicates; `reply` is the stored answer, so that a lost reply can be sent again (`id` is the
    reply's message id). A compensation inserts its forward key as `fenced`: a late action is refused.
    """

    id = models.UUIDField(primary_key=True, db_default=UuidV7())
    saga_id = models.UUIDField()
    step = models.TextField()
    action = models.TextField()
    state = models.TextField(default="taken")  # taken | succeeded | refused | fenced
    booking_id = models.TextField(default="")
    reply = models.JSONField(null=True)
    at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        abstract = True
        constraints = [models.UniqueConstraint(fields=["saga_id", "step", "action"], name="%(app_label)s_barrier_key")]


class DeadLetter(models.Model):
    """A message that failed, with every attempt's error; `dead` once it is not retried automatically."""

    id = models.UUIDField(primary_key=True)
    type = models.TextField()
    booking_id = models.TextField(default="")
    envelope = models.JSONField()
    attempts = models.JSONField(default=list)
    state = models.TextField(default="retrying")  # open: retrying | dead | retried; settled: cleared | discarded
    reason = models.TextField(default="")
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        abstract = True
        indexes = [
            models.Index(
                "updated_at",
                condition=models.Q(state__in=["retrying", "dead", "retried"]),
                name="%(app_label)s_open_letters",
            )
        ]

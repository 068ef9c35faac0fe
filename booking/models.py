"""Booking's own tables: customers, bookings, sagas with their log, idempotency keys, and a replica of the performances.

Other services' entities are referenced by id only; no foreign key leaves this database.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from booking.saga.state import ACTIVE
from messaging import models as messaging
from messaging.models import ClockTimestamp, UuidV7


class Customer(models.Model):
    """A person who books. Booking is the only writer; other services learn of customers through its events."""

    id = models.BigIntegerField(primary_key=True)
    name = models.TextField()
    email = models.TextField()
    version = models.BigIntegerField(default=1)


class Credential(models.Model):
    """What a customer logs in with. A private table: in no publication, so no reader of the log, no journal and no copy has it.

    `password_hash`: as Django's hashers write it; one that begins with "!" admits nobody.
    """

    customer = models.OneToOneField(Customer, on_delete=models.CASCADE, primary_key=True)
    password_hash = models.TextField()


class Booking(models.Model):
    """A customer's booking and its progress. `state` is a semantic lock that all services can see."""

    id = models.UUIDField(primary_key=True, db_default=UuidV7())
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT)
    performance_id = models.TextField()
    seats = ArrayField(models.TextField())
    payment_method = models.TextField()
    # the visitor's pseudonym; "" for a script, and of old bookings
    placed_by = models.TextField(default="", db_default="")
    state = models.TextField(default="PENDING")
    reason = models.TextField(default="")
    amount = models.BigIntegerField(null=True)  # minor units of `currency`; null until Seat has returned the price
    currency = models.TextField(default="")
    saga_id = models.UUIDField(db_default=UuidV7())  # set before the saga starts, so it can only start once
    placed_at = models.DateTimeField(db_default=ClockTimestamp())
    cancel_requested_at = models.DateTimeField(null=True)  # the customer's wish, until it is granted or refused
    due_at = models.DateTimeField(null=True)  # when a saga that has not started by then is requested again
    version = models.BigIntegerField(default=1)

    class Meta:
        indexes = [
            models.Index("due_at", condition=models.Q(due_at__isnull=False), name="booking_not_started"),
        ]


class Saga(models.Model):
    """A saga's state between two messages: the engine's value `SagaState`, and the timer that wakes it.

    `due_at`: when the watchdog checks it (null: never). `awaiting`: the service it waits for ("" once it has ended or
    is stuck). `overdue`: the watchdog has claimed it and a SagaOverdue is on its way.
    """

    id = models.UUIDField(primary_key=True)
    definition = models.TextField()
    definition_version = models.IntegerField(default=1, db_default=1)
    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, db_index=False)
    state = models.TextField()
    step = models.TextField()
    action = models.TextField()
    attempt = models.IntegerField()
    reason = models.TextField(default="")
    steps = models.JSONField()
    context = models.JSONField()
    awaiting = models.TextField(default="")
    due_at = models.DateTimeField(null=True)
    overdue = models.BooleanField(default=False)
    version = models.BigIntegerField(default=1)

    class Meta:
        # One active saga a booking. The watchdog walks this index too: one on `due_at` would cost every update its HOT path.
        constraints = [
            models.UniqueConstraint(
                fields=["booking"],
                condition=models.Q(state__in=[str(state) for state in ACTIVE]),
                name="booking_one_saga",
            )
        ]


class SagaLog(models.Model):
    """A line for each change of a saga: the source, the attempt concerned, and the saga's position afterwards."""

    id = models.BigAutoField(primary_key=True)
    saga = models.ForeignKey(Saga, on_delete=models.CASCADE, db_constraint=False)
    at = models.DateTimeField(db_default=ClockTimestamp())
    who = models.TextField()
    what = models.TextField()
    step = models.TextField(default="")
    action = models.TextField(default="")
    attempt = models.IntegerField(default=0)
    error = models.TextField(default="")
    state = models.TextField()
    message_id = models.UUIDField(null=True)


class IdempotencyKey(models.Model):
    """A key that a client sent with a request. `fingerprint` is a digest of the request."""

    key = models.TextField(primary_key=True)
    fingerprint = models.TextField()
    booking_id = models.UUIDField(db_default=UuidV7(), null=True)  # null: the request concerned no booking
    created_at = models.DateTimeField(db_default=ClockTimestamp())


class PerformanceReplica(models.Model):
    """A read-only copy of Seat's performances, so that a booking is checked without calling Seat. May be a moment behind."""

    id = models.TextField(primary_key=True)
    title = models.TextField()
    starts_at = models.DateTimeField()
    labels = ArrayField(models.TextField())
    # of the seats in `labels`, in minor units of `currency`
    prices = ArrayField(models.BigIntegerField(), default=list)
    # "" in a copy from before prices were copied, until Seat's log has been read again
    currency = models.TextField(default="")
    version = models.BigIntegerField()


class ReplicaCheckpoint(models.Model):
    """How far the replica has read a source's events: the position in its stream, and in its event log."""

    source = models.TextField(primary_key=True)
    stream_id = models.TextField(default="0-0")
    event_id = models.TextField(default="")
    horizon = models.BigIntegerField(default=0)
    pending = models.BigIntegerField(default=0)
    applied = models.BigIntegerField(default=0)
    updated_at = models.DateTimeField(db_default=ClockTimestamp())


class Outbox(messaging.Outbox):
    pass


class DeadLetter(messaging.DeadLetter):
    pass

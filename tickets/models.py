"""Ticket's tables: the outcome for each booking, the tickets themselves, and copies of what the door needs of others' rows."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from messaging import models as messaging
from tickets.contract import IssuanceStatus


class Issuance(models.Model):
    """Whether a booking got its tickets. Its key is the last guard against issuing twice."""

    booking_id = models.UUIDField(primary_key=True)
    performance_id = models.TextField()
    customer_id = models.BigIntegerField()
    status = models.TextField()
    reason = models.TextField(default="")
    version = models.BigIntegerField(default=1)

    class Meta:
        # for the list at the door; written once, with the row
        indexes = [models.Index("performance_id", name="tickets_issuance_performance")]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=[status.value for status in IssuanceStatus]), name="tickets_issuance_status"
            ),
            models.CheckConstraint(
                condition=Q(status=IssuanceStatus.REFUSED.value) ^ Q(reason=""), name="tickets_issuance_reason"
            ),
        ]


class Ticket(models.Model):
    """Entry for one seat. `code` cannot be guessed: 128 random bits."""

    id = models.UUIDField(primary_key=True, db_default=messaging.UuidV7())
    issuance = models.ForeignKey(Issuance, models.PROTECT, related_name="tickets")
    seat = models.TextField()
    code = models.TextField(unique=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["issuance", "seat"], name="tickets_ticket_seat")]


class Holder(models.Model):
    """Who a ticket was handed over to, if anybody. `customer_id` is an id of Booking's; `checked`: how it was checked."""

    ticket = models.OneToOneField(Ticket, models.CASCADE, primary_key=True)
    customer_id = models.BigIntegerField()
    checked = models.TextField()
    version = models.BigIntegerField(default=1)
    at = models.DateTimeField(db_default=messaging.ClockTimestamp())


class CustomerReplica(models.Model):
    """A read-only copy of Booking's customers: only the replicator may write it. `caused_by`: the events of its last write."""

    id = models.BigIntegerField(primary_key=True)
    name = models.TextField(null=True)
    email = models.TextField(null=True)
    version = models.BigIntegerField(null=True)
    caused_by = ArrayField(models.UUIDField(), null=True)


class CustomerBooking(models.Model):
    """A booking's part in the number of its customer's bookings. Only the replicator may write it."""

    id = models.UUIDField(primary_key=True)
    customer_id = models.BigIntegerField(null=True)
    confirmed = models.BooleanField(null=True)
    version = models.BigIntegerField(null=True)

    class Meta:
        indexes = [models.Index("customer_id", condition=Q(confirmed=True), name="tickets_customerbooking_of")]


class SeatReplica(models.Model):
    """A read-only copy of where Seat's seats are and what they cost, without who has them. Only the replicator may write it."""

    pk = models.CompositePrimaryKey("performance_id", "label")
    performance_id = models.TextField()
    label = models.TextField()
    section = models.TextField(null=True)
    row = models.TextField(null=True)
    number = models.IntegerField(null=True)
    price = models.BigIntegerField(null=True)  # minor units
    currency = models.TextField(null=True)
    version = models.BigIntegerField(null=True)
    caused_by = ArrayField(models.UUIDField(), null=True)


class ReplicaCheckpoint(models.Model):
    """How far the replicator has read a source's events; see messaging/events/checkpoints.py."""

    source = models.TextField(primary_key=True)
    stream_id = models.TextField(default="0-0")
    event_id = models.TextField(default="")
    horizon = models.BigIntegerField(default=0)
    pending = models.BigIntegerField(default=0)
    applied = models.BigIntegerField(default=0)
    lag_ms = models.IntegerField(default=0)
    behind = models.IntegerField(default=0)
    updated_at = models.DateTimeField(db_default=messaging.ClockTimestamp())


class ReplicaRebuild(models.Model):
    """The last rebuild of a replica: asked for by anybody, done by the replicator. `failure`: why the replica is unchanged."""

    replica = models.TextField(primary_key=True)
    asked_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    events = models.BigIntegerField(default=0)
    skipped = models.BigIntegerField(default=0)
    seconds = models.FloatField(default=0)
    failure = models.TextField(default="")


class Outbox(messaging.Outbox):
    pass


class Barrier(messaging.Barrier):
    pass


class DeadLetter(messaging.DeadLetter):
    pass

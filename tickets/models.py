"""Ticket's tables: the outcome for each booking, and the tickets themselves."""

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


class Outbox(messaging.Outbox):
    pass


class Barrier(messaging.Barrier):
    pass


class DeadLetter(messaging.DeadLetter):
    pass

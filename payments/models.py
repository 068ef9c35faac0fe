"""Payment's tables: money in integer minor units with its currency."""

from django.db import models
from django.db.models import Q

from messaging import models as messaging
from payments.contract import PaymentStatus


class PaymentMethod(models.Model):
    """A token and how it behaves: `declines_with` is the reason it gives, or "" when it approves."""

    token = models.TextField(primary_key=True)
    kind = models.TextField()
    declines_with = models.TextField(default="")


class Payment(models.Model):
    """What was taken, or not, for one booking. The unique constraint on the booking is the last guard against taking twice."""

    id = models.UUIDField(primary_key=True, db_default=messaging.UuidV7())
    booking_id = models.UUIDField(unique=True)
    customer_id = models.BigIntegerField()
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    method = models.ForeignKey(PaymentMethod, models.PROTECT, related_name="payments")
    status = models.TextField()
    reason = models.TextField(default="")
    version = models.BigIntegerField(default=1)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount__gte=0), name="payments_payment_amount"),
            models.CheckConstraint(
                condition=Q(status__in=[status.value for status in PaymentStatus]), name="payments_payment_status"
            ),
            models.CheckConstraint(
                condition=Q(status=PaymentStatus.DECLINED.value) ^ Q(reason=""), name="payments_payment_reason"
            ),
        ]


class Refund(models.Model):
    """The whole amount returned; at most one per payment."""

    id = models.UUIDField(primary_key=True, db_default=messaging.UuidV7())
    payment = models.OneToOneField(Payment, models.PROTECT, related_name="refund")
    amount = models.BigIntegerField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(amount__gte=0), name="payments_refund_amount")]


class Outbox(messaging.Outbox):
    pass


class Barrier(messaging.Barrier):
    pass


class DeadLetter(messaging.DeadLetter):
    pass

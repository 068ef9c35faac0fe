"""Seat's tables: the hall, its performances, and the holds on seats."""

from django.db import models
from django.db.models import Q

from messaging import models as messaging
from seats.contract import HoldStatus, SeatStatus


class Venue(models.Model):
    name = models.TextField(unique=True)


class Section(models.Model):
    venue = models.ForeignKey(Venue, models.PROTECT, related_name="sections")
    name = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["venue", "name"], name="seats_section_name")]


class Row(models.Model):
    section = models.ForeignKey(Section, models.PROTECT, related_name="rows")
    name = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["section", "name"], name="seats_row_name")]


class Performance(models.Model):
    id = models.SlugField(primary_key=True, max_length=64)
    title = models.TextField()
    venue = models.ForeignKey(Venue, models.PROTECT, related_name="performances")
    starts_at = models.DateTimeField()
    currency = models.CharField(max_length=3)
    version = models.BigIntegerField(default=1)


class Seat(models.Model):
    """One seat of one performance; its status decides who may have it. `price` in minor units of the performance's currency."""

    performance = models.ForeignKey(Performance, models.PROTECT, related_name="seats")
    section = models.ForeignKey(Section, models.PROTECT, related_name="+")
    row = models.ForeignKey(Row, models.PROTECT, related_name="+")
    number = models.IntegerField()
    label = models.TextField()
    price = models.BigIntegerField()
    status = models.TextField(default=SeatStatus.AVAILABLE.value)
    booking_id = models.UUIDField(null=True)
    version = models.BigIntegerField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["performance", "label"], name="seats_seat_label"),
            models.CheckConstraint(condition=Q(price__gte=0), name="seats_seat_price"),
            models.CheckConstraint(
                condition=Q(status=SeatStatus.AVAILABLE.value, booking_id__isnull=True)
                | Q(status__in=[SeatStatus.RESERVED.value, SeatStatus.SOLD.value], booking_id__isnull=False),
                name="seats_seat_taken_by_a_booking",
            ),
        ]
        indexes = [models.Index("booking_id", condition=Q(booking_id__isnull=False), name="seats_seat_booking")]


class Hold(models.Model):
    """What is held for one booking; its id is the booking's. `expires_at` frees nothing: only the saga ends a hold."""

    id = models.UUIDField(primary_key=True)
    performance = models.ForeignKey(Performance, models.PROTECT, related_name="holds")
    status = models.TextField(default=HoldStatus.HELD.value)
    expires_at = models.DateTimeField()
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    version = models.BigIntegerField(default=1)
    expiry_told_at = models.DateTimeField(null=True)  # when it was last reported to the orchestrator

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=[status.value for status in HoldStatus]), name="seats_hold_status"
            ),
            models.CheckConstraint(condition=Q(amount__gte=0), name="seats_hold_amount"),
        ]
        indexes = [
            models.Index(
                "expires_at",
                condition=Q(status=HoldStatus.HELD.value),
                name="seats_hold_expiry",
            )
        ]


class Outbox(messaging.Outbox):
    pass


class Barrier(messaging.Barrier):
    pass


class DeadLetter(messaging.DeadLetter):
    pass

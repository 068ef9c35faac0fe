"""Voucher's table."""

from django.db import models

from messaging import models as messaging


class Voucher(models.Model):
    id = models.UUIDField(primary_key=True, db_default=messaging.UuidV7())
    booking_id = models.UUIDField(unique=True)
    worth = models.BigIntegerField()
    version = models.BigIntegerField(default=1)

    objects: models.Manager = models.Manager()  # named, since the type checker's settings have another house


class Outbox(messaging.Outbox):
    pass


class Barrier(messaging.Barrier):
    pass


class DeadLetter(messaging.DeadLetter):
    pass

"""What the flight recorder stores. Only the recorder writes here; the web reads, with a role that may only SELECT."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Kind(models.TextChoices):
    TRANSACTION = "transaction"  # read from a database's log: it happened
    OBSERVATION = "observation"  # told by the code that saw it: best effort


class Entry(models.Model):
    """One local transaction of one database, or one observation. `pos` orders causes before effects and has no gaps."""

    pos = models.BigIntegerField(primary_key=True)
    kind = models.TextField(choices=Kind.choices)
    service = models.TextField()
    xid = models.BigIntegerField(null=True)
    lsn = models.TextField(default="")  # end of its commit record, as PostgreSQL writes it: 0/16B3748
    committed_at = models.DateTimeField()  # the database's clock; an observation's own
    recorded_at = models.DateTimeField()
    title = models.TextField()
    causes = ArrayField(models.UUIDField())  # message ids it names as its causes and did not emit itself
    cause_pos = ArrayField(models.BigIntegerField())  # entries that emitted them
    cause_known = models.BooleanField()  # False: some cause was not journaled in time, so the order is a guess
    emits = ArrayField(models.UUIDField())  # message ids it put into an outbox
    changes = models.JSONField()  # [{"table", "op": insert|update|delete|truncate, "key", "old", "new"}]
    data = models.JSONField(null=True)  # of an observation: {"kind", "messageid", ...}


class Mention(models.Model):
    """A correlation id (a booking's) that occurs in an entry: the index by which a booking's entries are found."""

    pk = models.CompositePrimaryKey("correlation", "pos")
    correlation = models.TextField()
    pos = models.BigIntegerField()


class Position(models.Model):
    """How far a source is journaled, committed together with its entries, so that none is lost or doubled."""

    source = models.TextField(primary_key=True)  # a database's alias, or "observations"
    cursor = models.TextField()  # LSN, or id in the Redis Stream
    system_id = models.TextField(default="")  # PostgreSQL's identifier of the cluster the LSN belongs to


class Epoch(models.Model):
    """One row, new with every new journal: positions of one epoch mean nothing in another."""

    id = models.UUIDField(primary_key=True)
    created_at = models.DateTimeField()

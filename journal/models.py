"""What the flight recorder stores. Only the recorder writes here; the web reads, with a role that may only SELECT.

Every table about a recording has a `tape`: 0 is the live journal, 1 and up are runs that were imported. Entries are the
recording; the indexer derives row versions, flights and table hashes from them, and these can be rebuilt.
"""

from typing import Any

import orjson
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.fields.json import KeyTextTransform, KeyTransform

LIVE = 0
"""The tape that the recorder writes."""


class Kind(models.TextChoices):
    TRANSACTION = "transaction"  # read from a database's log: it happened
    OBSERVATION = "observation"  # reported by the code that saw it: best effort


class JSONText(models.JSONField):
    """A column of type json: stored unchanged. A value that is only read as a whole need not be parsed and written again."""

    def db_type(self, connection: Any) -> str:
        return "json"

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        return None if value is None else orjson.dumps(value).decode()  # as jsonb it would be rewritten

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return value  # psycopg has parsed it


class Entry(models.Model):
    """One local transaction of one database, or one observation. `pos` orders causes before effects and has no gaps."""

    pk = models.CompositePrimaryKey("tape", "pos")
    tape = models.SmallIntegerField(default=LIVE, db_default=LIVE)
    pos = models.BigIntegerField()
    kind = models.TextField(choices=Kind.choices)
    service = models.TextField()
    xid = models.BigIntegerField(null=True)
    lsn = models.TextField(default="")  # end of its commit record, as PostgreSQL writes it: 0/16B3748
    committed_at = models.DateTimeField()  # the database's clock; for an observation, its own
    recorded_at = models.DateTimeField()
    title = models.TextField()
    causes = ArrayField(models.UUIDField())  # message ids that it names as its causes and did not emit itself
    cause_pos = ArrayField(models.BigIntegerField())  # entries that emitted them
    cause_known = models.BooleanField()  # False: some cause was not journaled in time, so the order is a guess
    emits = ArrayField(models.UUIDField())  # message ids it put into an outbox
    # Its rows as the log had them (journal.packed), and the layouts to decode them with, in the order of their numbers.
    packed = models.BinaryField(null=True)
    layouts = ArrayField(models.BigIntegerField(), null=True)  # Layout.id
    # The rows of an entry that is not packed (imported, or recorded by an older version):
    # [{"table", "op": insert|update|delete|truncate, "key", "old", "new"}]; an update's "old" may hold only the changed
    # columns
    changes = JSONText(null=True)
    data = models.JSONField(null=True)  # of an observation: {"kind", "messageid", ...}
    # That kind, in a separate column: queries that count observations or search the next one read only the index.
    observed = models.GeneratedField(
        expression=KeyTextTransform("kind", "data"), output_field=models.TextField(null=True), db_persist=True
    )

    class Meta:
        indexes = [
            models.Index("tape", "committed_at", "pos", name="journal_entry_time"),
            models.Index("tape", "service", "pos", name="journal_entry_service"),
            models.Index(
                "tape",
                "observed",
                "pos",
                condition=models.Q(observed__isnull=False),
                name="journal_entry_observed",
            ),
            models.Index(
                "tape",
                KeyTextTransform("fault", KeyTransform("data", "data")),
                "pos",
                condition=models.Q(kind=Kind.OBSERVATION),
                name="journal_entry_fault",
            ),
        ]


class Layout(models.Model):
    """A table's columns and key as its log announced them: what packed rows of that time are decoded with.

    Few, and never deleted: {"oid", "schema", "table", "columns": [[name, type's OID, in the identity]], "key": [name]}.
    """

    id = models.BigIntegerField(primary_key=True)  # the first 64 bits of the definition's hash
    definition = models.JSONField()


class Mention(models.Model):
    """A correlation id (a booking's) that occurs in an entry: the index by which a booking's entries are found."""

    pk = models.CompositePrimaryKey("tape", "correlation", "pos")
    tape = models.SmallIntegerField(default=LIVE, db_default=LIVE)
    correlation = models.TextField()
    pos = models.BigIntegerField()

    class Meta:
        indexes = [models.Index("tape", "pos", name="journal_mention_pos")]


class Position(models.Model):
    """How far a source is journaled, committed together with its entries, so that none is lost or duplicated."""

    source = models.TextField(primary_key=True)  # a database's alias, or "observations"
    cursor = models.TextField()  # LSN, or id in the Redis Stream
    system_id = models.TextField(default="")  # PostgreSQL's identifier of the cluster the LSN belongs to


class Epoch(models.Model):
    """One row, new with every new journal: positions of one epoch are meaningless in another."""

    id = models.UUIDField(primary_key=True)
    created_at = models.DateTimeField()


class Run(models.Model):
    """A range of a tape with a name. The live tape has one after another, an imported tape exactly one."""

    id = models.UUIDField(primary_key=True)
    tape = models.SmallIntegerField(default=LIVE)
    name = models.TextField()
    seed = models.TextField(default="")
    faults = models.JSONField(default=list)  # what was armed: [{"id", "point", "action", ...}]
    # definitions: service -> table -> {"columns": [[name, type]], "key": [name]}
    tables = models.JSONField(default=dict)
    started_pos = models.BigIntegerField()  # its first entry
    ended_pos = models.BigIntegerField(null=True)  # its last entry; null while it is open
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    imported = models.BooleanField(default=False)
    checksum = models.TextField(default="")
    # pseudonym of the visitor who started it; null: an operator started it, or it began automatically
    owner = models.TextField(null=True)
    origin = models.JSONField(null=True)  # of an imported run: its id and epoch in the journal it was recorded in

    class Meta:
        indexes = [models.Index("tape", "started_pos", name="journal_run_start")]
        constraints = [
            models.UniqueConstraint(
                fields=["tape"], condition=models.Q(ended_pos__isnull=True), name="journal_run_one_open"
            )
        ]


class Indexed(models.Model):
    """How far the indexer has come on a tape, committed together with what it derived."""

    tape = models.SmallIntegerField(primary_key=True)
    pos = models.BigIntegerField()


class Table(models.Model):
    """A service's table with a number, so that millions of row versions need not repeat its name."""

    id = models.SmallAutoField(primary_key=True)
    service = models.TextField()
    name = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["service", "name"], name="journal_table_name")]


class RowVersion(models.Model):
    """A row as it was from entry `from_pos` on until entry `to_pos` (exclusive; null: it still is).

    `octave` is floor(log2(to_pos - from_pos)), null while it is current: the versions at a position are found by
    searching, for each octave, only the last 2^(octave + 1) positions. No other plain index can do that in bounded
    time.
    """

    pk = models.CompositePrimaryKey("tape", "from_pos", "table", "key")
    tape = models.SmallIntegerField()
    table = models.SmallIntegerField()  # Table.id
    key = models.TextField()
    from_pos = models.BigIntegerField()
    to_pos = models.BigIntegerField(null=True)
    octave = models.SmallIntegerField(null=True)
    correlation = models.TextField(null=True)  # the booking it belongs to, or last belonged to
    hash = models.BigIntegerField()  # messaging.hashing.row_hash
    row = models.JSONField()

    class Meta:
        indexes = [
            # Its condition means the same as that of the keys below, and is another one, so that a row which is looked up by
            # its key is not looked for here: without statistics the planner takes one index for as good as the other.
            models.Index(
                "tape", "table", "from_pos", condition=models.Q(to_pos__isnull=True), name="journal_version_current"
            ),
            models.Index(
                "tape",
                "table",
                "octave",
                "from_pos",
                condition=models.Q(octave__isnull=False),
                name="journal_version_was",
            ),
            models.Index(
                "tape",
                "correlation",
                "from_pos",
                condition=models.Q(correlation__isnull=False),
                name="journal_version_booking",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["tape", "table", "key"], condition=models.Q(octave__isnull=True), name="journal_version_one"
            )
        ]


class Flight(models.Model):
    """A message from the entry that emitted it until the entry that first names it as its cause (null: none yet).

    An event has landed, too, once a reader's checkpoint has passed it.
    """

    pk = models.CompositePrimaryKey("tape", "from_pos", "id")
    tape = models.SmallIntegerField()
    id = models.UUIDField()
    kind = models.TextField()  # command | reply | event
    type = models.TextField()
    source = models.TextField()
    target = models.TextField()  # "" for an event
    correlation = models.TextField(default="")
    from_pos = models.BigIntegerField()
    to_pos = models.BigIntegerField(null=True)
    octave = models.SmallIntegerField(null=True)  # as in RowVersion

    class Meta:
        indexes = [
            models.Index("tape", "id", condition=models.Q(octave__isnull=True), name="journal_flight_open"),
            models.Index("tape", "from_pos", condition=models.Q(octave__isnull=True), name="journal_flight_current"),
            models.Index(
                "tape", "octave", "from_pos", condition=models.Q(octave__isnull=False), name="journal_flight_was"
            ),
            models.Index("tape", "correlation", "from_pos", name="journal_flight_of"),
        ]


class TableHash(models.Model):
    """A table after entry `pos`, which changed it: number of rows, and their additive hash (messaging.hashing)."""

    pk = models.CompositePrimaryKey("tape", "table", "pos")
    tape = models.SmallIntegerField()
    table = models.SmallIntegerField()  # Table.id
    pos = models.BigIntegerField()
    rows = models.BigIntegerField()
    hash = models.BigIntegerField()  # the unsigned sum's 64 bits as PostgreSQL's signed bigint

"""Events that a reader skipped, kept as dead letters in the reader's own database. A person sees each at /operate.

When a person marks a letter as `retried`, the reader applies the event again, and the letter becomes `cleared`, or
`dead` with one more attempt. An event of a newer major version waits as a letter that is `retrying`: the reader applies
it again when it starts, for it may be the newer version by then, and each time LETTER_LONGEST_RETRY_S are over.
"""

import uuid
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models

from messaging.database import Database, from_json
from messaging.envelope import NewerContractError
from messaging.inbox import dead_letters
from topology.tuning import Count

SKIPPED_BY = "skippedby"
AT_ONCE: Count = 50  # skipped events that are tried again in one go
_LETTERS = uuid.UUID("6f1c7f0e-6a34-4a5f-9d0b-3a1f5f6f2f11")
# The time of a letter is that of its last attempt: a reader that started later has not tried a waiting letter yet.
_DUE = f"""
    select id::text, envelope from {{table}} where envelope ->> '{SKIPPED_BY}' = %s and (state = 'retried'
        or state = 'retrying' and (attempts -> -1 ->> 'waits')::bool
            and (updated_at < %s or updated_at < clock_timestamp() - interval '1 second' * %s))
    order by updated_at limit {AT_ONCE}
"""
_CLEARED = """
    update {table} set state = 'cleared', updated_at = clock_timestamp() where id = %s and state in ('retried', 'retrying')
"""


class SkippedEvents:
    """The letters of one reader. Its methods raise what a database raises; each is a transaction of its own, or part of one."""

    def __init__(self, dead_letter: type[models.Model], reader: str) -> None:
        self.reader = reader
        self._model, self._db = dead_letter, Database.of(dead_letter)
        self._table = dead_letter._meta.db_table
        self._started: datetime | None = None

    def record(self, event: Any, where: str, error: Exception, letter: str = "") -> None:
        """Keep what was skipped: an event, or the text of an entry that is not one. The same one gets the same letter.
        `letter`: the one by which it was retried.
        """
        envelope = event if isinstance(event, dict) else {"data": {"content": str(event)[:4000]}, "source": where}
        name = str(envelope.get("id") or envelope["data"])
        letter = letter or str(uuid.uuid5(_LETTERS, f"{self.reader} {name}"))
        kept = {**envelope, SKIPPED_BY: self.reader}
        waits = isinstance(error, NewerContractError)
        dead_letters.record(
            self._db, self._model, kept, f"{where}: {error!r}", dead=not waits, waits=waits, letter=letter
        )

    def due(self) -> list[tuple[str, dict[str, Any]]]:
        """(letter's id, event) of those to apply again, at most AT_ONCE: retried by a person, or waiting and due."""
        if self._started is None:
            ((self._started,),) = self._db.rows("select clock_timestamp()")
        values = [self.reader, self._started, settings.LETTER_LONGEST_RETRY_S]
        found = self._db.rows(_DUE.format(table=self._table), values)
        return [(letter, from_json(envelope)) for letter, envelope in found]

    def cleared(self, letter: str) -> None:
        self._db.run(_CLEARED.format(table=self._table), [letter])

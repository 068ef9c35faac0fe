"""Messages that fail: every attempt's error is kept; after LIMIT attempts the message is dead and waits for a person.

Until then it is retried automatically (messaging.inbox.letter_retries). A letter is open until the message finally
succeeds (`cleared`) or a person discards it (`discarded`).
"""

import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import models

from messaging.database import Database
from messaging.envelope import check, contract_version
from messaging.outbox.append import Message
from messaging.storable import LONGEST_KEY, kept, storable_text
from topology.tuning import Seconds

LIMIT = 5
OPEN = ("retrying", "dead", "retried")
ASK_EVERY_S: Seconds = 1.0  # between two looks whether there is an open letter at all

_RECORD = """
    insert into {table} (id, type, booking_id, envelope, attempts, state, reason, updated_at)
    values (%(id)s, %(type)s, %(booking)s, %(envelope)s, jsonb_build_array(jsonb_build_object(
        'at', clock_timestamp(), 'error', %(error)s::text)
        || case when %(waits)s then '{{"waits": true}}'::jsonb else '{{}}'::jsonb end), %(state)s, '', clock_timestamp())
    on conflict (id) do update set
        attempts = case when %(waits)s and {table}.attempts -> -1 ->> 'error' = %(error)s then {table}.attempts
            else {table}.attempts || excluded.attempts end,
        envelope = excluded.envelope,
        state = case when %(waits)s then excluded.state
            when jsonb_array_length({table}.attempts) + 1 >= %(limit)s then 'dead' else excluded.state end,
        updated_at = clock_timestamp()
    returning state, jsonb_array_length(attempts)
"""
_ANY_OPEN = "select exists (select from {table} where state in ('retrying', 'dead', 'retried'))"
# A command that is sent again has another id: it counts as the same one if it has the same type and saga.
_CLEAR = """
    update {table} letter set state = 'cleared', updated_at = clock_timestamp()
    from unnest(%s::uuid[], %s::text[], %s::text[]) as done (id, type, saga)
    where letter.state in ('retrying', 'dead', 'retried')
        and (letter.id = done.id or letter.type = done.type and letter.envelope ->> 'sagaid' = done.saga)
"""


def record(
    db: Database,
    dead_letter: type[models.Model],
    envelope: dict[str, Any],
    error: str,
    *,
    dead: bool = False,
    waits: bool = False,
    letter: str = "",
) -> str:
    """Note a failed attempt; return the message's state: `retrying`, or `dead` after LIMIT attempts (or at once, if `dead`).

    A message that `waits` for a newer version of its reader stays `retrying` however often it is tried. `letter`: the
    letter's id, if it differs from the message's.
    """
    values = {
        "id": letter or envelope["id"],
        "type": storable_text(str(envelope.get("type", "")), LONGEST_KEY),
        "booking": storable_text(str(envelope.get("correlationid", "")), LONGEST_KEY),
        "envelope": kept(envelope),
        "error": storable_text(error, 4000),
        "state": "dead" if dead else "retrying",
        "limit": LIMIT,
        "waits": waits,
    }
    ((state, _attempts),) = db.rows(_RECORD.format(table=dead_letter._meta.db_table), values)
    return str(state)


def message_of(service: str, letter_id: str, envelope: Any) -> Message:
    """The letter's message, to be sent again to `service` under its own id. Raises ValueError if no queue could take it."""
    envelope = check(envelope)
    if envelope["kind"] not in ("command", "reply"):
        raise ValueError(f"a message of kind '{envelope['kind']}' has no queue to go to")
    return Message(
        kind=envelope["kind"],
        type=str(envelope["type"]),
        data=envelope["data"],
        destination=service,
        subject=str(envelope.get("subject", "")),
        correlation_id=str(envelope.get("correlationid", "")),
        saga_id=_uuid(envelope, "sagaid"),
        step=str(envelope.get("sagastep", "")),
        action=str(envelope.get("sagaaction", "")),
        causation_id=_uuid(envelope, "causationid"),
        schema=_schema(envelope),
        id=letter_id,
    )


def _schema(envelope: dict[str, Any]) -> str:
    """So that a message that is sent again is read by the same version of its contract."""
    major, minor = contract_version(envelope.get("dataschema"))
    return f"{major}.{minor}" if minor else str(major)


def _uuid(envelope: dict[str, Any], name: str) -> str | None:
    value = envelope.get(name)
    try:
        return None if value is None else str(UUID(value))
    except (TypeError, ValueError, AttributeError):
        raise ValueError(f"its {name} is not a UUID: {value!r}") from None


class OpenLetters:
    """Clears the letters of messages that succeed. Checks once a second whether there are any, so that a batch costs
    nothing extra."""

    def __init__(self, dead_letter: type[models.Model]) -> None:
        self._table = dead_letter._meta.db_table
        self._any, self._ask_at = False, 0.0

    def opened(self) -> None:
        self._any = True

    def succeeded(self, db: Database, envelopes: Sequence[dict[str, Any]]) -> None:
        """To be called in the local transaction that handles these messages."""
        if not self._any and time.monotonic() < self._ask_at:
            return
        ((self._any,),) = db.rows(_ANY_OPEN.format(table=self._table))
        self._ask_at = time.monotonic() + ASK_EVERY_S
        if self._any:
            columns = [[envelope.get(name) for envelope in envelopes] for name in ("id", "type", "sagaid")]
            db.run(_CLEAR.format(table=self._table), columns)
